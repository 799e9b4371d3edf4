//! Slips of the user: a level, a variable, a flag or an address that does not exist. The error says what was probably
//! meant.

mod support;

use support::{
    Process, curl_once, fanfare, run, serve,
    settings::{File, checked, has},
};

const HTTPS: &str = "https needs a certificate: --tls-cert and --tls-key, or --acme-domain, or --tls-self-signed for \
                     development; see docs/guide/deploy.md";

#[test]
fn a_flag_that_other_servers_have_names_the_one_of_this_server() {
    for flag in ["--port", "-p", "--host", "--bind", "--addr", "--address"] {
        for arguments in [&[flag, "3001"][..], &["serve", flag, "3001"]] {
            let (code, text) = run(fanfare().args(arguments));
            let is_told = text.contains(&format!("unexpected argument '{flag}'"))
                && text.contains("  tip: address and port are one setting, as in '--listen 3001'")
                && text.contains("\nUsage: fanfare serve [OPTIONS]\n");
            assert!(code == 2 && is_told && !text.contains("similar"), "{arguments:?}: {text}");
        }
    }
    for (arguments, flag) in [
        (&["--heart-beat", "1s"][..], "'--heartbeat'"),
        (&["--histori-events", "1"], "'--history-events'"),
        (&["--threads", "1"], "'--shards'"),
        (&["--loglevel", "info"], "'--log'"),
        (&["publish", "http://a", "--evnt", "x"], "'--event'"),
        (&["subscribe", "http://a", "--chanel", "x"], "'--channel'"),
        (&["journal", "dump", "/x", "--sicne", "1h"], "'--since'"),
    ] {
        let (code, text) = run(fanfare().args(arguments));
        let is_told = text.contains(&format!("  tip: a similar argument exists: {flag}\n"));
        assert!(code == 2 && is_told && !text.contains("to pass '"), "{arguments:?}: {text}");
        // Not with the flag that clap would have suggested.
        let usage = text.lines().find(|line| line.starts_with("Usage: ")).unwrap();
        assert!(usage.contains(" [OPTIONS]") && !usage.contains("--"), "{arguments:?}: {usage}");
    }
    assert_eq!(
        tip(&["--chanels-max", "1"]),
        "the nearest is a key of the settings file: channels-max under [limits] (see docs/settings.md)"
    );
    // A client has no such flag.
    let (code, text) = run(fanfare().args(["publish", "http://a", "--port", "1"]));
    assert!(code == 2 && !text.contains("--listen"), "{text}");
}

/// The text of the only tip.
#[track_caller]
fn tip(arguments: &[&str]) -> String {
    let (code, text) = run(fanfare().args(arguments));
    let tips: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("  tip: ")).collect();
    let [tip] = &tips[..] else { panic!("{arguments:?}: {text}") };
    assert_eq!(code, 2, "{text}");
    (*tip).to_owned()
}

#[test]
fn what_stands_where_the_server_wants_a_flag_is_told_as_the_flag() {
    for (argument, flag) in [
        ("3001", "--listen 3001"),
        (":3001", "--listen :3001"),
        ("0.0.0.0:3001", "--listen 0.0.0.0:3001"),
        ("localhost:3001", "--listen localhost:3001"),
        ("fanfare.toml", "--config fanfare.toml"),
    ] {
        assert_eq!(tip(&[argument]), flag);
        assert_eq!(tip(&["serve", argument]), flag);
    }
    assert_eq!(tip(&["serve", "something"]), "each setting is a flag: --help lists them");
    assert_eq!(tip(&["--history-events", "-1"]), "no setting takes a negative number");
    assert_eq!(tip(&["-c", "fanfare.toml"]), "a similar argument exists: '--config'");
}

#[test]
fn a_command_that_other_programs_have_names_the_one_of_this_program() {
    for command in ["start", "run", "server", "up"] {
        assert_eq!(tip(&[command]), "`fanfare` alone starts the server");
    }
    for (command, said) in [
        ("version", "'fanfare --version'"),
        ("verison", "'fanfare --version'"),
        ("send", "'fanfare publish URL DATA'"),
        ("sub", "'fanfare subscribe URL'"),
        ("http://127.0.0.1:3000", "'fanfare subscribe URL'"),
        ("check", "'fanfare serve --check'"),
        ("dump", "'fanfare journal dump PATH'"),
        ("mint", "'fanfare token mint' makes a token"),
        ("jwt", "'fanfare token mint' makes a token"),
        // These clap knows.
        ("serv", "'serve'"),
        ("publsh", "'publish'"),
    ] {
        assert!(tip(&[command]).contains(said), "{command}: {}", tip(&[command]));
    }
    assert_eq!(tip(&["journal", "/var/lib/fanfare"]), "'fanfare journal check /var/lib/fanfare' checks it");
    let steering = tip(&["journal", "/\u{1b}[2J"]);
    assert!(!steering.contains('\u{1b}'), "{steering}");
}

#[test]
fn flags_that_every_program_has_are_found_by_their_names() {
    for flag in ["--verison", "--Version", "--versoin"] {
        assert_eq!(tip(&[flag]), "'fanfare --version' prints the version");
    }
    for command in ["serve", "publish", "subscribe"] {
        assert_eq!(tip(&[command, "--version"]), "'fanfare --version' prints the version");
        assert_eq!(tip(&[command, "-V"]), "'fanfare --version' prints the version");
        assert_eq!(tip(&[command, "--hlep"]), "a similar argument exists: '--help'");
    }
    assert_eq!(tip(&["--hlep"]), "a similar argument exists: '--help'");
    for flag in ["-v", "-vv", "--verbose", "--debug", "--trace"] {
        assert_eq!(tip(&[flag]), "'--log debug' logs more");
    }
    for flag in ["-q", "--quiet"] {
        assert_eq!(tip(&[flag]), "'--log warn' logs less");
    }
    for flag in ["--tls", "--ssl", "--https"] {
        assert_eq!(tip(&[flag]), HTTPS);
    }
    for (flag, is) in [
        ("--token", "--token-key"),
        ("--jwt-secret", "--token-key"),
        ("--cert", "--tls-cert"),
        ("--ssl-key", "--tls-key"),
        ("--domain", "--acme-domain"),
    ] {
        assert_eq!(tip(&[flag, "x"]), format!("a similar argument exists: '{is}'"));
    }
}

#[test]
fn what_a_publish_has_in_its_url_or_as_data_is_told() {
    let url = "http://h:1/any?x=1";
    for (arguments, said) in [
        (&[url, "--channel", "a", "hi"][..], "the channel stands in the URL: http://h:1/channels/a"),
        (&[url, "hi", "--channel=o/42 ü"], "the channel stands in the URL: http://h:1/channels/o%2F42%20%C3%BC"),
        (&["-c", "a", url, "hi"], "the channel stands in the URL: http://h:1/channels/a"),
        (&["--topic", "a"], "the channel stands in the URL: http://127.0.0.1:3000/channels/a"),
        (&[url, "hi", "--channel"], "the channel stands in the URL: http://h:1/channels/news"),
        (&[url, "hi", "--client", "7"], "the client stands in the URL: http://h:1/clients/7"),
        (&[url, "--data", "hi"], "the data is an argument of its own: fanfare publish URL 'hello'"),
        (&[url, "-d", "hi"], "the data is an argument of its own: fanfare publish URL 'hello'"),
        (&[url, "--message=hi"], "the data is an argument of its own: fanfare publish URL 'hello'"),
        (&[url, "hi", "--all"], "a URL without a path is for all: fanfare publish http://127.0.0.1:3000 'hello'"),
        (&[url, "hi", "--api-key", "k"], "a similar argument exists: '--key'"),
        (&[url, "hi", "--jwt", "k"], "a similar argument exists: '--token'"),
        (&[url, "hello", "world"], "put the data in quotes: 'hello world'"),
        (&[url, "--event", "note", "it's", "-e", "x", "me", "--", "-x"], r"put the data in quotes: 'it'\''s me -x'"),
        // The way that clap knows.
        (&[url, "-5"], "to pass '-5' as a value, use '-- -5'"),
    ] {
        assert_eq!(tip(&[&["publish"], arguments].concat()), said, "{arguments:?}");
    }
    let long = "x".repeat(100);
    assert_eq!(tip(&["publish", url, &long, &long]), "put the data in quotes: '...'");
    assert_eq!(tip(&["subscribe", url, "news"]), "a channel is given with a flag: --channel news");
    assert_eq!(tip(&["subscribe", url, "--topic", "news"]), "a similar argument exists: '--channel'");
}

#[test]
fn a_client_without_a_url_and_a_tool_without_a_path_are_told_what_to_write() {
    for arguments in [&["publish"][..], &["publish", "--event", "x"], &["subscribe"], &["subscribe", "--json"]] {
        assert_eq!(tip(arguments), "write the whole URL, as in http://127.0.0.1:3000");
    }
    for tool in ["check", "dump"] {
        assert_eq!(tip(&["journal", tool]), "give the directory that the server was given with --journal");
    }
}

#[test]
fn a_number_out_of_range_is_told_the_range_wherever_it_is_given() {
    for (key, value, said) in [
        ("history-events", "-1", "write a number, 0 or more"),
        ("history-events", "4294967296", "write a number from 0 to 4294967295"),
        ("shards", "0", "write a number from 1 to 1024"),
        ("shards", "many", "write a number from 1 to 1024"),
        ("connections-max", "0", "write a number, 1 or more"),
        ("redis-wait-replicas", "256", "write a number from 0 to 255"),
    ] {
        let variable = format!("FANFARE_{}", key.replace('-', "_").to_uppercase());
        for (code, text) in [
            run(fanfare().arg(format!("--{key}={value}"))),
            run(fanfare().env(variable, value)),
            run(&mut File::new(format!("{key} = {}", if value == "many" { "'many'" } else { value })).command()),
        ] {
            assert!(code == 2 && text.contains(said) && text.contains(key), "{key}: {text}");
        }
    }
    let (code, text) = run(fanfare().args(["subscribe", "http://a", "-n", "0"]));
    assert!(code == 2 && text.contains("write a number, 1 or more"), "{text}");
}

#[test]
fn a_file_is_told_the_same_as_a_flag() {
    for (text, said) in [
        ("port = 3001", "line 1: unknown setting `port`; address and port are one setting, as in listen = 3001"),
        ("HOST = 'x'", "address and port are one setting"),
        ("threads = 2", "the nearest is `shards`"),
        ("loglevel = 'info'", "the nearest is `log`"),
        ("https = true", HTTPS),
        ("cert = 'x'", "the nearest is `tls-cert`"),
        ("bananas = 1", "`fanfare serve --help` and docs/settings.md have the names of all"),
        ("[server]\nlisten = 3001", "line 1: the only sections are [limits] and [[issuer]]: leave [server] out"),
        ("\nlisten = 127.0.0.1:3001", "line 2: not TOML: "),
        ("\nlisten = 127.0.0.1:3001", "; put the value in quotes: listen = \"127.0.0.1:3001\""),
        ("heartbeat = 15s # often", "; put the value in quotes: heartbeat = \"15s\""),
        ("cors-origin = https://a.org", "; put the value in quotes: cors-origin = [\"https://a.org\"]"),
        ("redis = redis://:geheim@h", "; put the value in quotes: redis = \"...\""),
        ("listen: 3001", "; write = behind the name: listen = 3001"),
    ] {
        let (code, printed) = run(&mut File::new(text).command());
        assert!(code == 2 && printed.contains(said) && !printed.contains("geheim"), "{text}: {printed}");
    }
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
