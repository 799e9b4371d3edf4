//! A Redis that a node cannot use is named at the start, without a password. Foreign entries of the Stream are skipped.

use std::{
    io::{BufRead, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use crate::{
    node::{STREAM, assert_kept},
    rig::{RedisServer, Tls, until},
    settings::{PASSWORD, refused},
    support::server::Server,
    watch::Watch,
};

#[test]
fn a_password_is_used_and_never_shown_and_a_wrong_one_is_named_as_such() {
    let redis = RedisServer::start(&["--requirepass", "right"]);
    let address = format!("127.0.0.1:{}", redis.port());
    for (login, cure) in [
        ("", "NOAUTH: Redis wants a password: FANFARE_REDIS=redis://:PASSWORD@HOST:PORT"),
        (&format!(":{PASSWORD}@"), "Redis refuses the password in --redis (FANFARE_REDIS)"),
        (&format!("nobody:{PASSWORD}@"), "Redis refuses the password in --redis (FANFARE_REDIS)"),
    ] {
        let said = refused(&format!("redis://{login}{address}"), &[], 1);
        assert!(said.contains(&format!("error: cannot serve: redis {address}: {cure}")), "{said}");
    }
    redis.call(&["ACL", "SETUSER", "fanfare", "on", &format!(">{PASSWORD}"), "~*", "&*", "+@all"]).ok();
    let node = Server::node(&format!("redis://fanfare:{PASSWORD}@127.0.0.1:{}", redis.port()), &[]);
    let id = node.publish("/channels/a", "x");
    assert_kept(&[&node], "a", &[(id, "x".to_owned())]);
    let log = node.log();
    assert!(!log.iter().any(|line| line.contains(PASSWORD)), "{log:#?}");
}

#[test]
fn a_password_for_a_redis_that_has_none_is_named_as_such() {
    let redis = RedisServer::start(&[]);
    let said = refused(&format!("redis://:{PASSWORD}@127.0.0.1:{}", redis.port()), &[], 1);
    assert!(
        said.contains("Redis refuses the password in --redis (FANFARE_REDIS), or has none: then leave it out"),
        "{said}"
    );
}

#[test]
fn tls_for_a_plain_port_and_none_for_one_with_tls_are_told_the_other_scheme() {
    let plain = RedisServer::start(&[]);
    let tls = RedisServer::start_tls(&Tls::new(), &[]);
    for (url, cure) in [
        (plain.url().replace("redis://", "rediss://"), "no TLS answer: if this port is plain, write redis://"),
        (tls.tls_url().replace("rediss://", "redis://"), "; if this port speaks TLS, write rediss://"),
    ] {
        let node = Server::unready_node(&url, &[]);
        until("readyz says why", || node.get("/readyz").body.contains(cure));
    }
}

/// Starts a fake Redis of this version, which answers only the first questions of a node.
fn redis_of_version(version: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer_all(stream, version));
        }
    });
    url
}

fn answer_all(mut stream: TcpStream, version: &str) {
    let mut requests = BufReader::new(stream.try_clone().unwrap());
    while let Some(command) = read_command(&mut requests) {
        let info = format!("# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\nrole:master\r\n");
        let answer = match command[0].to_uppercase().as_str() {
            "INFO" => format!("${}\r\n{info}\r\n", info.len()),
            "PING" => "+PONG\r\n".to_owned(),
            "AUTH" | "SELECT" => "+OK\r\n".to_owned(),
            other => format!("-ERR unknown command `{other}`, with args beginning with: \r\n"),
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads a list of texts.
fn read_command(requests: &mut impl BufRead) -> Option<Vec<String>> {
    let number = |requests: &mut dyn BufRead| {
        let mut line = String::new();
        requests.read_line(&mut line).ok()?;
        line.trim_end().get(1..)?.parse::<usize>().ok()
    };
    let words = number(requests)?;
    let mut command = Vec::new();
    for _ in 0..words {
        let mut word = vec![0; number(requests)? + 2];
        requests.read_exact(&mut word).ok()?;
        command.push(String::from_utf8_lossy(&word[..word.len() - 2]).into_owned());
    }
    Some(command)
}

#[test]
fn a_redis_that_is_too_old_is_refused_with_its_version() {
    for version in ["6.0.16", "5.0.7"] {
        let said = refused(&redis_of_version(version), &[], 1);
        assert!(said.contains(version) && said.contains("6.2"), "{said}");
    }
}

#[test]
fn a_key_that_is_something_else_is_refused_and_left_alone() {
    for (key, value) in [(STREAM, "x"), ("{mine}:events", "y"), ("{fanfare}:meta", "z")] {
        let redis = RedisServer::start(&[]);
        redis.call(&["SET", key, value]).ok();
        let stream = if key.starts_with("{mine}") { "--redis-stream=mine" } else { "--redis-stream=fanfare" };
        let said = refused(&redis.url(), &[stream], 1);
        assert!(said.contains(key), "{said}");
        assert_eq!(redis.call(&["GET", key]).text(), value);
    }
}

#[test]
fn entries_of_others_are_skipped_with_a_line_in_the_log_and_nothing_else_is_lost() {
    let redis = RedisServer::start(&[]);
    let mut node = Server::node(&redis.url(), &[]);
    let mut watch = Watch::open(&node, "/channels/a");
    let mut published = Vec::new();
    for entry in [&["some", "thing"][..], &["", ""], &["data", "x", "id", "y"], &["e", "\0", "t", "\u{1}"]] {
        redis.call(&[&["XADD", STREAM, "*"], entry].concat()).ok();
        let data = format!("behind {entry:?}");
        published.push((node.publish("/channels/a", &data), data));
    }
    // Once, and not for each of many.
    node.until_logged("skipped");
    published.push((node.publish("/channels/a", "end"), "end".to_owned()));
    watch.assert_told(&published[..]);
    // At the start as well.
    let mut later = Server::unready_node(&redis.url(), &[]);
    later.until_logged("skipped");
    later.until_ready();
    assert_kept(&[&node, &later], "a", &published);
    let mut watch = Watch::resume(&later, "/channels/a", &published[0].0);
    watch.assert_told(&published[1..]);
}

#[test]
fn a_redis_that_may_throw_the_stream_away_is_warned_of() {
    let redis = RedisServer::start(&["--maxmemory-policy", "allkeys-lru"]);
    Server::node(&redis.url(), &[]).until_logged("noeviction");
}
