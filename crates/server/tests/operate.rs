//! The admin listener of the command: it is there by default for this machine, and what it does to the process.

mod support;

use std::{fs, net::TcpListener};

use serde_json::Value;
use support::{curl_once, fanfare, run, server::Server, settings::File, until};

/// A server and the address of its admin listener.
struct Operated {
    server: Server,
    admin: String,
}

impl Operated {
    fn start(arguments: &[&str]) -> Self {
        let mut command = fanfare();
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]).args(arguments);
        let server = Server::started(&mut command);
        let line = said(&server, "for operators: ");
        let admin = line.split("for operators: ").nth(1).unwrap().trim().to_owned();
        Self { server, admin }
    }

    fn get(&self, path: &str) -> String {
        curl_once(&["-sS", &format!("{}{path}", self.admin)])
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path)).unwrap()
    }

    fn post(&self, path: &str) -> String {
        curl_once(&["-sS", "-X", "POST", &format!("{}{path}", self.admin)])
    }
}

/// The line with `text` among those before the server listened.
fn said(server: &Server, text: &str) -> String {
    let seen = server.process.seen();
    seen.iter().find(|line| line.contains(text)).unwrap_or_else(|| panic!("no line with {text:?}: {seen:#?}")).clone()
}

#[test]
fn figures_and_fates_are_those_of_the_server() {
    let operated = Operated::start(&[]);
    let _ann = operated.server.stream("/sse?id=ann&channel=news", None);
    let id = operated.server.publish("/channels/news?wait=written", "hello");
    let metrics = operated.get("/metrics");
    assert!(metrics.lines().any(|line| line.starts_with("fanfare_") && line.ends_with(" 1")), "{metrics}");
    assert_eq!(operated.json("/api/v1/status")["connections"], 1);
    let (code, text) = run(fanfare().args(["explain", &id, "--client", "ann", "--admin", &operated.admin]));
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("written: ") && text.contains("connection 1 of ann, opened "), "{text}");
    let (code, text) = run(fanfare().args(["explain", &id, "--connection", "1", "--admin", &operated.admin, "--json"]));
    assert_eq!((code, serde_json::from_str::<Value>(&text).unwrap()["verdict"]["kind"].as_str()), (0, Some("written")));
    let (code, text) = run(fanfare().args(["explain", &id, "--connection", "7", "--admin", &operated.admin]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("never was"), "{text}");
    let (code, text) = run(fanfare().args(["explain", "hello", "--client", "ann"]));
    assert_eq!(code, 2, "{text}");
    // A name that turns text around stays text.
    let _hostile = operated.server.stream("/sse?id=%E2%80%AEann", None);
    let hostile = operated.server.publish("/clients/%E2%80%AEann?wait=written", "x");
    let (_, text) = run(fanfare().args(["explain", &hostile, "--client", "\u{202e}ann", "--admin", &operated.admin]));
    assert!(!text.contains('\u{202e}'), "{text:?}");
}

#[test]
fn the_trace_of_a_publish_is_in_the_log_and_in_its_explanation() {
    let mut operated = Operated::start(&[]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let publish =
        |operated: &Operated, header: &str| operated.server.post("/clients/ann", &[("traceparent", header)], "x").id();
    let id = publish(&operated, &format!("00-{trace}-00f067aa0ba902b7-00"));
    let line = operated.server.process.line_with("sent to client ann");
    assert!(line.contains(&format!("trace={trace}")), "{line}");
    let (code, text) = run(fanfare().args(["explain", &id, "--client", "ann", "--admin", &operated.admin]));
    assert_eq!(code, 0, "{text}");
    assert!(text.lines().any(|line| line == format!("trace {trace}")), "{text}");
    let forged = "00-forged-\u{9b}2J-01";
    let id = publish(&operated, forged);
    let line = operated.server.process.line_with("sent to client ann");
    assert!(!line.contains("trace"), "{line}");
    assert_eq!(operated.json(&format!("/api/v1/explain?event={id}&client=ann"))["trace"], Value::Null);
    assert!(!operated.server.log().iter().any(|line| line.contains("forged")));
}

#[test]
fn the_public_port_has_nothing_for_operators() {
    let operated = Operated::start(&[]);
    for path in ["/metrics", "/api/v1/status", "/api/v1/openapi.json"] {
        let url = format!("http://{}{path}", operated.server.address);
        assert_eq!(curl_once(&["-sS", "-o", "/dev/null", "-w", "%{http_code}", &url]), "404", "{path}");
    }
}

#[test]
fn others_need_a_token() {
    let refused = |arguments: &[&str]| {
        let (code, text) = run(fanfare().args(["serve", "--listen", "127.0.0.1:0"]).args(arguments));
        assert_eq!(code, 2, "{text}");
        text
    };
    assert!(refused(&["--admin", "0.0.0.0:0"]).contains("--admin-token"));
    assert!(refused(&["--admin", "127.0.0.1:0", "--admin-token", "two words"]).contains("no space"));
    let mut operated = Operated::start(&["--admin-token", "secret"]);
    let status = |header: &str| {
        let url = format!("{}/api/v1/status", operated.admin);
        curl_once(&["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", header, &url])
    };
    assert_eq!(
        [status("X: y"), status("Authorization: Bearer other"), status("Authorization: Bearer secret")],
        ["401", "401", "200"]
    );
    let explain = |token: &[&str]| {
        run(fanfare().args(["explain", "1-1", "--client", "ann", "--admin", &operated.admin]).args(token))
    };
    let (code, text) = explain(&[]);
    assert!(code == 1 && text.contains("--admin-token") && text.contains("FANFARE_ADMIN_TOKEN"), "{text}");
    assert!(!explain(&["--admin-token", "secret"]).1.contains("admin-token"));
    // Who shows none may be a browser that has yet to ask for it. Who shows another one may be trying them.
    let line = operated.server.process.line_with("admin: a wrong token was shown");
    assert!(line.contains("WARN") && line.contains("/api/v1/status"), "{line}");
    let tries = 5;
    (0..tries).for_each(|_| assert_eq!(status("Authorization: Bearer other"), "401"));
    until("what was left out is told", || {
        status("Authorization: Bearer other");
        operated.server.process.has_said("left_out=")
    });
    let log = operated.server.log();
    assert!(!log.iter().any(|line| line.contains("Bearer") || line.contains("other")), "{log:#?}");
}

#[test]
fn a_port_that_is_taken_is_an_error_only_for_whoever_has_set_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = run(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--admin", &address]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains(&address) && text.contains("--admin"), "{text}");
    // The default port, which another program may have already.
    let default = TcpListener::bind("127.0.0.1:3001");
    let mut command = fanfare();
    command.args(["serve", "--listen", "127.0.0.1:0"]).env_remove("FANFARE_ADMIN");
    let server = Server::started(&mut command);
    let line = said(&server, "no admin listener: ");
    assert!(line.contains("127.0.0.1:3001") && line.contains("--admin"), "{line}");
    drop(default);
}

#[test]
fn what_was_purged_is_away_after_a_restart_too() {
    let home = tempfile::tempdir().unwrap();
    let journal = ["--journal", home.path().to_str().unwrap()];
    let operated = Operated::start(&journal);
    for data in ["1", "2"] {
        operated.server.publish("/channels/news", data);
    }
    let url = format!("{}/api/v1/channels/news/history", operated.admin);
    assert_eq!(curl_once(&["-sS", "-X", "DELETE", &url]), r#"{"events":2}"#);
    operated.server.publish("/channels/news", "3");
    drop(operated);
    let again = Operated::start(&journal);
    assert_eq!(again.json("/api/v1/channels/news")["history"]["events"], 1);
    let page = curl_once(&["-sS", &format!("{}/channels/news/history", again.server.url)]);
    assert!(page.contains("\"3\"") && !page.contains("\"2\""), "{page}");
}

#[test]
fn a_reload_says_what_has_changed_and_a_broken_file_changes_nothing() {
    let file = File::new("log = 'info'\n");
    let operated = Operated::start(&["--config", file.path.to_str().unwrap()]);
    fs::write(&file.path, "log = 'debug'\nheartbeat = '20s'\n").unwrap();
    let told: Value = serde_json::from_str(&operated.post("/api/v1/reload")).unwrap();
    assert!(
        told["applied"].to_string().contains("log") && told["needs_restart"].to_string().contains("heartbeat"),
        "{told}"
    );
    fs::write(&file.path, "log = 'loud'\n").unwrap();
    let told = operated.post("/api/v1/reload");
    assert!(told.contains("line 1") && told.contains("log"), "{told}");
}

#[test]
fn a_drain_is_that_of_a_signal() {
    let mut operated = Operated::start(&[]);
    let mut stream = operated.server.stream("/sse?id=ann", None);
    operated.post("/api/v1/drain");
    operated.server.process.line_with("an operator: draining");
    while stream.next().unwrap().is_some() {}
    assert_eq!(operated.server.process.exit().code(), Some(0));
}
