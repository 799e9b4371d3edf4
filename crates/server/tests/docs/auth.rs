//! The files of examples/auth with the real nginx and Caddy: a user who is logged in reads their own events and the
//! permitted channels, and no others.

use std::fs;

use crate::{
    browser::Browser,
    desk::{Desk, need_programs_of},
    network::alone,
    page::Directive,
    site::{Site, run},
    support::{PATIENCE, Process},
};

const NGINX: &str =
    "mkdir -p /tmp/auth && exec nginx -p /tmp/auth -c \"$PWD/examples/auth/nginx.conf\" -g 'daemon off;'";
const CADDY: &str = "exec caddy run --adapter caddyfile --config examples/auth/Caddyfile";

#[test]
fn nginx_lets_everybody_read_what_the_application_says() {
    need_programs_of("nginx node");
    alone("auth::nginx_lets_everybody_read_what_the_application_says", || assert_asks_first(NGINX));
}

#[test]
fn caddy_lets_everybody_read_what_the_application_says() {
    need_programs_of("caddy node");
    alone("auth::caddy_lets_everybody_read_what_the_application_says", || assert_asks_first(CADDY));
}

fn assert_asks_first(proxy: &str) {
    let desk = Desk::new();
    let mut site = Site::default();
    let mut application = Process::start(&mut desk.shell("exec node examples/auth/backend.mjs"));
    application.line_with("listening on");
    let port = Directive::parse("server port=\"8080\"").unwrap();
    site.serve(&desk, &["fanfare", proxy].map(str::to_owned), &port).unwrap();

    let log_in = |user: &str| {
        let text = shell(&desk, &format!("curl -sS -c {user} -d user={user} http://127.0.0.1:8080/login"));
        assert_eq!(text, "logged in\n");
    };
    log_in("alice");
    log_in("bob");
    assert_eq!(status(&desk, "alice", "/notifications"), "200");
    // Whoever has no session, or one that nobody knows.
    fs::write(desk.path("repository/forged"), "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\tforged\n").unwrap();
    for cookies in ["none", "forged"] {
        assert_eq!(status(&desk, cookies, "/notifications"), "401", "{cookies}");
        assert_eq!(status(&desk, cookies, "/channels/news"), "401", "{cookies}");
    }
    assert_eq!(status(&desk, "alice", "/channels/team%2Fa"), "200");
    assert_eq!(status(&desk, "alice", "/channels/team%2Fa?since=earliest&heartbeat=cursor"), "200");
    assert_eq!(status(&desk, "alice", "/channels/team%2Fa/history?limit=10"), "200");
    assert_eq!(status(&desk, "bob", "/channels/news"), "200");
    // What only others may read, and every way to name it.
    for path in [
        "/channels/team%2Fa",
        "/channels/team%2fa",
        "/channels/team%2Fa/history",
        "/channels/news?channel=team%2Fa",
        "/channels/news?id=42",
        "/channels/news/../team%2Fa",
        "/channels/./team%2Fa",
        "/channels/%2E/team%2Fa",
        "/channels//team%2Fa",
        "/channels/%",
        "/channels/news%00",
    ] {
        let status = status(&desk, "bob", path);
        assert!(["400", "403", "404"].contains(&&*status), "{path}: {status}");
    }
    // Only a proxy may say what was asked for.
    let lie = "-H 'X-Forwarded-Uri: /channels/news' 'http://127.0.0.1:8080/channels/team%2Fa'";
    let status_of_lie = shell(&desk, &format!("curl -sS -b bob -o /dev/null -w '%{{http_code}}' {lie}"));
    assert_eq!(status_of_lie, "403");
    // Routes of Fanfare's that nobody may reach from outside.
    for path in ["/sse?id=42", "/sse?channel=team%2Fa", "/auth", "/healthz"] {
        assert_eq!(status(&desk, "bob", path), "404", "{path}");
    }
    for path in ["/channels/news", "/clients/42", "/broadcast", "/notifications", "/publish"] {
        let url = format!("http://127.0.0.1:8080{path}");
        let status = shell(&desk, &format!("curl -sS -b bob -o /dev/null -w '%{{http_code}}' -d x '{url}'"));
        assert!(["403", "404"].contains(&&*status), "{path}: {status}");
    }

    // Each gets their own events, whatever they say of themselves, and the page gets them by its cookie.
    let stream = |user: &str, more: &str| {
        let command = format!("curl -sN -b {user} {more}");
        let mut stream = Process::start(&mut desk.shell(&command));
        stream.line_with(": connection ");
        stream
    };
    let forged = "-H 'X-Client-Id: 42' 'http://127.0.0.1:8080/notifications?id=42&channel=team%2Fa'";
    let (mut alice, mut bob) = (stream("alice", "http://127.0.0.1:8080/notifications"), stream("bob", forged));
    let mut page = Browser::open(&desk, "http://127.0.0.1:8080/", None);
    page.value("fetch('/login', { method: 'POST', body: 'user=alice' }).then(() => null)");
    page.value("reload");
    page.value("new Promise((done) => setInterval(() => events.readyState === 1 && done(), 5))");
    shell(&desk, "curl -sS -d 'for alice' http://127.0.0.1:3000/clients/42");
    shell(&desk, "curl -sS -d 'for a team' http://127.0.0.1:3000/channels/team%2Fa");
    shell(&desk, "curl -sS -d 'for bob' http://127.0.0.1:3000/clients/43");
    alice.line_with("data: for alice");
    bob.line_with("data: for bob");
    assert!(!bob.seen().iter().any(|line| line.contains("alice") || line.contains("team")), "{:?}", bob.seen());
    let shown = page.value("new Promise((done) => setInterval(() => list.textContent && done(list.textContent), 10))");
    assert_eq!(shown, "\"for alice\"");

    // A client that comes back misses nothing, by the header and by the query.
    let (first, query) = ("7-0", "http://127.0.0.1:8080/notifications?last_event_id=");
    let kept =
        [format!("-H 'Last-Event-ID: {first}' {}", query.split('?').next().unwrap()), format!("'{query}{first}'")];
    for more in kept {
        stream("alice", &more).line_with("data: for alice");
    }

    // While the application is away nobody reads, and a browser is told to come back instead of giving up.
    application.kill();
    for path in ["/notifications", "/channels/news"] {
        let url = format!("http://127.0.0.1:8080{path}");
        let answer = shell(&desk, &format!("curl -sSi -b alice -H 'Accept: text/event-stream' {url}"));
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\nretry: 3000\n"), "{answer}");
        assert!(status(&desk, "alice", path).starts_with("50"), "{path}");
    }
}

/// Runs a command. Returns its output.
#[track_caller]
fn shell(desk: &Desk, text: &str) -> String {
    let (code, output) = run(desk, &mut desk.shell(text), PATIENCE).unwrap();
    assert_eq!(code, 0, "{text}: {output}");
    output
}

/// The status of the answer. The end of a stream is not awaited.
#[track_caller]
fn status(desk: &Desk, cookies: &str, path: &str) -> String {
    let url = format!("http://127.0.0.1:8080{path}");
    let head = format!("curl -sS --path-as-is -I -X GET -b {cookies} -o /dev/null -w '%{{http_code}}' '{url}'");
    shell(desk, &head)
}
