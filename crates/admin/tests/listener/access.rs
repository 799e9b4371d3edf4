//! Who may ask: hosts, pages of other sites, the token.

use fanfare_admin::Admin;

use crate::support::listener::Listener;

/// A route of each kind.
const ROUTES: [(&str, &str); 7] = [
    ("GET", "/metrics"),
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/openapi.json"),
    ("DELETE", "/api/v1/connections/7"),
    ("POST", "/api/v1/drain"),
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/tail?channel=news"),
];

#[test]
fn with_a_token_everything_but_the_page_and_health_needs_it() {
    let listener = Listener::with_token("correct-horse");
    for (method, target) in ROUTES {
        let refused = listener.request(method, target);
        assert!(refused.problem(401).contains("Authorization: Bearer"), "{method} {target}");
        assert_eq!(refused.field("www-authenticate"), Some("Bearer"));
        for wrong in ["Bearer correct-hors", "Bearer correct-horse2", "Bearer", "correct-horse", "Basic correct-horse"]
        {
            let refused = listener.client().request(method, target, &[("authorization", wrong)], b"");
            refused.problem(401);
            assert_eq!(refused.field("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{wrong}");
        }
    }
    assert!(!listener.program.is_drained(), "nothing was done");
    assert_eq!(listener.made_up.world().connections.len(), 3);

    let token = [("authorization", "Bearer correct-horse")];
    assert_eq!(listener.client().request("GET", "/metrics", &token, b"").status, 200);
    assert_eq!(listener.client().request("POST", "/api/v1/drain", &token, b"").status, 202);
    listener.client().stream("/api/v1/events", &token).next_of("figures");
    for target in ["/", "/assets/app.js", "/assets/style.css", "/healthz"] {
        assert_eq!(listener.get(target).status, 200, "{target}");
    }
}

#[test]
fn the_token_is_checked_before_anything_is_looked_up() {
    let listener = Listener::with_token("correct-horse");
    for target in ["/api/v1/connections/999", "/api/v1/connections/x", "/api/v1/channels?limit=x"] {
        listener.get(target).problem(401);
    }
}

#[test]
fn a_name_that_is_not_ours_is_refused() {
    let listener = Listener::with(Admin { hosts: vec!["admin.example".to_owned()], ..Admin::default() });
    for (method, target) in ROUTES.into_iter().chain([("GET", "/"), ("GET", "/healthz")]) {
        for host in ["evil.example", "evil.example:3001", "127.0.0.1.nip.example"] {
            let refused = listener.client().request(method, target, &[("host", host)], b"");
            assert!(refused.problem(421).contains("configured names"), "{method} {target} {host}");
        }
    }
    assert!(!listener.program.is_drained());
    for host in ["127.0.0.1", "[::1]:3001", "localhost:3001", "ADMIN.example"] {
        let answer = listener.client().request("GET", "/api/v1/status", &[("host", host)], b"");
        assert_eq!(answer.status, 200, "{host}");
    }
    let mut client = listener.client();
    client.send("GET /api/v1/status HTTP/1.1\r\n\r\n");
    assert!(client.answer().problem(400).contains("Host"));
}

#[test]
fn pages_of_other_sites_may_neither_read_nor_act() {
    let listener = Listener::new();
    for (method, target) in ROUTES {
        for (name, value) in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost:1"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let refused = listener.client().request(method, target, &[(name, value)], b"");
            refused.problem(403);
            assert_eq!(refused.field("access-control-allow-origin"), None);
        }
    }
    assert!(!listener.program.is_drained());
    assert_eq!(listener.made_up.world().connections.len(), 3);
    let own = [("host", "localhost:3001"), ("origin", "http://localhost:3001"), ("sec-fetch-site", "same-origin")];
    assert_eq!(listener.client().request("POST", "/api/v1/drain", &own, b"").status, 202);
}

#[test]
fn no_answer_is_kept_or_lent_to_another_site() {
    let listener = Listener::new();
    for target in ["/", "/metrics", "/api/v1/status", "/nowhere"] {
        let answer = listener.get(target);
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"), "{target}");
        assert_eq!(answer.field("cross-origin-resource-policy"), Some("same-origin"), "{target}");
        assert_eq!(
            answer.field("cache-control"),
            Some(if target == "/" { "no-cache" } else { "no-store" }),
            "{target}"
        );
    }
}
