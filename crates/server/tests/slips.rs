//! Slips of the finger on the way in: a level, a variable, a flag or an address that does not exist is told, with what was
//! probably meant.

mod support;

use support::{
    Process, curl_once, fanfare, run, serve,
    settings::{File, checked, has},
};

#[test]
fn a_flag_that_other_servers_have_names_the_one_of_this_server() {
    for flag in ["--port", "-p", "--host", "--bind", "--addr", "--address"] {
        for arguments in [&[flag, "3001"][..], &["serve", flag, "3001"]] {
            let (code, text) = run(fanfare().args(arguments));
            let is_told = text.contains(&format!("unexpected argument '{flag}'"))
                && text.contains("  tip: address and port are one setting, as in '--listen 3001'");
            assert!(code == 2 && is_told && !text.contains("similar"), "{arguments:?}: {text}");
        }
    }
    for (arguments, flag) in [
        (&["--heart-beat", "1s"][..], "'--heartbeat'"),
        (&["--chanels-max", "1"], "'--channels-max'"),
        (&["--threads", "1"], "'--shards'"),
        (&["--loglevel", "info"], "'--log'"),
        (&["publish", "http://a", "--evnt", "x"], "'--event'"),
        (&["subscribe", "http://a", "--chanel", "x"], "'--channel'"),
        (&["journal", "dump", "/x", "--sicne", "1h"], "'--since'"),
    ] {
        let (code, text) = run(fanfare().args(arguments));
        assert!(code == 2 && text.contains(&format!("a similar argument exists: {flag}")), "{arguments:?}: {text}");
    }
    // A client has no such flag.
    let (code, text) = run(fanfare().args(["publish", "http://a", "--port", "1"]));
    assert!(code == 2 && !text.contains("--listen"), "{text}");
}

#[test]
fn a_level_that_does_not_exist_is_refused_wherever_it_is_given() {
    for (value, said) in [
        ("inof", "`inof` is no level: the nearest is `info`; the levels are off, error, warn, info and debug"),
        ("warn,fanfare_http=debgu", "`fanfare_http=debgu`: `debgu` is no level: the nearest is `debug`"),
        ("fanfrae=debug", "nothing is logged under `fanfrae`: the nearest is `fanfare`"),
        ("fanfare", "`fanfare` is no level"),
        ("", "there is no level"),
    ] {
        let (code, text) = run(fanfare().arg(format!("--log={value}")));
        assert!(code == 2 && text.contains("--log") && text.contains(said), "{value}: {text}");
        let (code, text) = run(fanfare().env("FANFARE_LOG", value));
        assert!(code == 2 && text.contains("FANFARE_LOG") && text.contains(said), "{value}: {text}");
        let (code, text) = run(&mut File::new(format!("\nlog = '{value}'")).command());
        assert!(code == 2 && text.contains("line 2: log = ") && text.contains(said), "{value}: {text}");
    }
    // Here it waits for a line of the level that only its target has.
    let (_server, _) = serve(&["--log", "WARN,fanfare=info"]);
}

#[test]
fn each_form_of_an_address_can_stand_everywhere() {
    for value in ["3001", ":3001", "localhost:3001", "[::1]:3001", "127.0.0.1:3001"] {
        let line = if value == "3001" { "listen = 3001".to_owned() } else { format!("listen = \"{value}\"") };
        has(&checked(fanfare().arg(format!("--listen={value}"))), &line, "flag");
        has(&checked(fanfare().env("FANFARE_LISTEN", value)), &line, "environment");
        has(&checked(&mut File::new(&line).command()), &line, "file");
    }
    for value in ["0", ":0", "localhost:0"] {
        let mut server = Process::start(fanfare().args(["--listen", value]));
        let url = server.url();
        assert!(url.starts_with("http://127.0.0.1:"), "{value}: {url}");
        assert_eq!(curl_once(&[&format!("{url}/healthz")]), "ok\n");
    }
}

#[test]
fn what_is_no_address_to_listen_on_is_told_the_forms_and_exits_2() {
    for value in ["localhost", "http://localhost:3001", "127.0.0.1", "::1", "65536", "no-such-host.invalid:3001"] {
        let (code, text) = run(fanfare().args(["--listen", value]));
        assert!(code == 2 && text.contains("3001 or localhost:3001 for this machine alone"), "{value}: {text}");
    }
    // However it is written, other machines can reach it.
    for value in ["0.0.0.0:3001", "[::]:3001"] {
        let (code, text) = run(fanfare().args(["--check", "--listen", value]));
        assert!(code == 2 && text.contains("set --publish-key"), "{value}: {text}");
    }
}

#[test]
fn a_misspelt_variable_is_told_and_stops_nothing() {
    let misspelt = [("FANFARE_HEARTBEET", "`FANFARE_HEARTBEAT`"), ("FANFARE_PORT", "`FANFARE_LISTEN`")];
    for (name, near) in misspelt {
        let mut server =
            Process::start(fanfare().args(["--listen", "0", "--log", "warn,fanfare=info"]).env(name, "3001"));
        let line = server.line_with("WARN");
        assert!(line.contains(&format!("`{name}` is no setting")) && line.contains(near), "{line}");
        server.url();
    }
    let mut command = fanfare();
    command.envs(misspelt.map(|(name, _)| (name, "s3cr3t"))).arg("--check");
    let output = command.output().unwrap();
    let [told, settings] = [&output.stderr, &output.stdout].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    for (name, near) in misspelt {
        let line = told.lines().find(|line| line.starts_with("warning: ") && line.contains(name)).expect(name);
        assert!(line.contains(near), "{line}");
    }
    assert!(output.status.success() && !told.contains("s3cr3t") && !settings.contains("warning"), "{told}{settings}");
}

#[test]
fn the_variables_that_kubernetes_sets_for_a_service_are_nothing_to_tell() {
    let mut command = fanfare();
    let tcp = "tcp://10.0.0.1:3000";
    command.env("FANFARE_SERVICE_HOST", "10.0.0.1").env("FANFARE_SERVICE_PORT", "3000").env("FANFARE_PORT", tcp);
    command.env("FANFARE_PORT_3000_TCP", tcp).env("FANFARE_PORT_3000_TCP_ADDR", "10.0.0.1");
    let (code, text) = run(command.arg("--check"));
    assert!(code == 0 && !text.contains("warning"), "{text}");
}
