//! A reload at SIGHUP: what a running server takes of its settings, what needs a restart, and that a bad file changes nothing.

mod support;

use std::{fs, process::Command};

use support::{Process, curl, curl_once, fanfare, run, server::Server, settings::File, until, wire::Requests};

/// A server with these settings in a file, and the file.
fn served(text: &str) -> (File, Server) {
    let file = File::new(text);
    let server = Server::started(file.command().args(["--listen", "127.0.0.1:0"]));
    (file, server)
}

/// Puts other settings into the file, and has them read.
fn reload(file: &File, server: &Process, text: &str) {
    fs::write(&file.path, text).unwrap();
    server.signal("HUP");
}

const SECRET: &str = "s3cr3t-word-s3cr3t-word-s3cr3t-word-s3cr3t-word";

fn status(server: &Server, path: &str) -> u16 {
    server.get(path).status
}

#[test]
fn the_level_of_the_log_changes_and_is_told() {
    let (file, mut server) = served("log = 'info'");
    reload(&file, &server.process, "log = 'debug'");
    server.process.line_with("SIGHUP: settings and files are read again");
    server.process.line_with("changed: log = \"debug\"");
    reload(&file, &server.process, "log = 'warn'");
    server.process.line_with("changed: log = \"warn\"");
    // That line comes before the change. The next reload begins behind it, and has a line that the log still shows.
    reload(&file, &server.process, "log = 'warn'\nheartbeat = '20s'");
    server.process.line_with("needs a restart: heartbeat");
    server.publish("/channels/quiet", "x");
    reload(&file, &server.process, "log = 'info'");
    server.process.line_with("changed: log = \"info\"");
    server.publish("/channels/loud", "x");
    server.process.line_with("sent to channel loud");
    assert!(!server.process.has_said("sent to channel quiet"));
    server.process.signal("HUP");
    server.process.line_with("no setting has changed");
}

#[test]
fn the_history_keeps_as_much_as_it_is_told() {
    let (file, mut server) = served("");
    for number in 0..6 {
        server.publish("/channels/a", &number.to_string());
        server.publish("/channels/b", &number.to_string());
    }
    reload(
        &file,
        &server.process,
        "history-events = 2\nhistory-channel = ['b=events:3']\n[limits]\nhistory-targets = 7",
    );
    server.process.line_with("changed: history-events = 2");
    server.process.line_with("because it needs a restart: history-targets = 7");
    let kept =
        |server: &Server, channel: &str| server.history(channel, "since=all")["events"].as_array().unwrap().len();
    until("older events are gone", || (kept(&server, "a"), kept(&server, "b")) == (2, 3));
}

#[test]
fn another_number_of_descriptors_is_taken_over_and_told() {
    let (_file, mut server) = served("");
    let id = server.process.id().to_string();
    let prlimit = |limit: &str| {
        let status = Command::new("prlimit").args(["--pid", &id, limit]).status();
        assert!(status.unwrap_or_else(|error| panic!("prlimit: {error}; `cargo xtask test` installs it")).success());
    };
    prlimit("--nofile=700:700");
    server.process.signal("HUP");
    server.process.line_with("changed: sockets-max = ");
    server.process.line_with("changed: connections-max = ");
    server.process.signal("HUP");
    server.process.line_with("no setting has changed");
}

#[test]
fn rules_change_for_new_requests_and_open_streams_stay() {
    let (file, mut server) = served("");
    let mut stream = curl(&[&format!("{}/channels/news", server.url)]);
    reload(
        &file,
        &server.process,
        &format!("token-key = ['HS256:{SECRET}']\npublic = ['open.*']\npublic-publish = ['*']"),
    );
    server.process.line_with("changed: token-key = [\"HS256:...\"]");
    assert_eq!(["/channels/news/history", "/channels/open.a/history"].map(|path| status(&server, path)), [401, 200]);
    server.publish("/channels/news", "still there");
    stream.line_with("data: still there");
    reload(&file, &server.process, "");
    server.process.line_with("changed: public-publish = []");
    assert_eq!(status(&server, "/channels/news/history"), 200);
    let lines = server.log();
    assert!(!lines.iter().any(|line| line.contains(SECRET)), "{lines:#?}");
}

#[test]
fn issuers_of_the_file_come_change_and_go() {
    let issuer = |secret: &str| format!("[[issuer]]\nname = 'login'\nkeys = ['HS256:{secret}']");
    let (file, mut server) = served("public-publish = ['*']");
    let mint = || {
        let (code, token) = run(fanfare()
            .args(["token", "mint", "--subscribe=news"])
            .env("FANFARE_TOKEN_KEY", format!("HS256:{SECRET}")));
        assert_eq!(code, 0, "{token}");
        token
    };
    let token = mint();
    let read = |server: &Server| {
        let headers = format!("authorization: Bearer {token}");
        let url = format!("{}/channels/news/history", server.url);
        curl_once(&["-o", "/dev/null", "-w", "%{http_code}", "-H", &headers, &url])
    };
    reload(&file, &server.process, &issuer(SECRET));
    server.process.line_with("changed: [[issuer]] login is new");
    assert_eq!((status(&server, "/channels/news/history"), read(&server).as_str()), (401, "200"));
    reload(&file, &server.process, &issuer(&SECRET.replace('w', "v")));
    server.process.line_with("changed: [[issuer]] login has changed");
    assert_eq!(read(&server), "401");
    reload(&file, &server.process, "");
    server.process.line_with("changed: [[issuer]] login is gone");
    assert_eq!(status(&server, "/channels/news/history"), 200);
}

#[test]
fn what_needs_a_restart_is_named_each_time_and_stays_as_it_is() {
    let (file, mut server) = served("clock = '1h'\n[limits]\nring-messages = 8\nhead-bytes = '16KiB'");
    let changed = "clock = '2h'\nheartbeat = '7s'\nlog = 'debug'\n[limits]\nring-messages = 9\nhead-bytes = '32KiB'";
    for _ in 0..2 {
        reload(&file, &server.process, changed);
        for line in ["clock = \"2h\"", "heartbeat = \"7s\"", "ring-messages = 9", "head-bytes = \"32KiB\""] {
            server.process.line_with(&format!("not changed, because it needs a restart: {line}"));
        }
    }
    let long = format!("/channels/a/history?after={}", "0".repeat(20 << 10));
    assert_eq!(server.get(&long).status, 431, "the limit of heads is that of the start");
    let told = server.process.seen().iter().filter(|line| line.contains("changed: log = ")).count();
    assert_eq!(told, 1, "it is in use");
    reload(&file, &server.process, "clock = '1h'\n[limits]\nring-messages = 8\nhead-bytes = '16KiB'");
    server.process.line_with("changed: log = \"info\"");
    server.process.signal("HUP");
    server.process.line_with("no setting has changed");
}

#[test]
fn a_bad_file_changes_nothing_and_says_what_a_check_says() {
    let (file, mut server) = served("log = 'info'\npublic-publish = ['*']");
    for bad in [
        "log = 'debug'\nheartbeat = 'soon'",
        "log = 'debug'\nlisten",
        "log = 'debug'\nlissen = 3000",
        "log = 'debug'\n[limits]\nretry-min = '4s'",
        "log = 'debug'\nbody-bytes = '9MiB'\n[limits]\nbodies-bytes = '8MiB'",
        "publish-key = 'k'\n[limits]\ncaller-publishes = '0'",
        "log = 'debug'\npublic = ['a']\napi-keys = '/nowhere/keys.toml'",
        "log = 'debug'\ntls-cert = ['/nowhere/cert.pem']\ntls-key = ['/nowhere/key.pem']",
        "log = 'debug'\njournal = '/dev/null/journal'",
        "log = 'debug'\n[[issuer]]\nname = 'a'",
    ] {
        reload(&file, &server.process, bad);
        let line = server.process.line_with("the settings stay as they are: ");
        let (code, checked) = run(file.command().args(["--listen", "127.0.0.1:0", "--check"]));
        assert_eq!(code, 2, "{checked}");
        let fault = checked.strip_prefix("error: ").unwrap();
        assert!(line.ends_with(fault), "{line}\n{fault}");
    }
    fs::remove_file(&file.path).unwrap();
    server.process.signal("HUP");
    let line = server.process.line_with("the settings stay as they are: cannot read the configuration file");
    assert!(line.contains("No such file"), "{line}");
    assert_eq!(status(&server, "/channels/a/history"), 200);
    assert_eq!(server.post("/channels/a", &[], "no key").status, 202);
    let lines = server.log();
    assert!(!lines.iter().any(|line| line.contains("changed: ")), "{lines:#?}");
}

#[test]
fn what_changes_now_must_go_together_with_what_a_restart_changes() {
    let file = File::new(format!("listen = '0.0.0.0:0'\ntoken-key = ['HS256:{SECRET}']"));
    let mut server = Process::start(&mut file.command());
    server.line_with("listening on ");
    // Good for a start. Now it would open the port to everybody.
    reload(&file, &server, "listen = '127.0.0.1:0'");
    let line = server.line_with("the settings stay as they are: ");
    assert!(line.contains("does not go together with what a restart changes") && line.contains("0.0.0.0:0"), "{line}");
}

#[test]
fn limits_of_requests_change_both_ways_and_open_streams_stay() {
    let (file, mut server) = served("body-bytes = 10\n[limits]\nchannels-max = 2");
    let three = format!("{}/sse?channel=a&channel=b&channel=c", server.url);
    assert_eq!(server.get("/sse?channel=a&channel=b&channel=c").status, 400);
    assert_eq!(server.post("/channels/a", &[], "12345678901").status, 413);
    reload(&file, &server.process, "body-bytes = 20\n[limits]\nchannels-max = 3");
    server.process.line_with("changed: channels-max = 3");
    let mut stream = curl(&[&three]);
    assert_eq!(server.post("/channels/a", &[], "12345678901").status, 202);
    stream.line_with("data: 12345678901");
    reload(&file, &server.process, "body-bytes = 5\n[limits]\nchannels-max = 1");
    server.process.line_with("changed: channels-max = 1");
    assert_eq!(server.post("/channels/a", &[], "123456").status, 413);
    assert_eq!(server.get("/sse?channel=a&channel=b").status, 400);
    server.publish("/channels/c", "stays");
    stream.line_with("data: stays");
}

#[test]
fn an_address_and_the_holder_of_a_key_have_the_rates_that_they_are_told() {
    let key = "publish-key = 'k'";
    let (file, mut server) = served(key);
    let publish = |server: &Server| server.post("/channels/a", &[("authorization", "Bearer k")], "x").status;
    let publish_3 = |server: &Server| [(); 3].map(|()| publish(server));
    assert_eq!(publish_3(&server), [202; 3]);
    for limit in ["caller-publishes", "holder-publishes", "caller-requests"] {
        reload(&file, &server.process, &format!("{key}\n[limits]\n{limit} = '1/2'"));
        server.process.line_with(&format!("changed: {limit} = \"1/2\""));
        let mut answers = vec![publish(&server)];
        until("the limit refuses", || {
            answers.push(publish(&server));
            answers.ends_with(&[429])
        });
        assert_eq!(answers[0], 202);
        reload(&file, &server.process, &format!("{key}\n[limits]\n{limit} = 'off'"));
        server.process.line_with(&format!("changed: {limit} = \"off\""));
        assert_eq!(publish_3(&server), [202; 3], "{limit}");
        reload(&file, &server.process, key);
        server.process.line_with("changed: ");
    }
}

#[test]
fn as_many_streams_and_sockets_are_open_as_the_last_file_allows() {
    let (file, mut server) = served("connections-max = 1");
    // This waits until it is open.
    let open = |server: &Server| curl(&[&format!("{}/channels/news", server.url)]);
    let refused = |server: &Server| server.get("/channels/news").status;
    let mut first = open(&server);
    assert_eq!(refused(&server), 503);
    reload(&file, &server.process, "connections-max = 2");
    server.process.line_with("changed: connections-max = 2");
    let mut second = open(&server);
    assert_eq!(refused(&server), 503);
    reload(&file, &server.process, "[limits]\ncaller-streams = 2");
    server.process.line_with("changed: caller-streams = 2");
    // Sockets of before have no place among those that count.
    let _counted = [open(&server), open(&server)];
    reload(&file, &server.process, "connections-max = 1");
    server.process.line_with("changed: connections-max = 1");
    assert_eq!(refused(&server), 503);
    server.publish("/channels/news", "stays");
    for stream in [&mut first, &mut second] {
        stream.line_with("data: stays");
    }
    // Four streams, and nobody is idle who could make room.
    reload(&file, &server.process, "[limits]\nsockets-max = 4");
    server.process.line_with("changed: sockets-max = 4");
    let connects = |server: &Server| {
        let asked = Requests::open(server.address).and_then(|mut requests| requests.get("/healthz"));
        asked.is_ok_and(|answer| answer.status == 200)
    };
    until("no socket is left", || !connects(&server));
    reload(&file, &server.process, "[limits]\nsockets-max = 8");
    server.process.line_with("changed: sockets-max = 8");
    assert!(connects(&server));
}

#[test]
fn an_old_publish_key_is_refused_and_the_new_one_is_taken() {
    let (file, mut server) = served("publish-key = 'old'");
    let with = |server: &Server, key: &str| {
        server.post("/channels/news", &[("authorization", &format!("Bearer {key}"))], key).status
    };
    let mut stream = curl(&[&format!("{}/channels/news", server.url)]);
    assert_eq!((with(&server, "old"), with(&server, "new")), (202, 401));
    reload(&file, &server.process, "publish-key = 'new'");
    server.process.line_with("changed: publish-key = \"set\"");
    assert_eq!((with(&server, "old"), with(&server, "new")), (401, 202));
    stream.line_with("data: new");
    reload(&file, &server.process, "");
    server.process.line_with("changed: publish-key is not set");
    assert_eq!(server.post("/channels/news", &[], "anybody").status, 202);
    stream.line_with("data: anybody");
    reload(&file, &server.process, "publish-key = ''");
    server.process.line_with("the settings stay as they are: --publish-key (FANFARE_PUBLISH_KEY) is empty");
    assert_eq!(server.post("/channels/news", &[], "anybody").status, 202);
}

#[test]
fn origins_and_names_of_the_server_change() {
    let (file, mut server) = served("");
    let page = ("origin", "https://shop.example");
    let publish = |server: &Server| server.post("/channels/a", &[page], "x").status;
    let read = |server: &Server| {
        let mut requests = server.requests();
        requests.get_with("/channels/a/history", &[page]).unwrap().status
    };
    let own = |server: &Server| {
        let own = [("origin", "http://push.example"), ("host", "push.example")];
        server.post("/channels/a", &own, "x").status
    };
    assert_eq!((publish(&server), read(&server), own(&server)), (403, 403, 403));
    reload(&file, &server.process, "read-origin = ['https://shop.example']");
    server.process.line_with("changed: read-origin = [\"https://shop.example\"]");
    assert_eq!((publish(&server), read(&server), own(&server)), (403, 200, 403));
    reload(&file, &server.process, "cors-origin = ['https://shop.example']\npublic-host = ['push.example']");
    server.process.line_with("changed: cors-origin = [\"https://shop.example\"]");
    assert_eq!((publish(&server), read(&server), own(&server)), (202, 200, 202));
    reload(&file, &server.process, "");
    server.process.line_with("changed: cors-origin = []");
    assert_eq!((publish(&server), read(&server), own(&server)), (403, 403, 403));
}

#[test]
fn memory_counts_for_history_and_bodies_and_the_rest_is_named() {
    let (file, mut server) = served("memory = '64MiB'\nbody-bytes = '64KiB'");
    for _ in 0..2 {
        reload(&file, &server.process, "memory = '128MiB'\nbody-bytes = '64KiB'");
        for rest in ["hub-ring-bytes = \"32MiB\"", "inbox-bytes = "] {
            server.process.line_with(&format!("not changed, because it needs a restart: {rest}"));
        }
    }
    let told = |text: &str| server.process.seen().iter().filter(|line| line.contains(text)).count();
    for changed in ["memory = \"128MiB\"", "hub-history-bytes = \"64MiB\"", "bodies-bytes = \"8MiB\""] {
        assert_eq!(told(&format!(" changed: {changed}")), 1, "{:#?}", server.process.seen());
    }
}

#[test]
fn what_the_open_files_do_not_allow_is_told_as_at_a_start() {
    let file = File::new("");
    let mut server = Process::start(
        Command::new("bash")
            .args(["-c", "ulimit -n 200 && exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", "127.0.0.1:0", "--shards", "1", "--config"])
            .arg(&file.path),
    );
    server.url();
    let told = "connections-max is 5000, and with 200 open files only ";
    reload(&file, &server, "connections-max = 5000");
    assert!(server.line_with(told).contains("WARN"));
    reload(&file, &server, "[limits]\nsockets-max = 300");
    assert!(server.line_with("more sockets allowed than the system lets open").contains("WARN"));
    let mut started = Process::start(
        Command::new("bash")
            .args(["-c", "ulimit -n 200 && exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", "127.0.0.1:0", "--shards", "1", "--connections-max", "5000"]),
    );
    started.line_with(told);
}

#[test]
fn flags_and_variables_count_again() {
    let file = File::new("");
    let mut command = file.command();
    command.args(["--listen", "127.0.0.1:0", "--public", "flag"]).env("FANFARE_PUBLIC_PUBLISH", "variable");
    let mut server = Process::start(&mut command);
    server.url();
    reload(&file, &server, "public = ['file']\npublic-publish = ['file']\ntoken-cookie = 'file'");
    server.line_with("changed: token-cookie = \"file\"");
    assert!(!server.has_said("changed: public"));
}

/// The number of descriptors and of threads of a process.
fn held(server: &Server) -> (usize, usize) {
    let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", server.process.id())).unwrap().count();
    (count("fd"), count("task"))
}

#[test]
fn a_storm_of_signals_ends_in_the_state_of_the_last_file_and_leaves_nothing_behind() {
    // Each turn brings threads that fetch keys and ask an application, and takes them away.
    let with = "public = ['a']\nauthorize-url = 'http://127.0.0.1:1/'\ntoken-key = ['JWKS:http://127.0.0.1:1/']";
    let (without, broken) = ("public = ['b']", "public = [");
    let (file, mut server) = served(without);
    let mut before = held(&server);
    until("the start is over", || {
        let now = held(&server);
        std::mem::replace(&mut before, now) == now
    });
    for round in 0..3 {
        for signal in 0..50 {
            reload(&file, &server.process, [with, broken, without][signal % 3]);
        }
        reload(&file, &server.process, with);
        // The application cannot be asked.
        until("the last file is in use", || status(&server, "/channels/b/history") == 503);
        reload(&file, &server.process, &format!("{without}\ntoken-cookie = 'c{round}'"));
        server.process.line_with(&format!("changed: token-cookie = \"c{round}\""));
        assert_eq!(status(&server, "/channels/b/history"), 200);
        until("nothing is left behind", || held(&server) <= before);
    }
    for _ in 0..50 {
        reload(&file, &server.process, broken);
    }
    server.process.line_with("the settings stay as they are: ");
    assert_eq!(status(&server, "/channels/b/history"), 200);
    until("nothing is left behind", || held(&server) <= before);
}
