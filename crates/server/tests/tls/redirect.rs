//! `--tls-redirect`.

use crate::{
    Secure,
    authority::Authority,
    support::{curl_once, until},
};

#[test]
fn pages_are_sent_to_https_and_everything_else_is_served() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let server = Secure::started(&[&cert, &key, "--tls-redirect"]);
    let plain = server.plain.as_deref().unwrap();
    let page = ["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "-H", "accept: text/html,*/*;q=0.8"];
    let asked = |more: &[&str], path: &str| curl_once(&[&page[..], more, &[&format!("{plain}{path}")]].concat());
    let to = |path: &str| format!("307 {}", server.url("127.0.0.1", path));
    assert_eq!(asked(&[], "/"), to("/"));
    assert_eq!(asked(&["-I"], "/?channel=a%20b"), to("/?channel=a%20b"));
    let named = curl_once(&[&page[..], &["-H", "host: www.example.org:80", &format!("{plain}/")]].concat());
    assert_eq!(named, format!("307 {}", server.url("www.example.org", "/")));

    assert_eq!(curl_once(&[&format!("{plain}/healthz")]).trim(), "ok");
    assert!(asked(&["-d", "x"], "/broadcast").starts_with("202 "), "a publish is not moved");
    let secure = curl_once(&["-H", "accept: text/html", "--cacert", &authority.ca(), &server.url("localhost", "/")]);
    assert!(secure.contains("<html"), "{secure}");
    let mut stream = crate::support::curl(&["-H", "accept: text/event-stream", &format!("{plain}/channels/a")]);
    until("it follows", || curl_once(&["-d", "x", &format!("{plain}/channels/a")]).contains("\"matched\":1"));
    stream.line_with("data: x");
}

#[test]
fn pages_are_sent_to_the_port_by_which_browsers_reach_https() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    for (value, port) in [("443", ""), ("8443", ":8443")] {
        let server = Secure::started(&[&cert, &key, &format!("--tls-redirect={value}")]);
        let url = format!("{}/x", server.plain.as_deref().unwrap());
        let page = ["-o", "/dev/null", "-w", "%{redirect_url}", "-H", "accept: text/html", "-H", "host: a.example"];
        assert_eq!(curl_once(&[&page[..], &[&url]].concat()), format!("https://a.example{port}/x"));
    }
}
