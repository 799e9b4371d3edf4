//! The files of the dashboard, and the document of the routes.

use serde_json::Value;

use crate::support::listener::Listener;

#[test]
fn the_page_and_its_files_have_their_types_and_may_load_nothing_else() {
    let listener = Listener::new();
    for (target, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/assets/app.js", "text/javascript; charset=utf-8"),
        ("/assets/style.css", "text/css; charset=utf-8"),
    ] {
        let file = listener.get(target);
        assert_eq!((file.status, file.field("content-type")), (200, Some(kind)), "{target}");
        let policy = file.field("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        let tag = file.field("etag").unwrap();
        let again = listener.client().request("GET", target, &[("if-none-match", tag)], b"");
        assert_eq!((again.status, again.field("etag")), (304, Some(tag)), "{target}");
    }
}

#[test]
fn every_file_that_the_page_names_is_there() {
    let listener = Listener::new();
    let page = listener.get("/").text();
    let named: Vec<_> = page.split('"').filter(|part| part.starts_with("assets/")).collect();
    assert!(named.len() >= 2, "{page}");
    for name in named {
        assert_eq!(listener.get(&format!("/{name}")).status, 200, "{name}");
    }
}

#[test]
fn the_document_is_the_one_of_the_package() {
    let served = Listener::new().get("/api/v1/openapi.json").ok(200);
    let packed: Value = serde_json::from_str(include_str!("../../src/openapi.json")).unwrap();
    assert_eq!(served, packed);
}
