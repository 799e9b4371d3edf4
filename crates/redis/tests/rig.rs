//! The rig of the tests does what it says: servers, a breaking network, sentinels, a cluster, TLS.

mod support;

use std::{
    fs,
    io::ErrorKind,
    path::PathBuf,
    time::{Duration, Instant},
};

use support::{Cluster, PATIENCE, Proxy, RedisServer, Reply, Sentinels, Session, Tls, free_port, until};

/// Long enough to be sure that nothing comes.
const MOMENT: Duration = Duration::from_millis(200);

fn ping(port: u16) -> Result<Reply, ErrorKind> {
    let session = Session::connect(port, MOMENT);
    session.and_then(|mut session| session.call(&["PING"])).map_err(|error| error.kind())
}

fn pong() -> Result<Reply, ErrorKind> {
    Ok(Reply::Simple("PONG".to_owned()))
}

#[test]
fn a_server_starts_and_answers() {
    let server = RedisServer::start(&[]);
    assert_eq!(server.call(&["SET", "a", "1"]).text(), "OK");
    assert_eq!(server.call(&["GET", "a"]).int(), 1);
    assert_eq!(server.call(&["GET", "b"]), Reply::Nil);
    assert!(server.call(&["NONSENSE"]).error().unwrap().starts_with("ERR unknown command"));
    assert_eq!(server.info("process_id"), server.id().to_string());
    server.config_set("maxmemory", "20mb");
    assert_eq!(server.call(&["CONFIG", "GET", "maxmemory"]).field("maxmemory").int(), 20 << 20);
}

#[test]
fn a_server_with_a_password_asks_for_it() {
    let server = RedisServer::start(&["--requirepass", "x"]);
    assert!(ping(server.port()).unwrap().error().unwrap().starts_with("NOAUTH"));
    assert_eq!(server.call(&["PING"]), pong().unwrap());
}

#[test]
fn a_server_that_is_killed_keeps_what_it_wrote_to_disk_until_it_is_emptied() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    server.call(&["SET", "a", "1"]).ok();
    server.kill();
    assert_eq!(ping(server.port()), Err(ErrorKind::ConnectionRefused));
    server.restart();
    assert_eq!(server.call(&["GET", "a"]).int(), 1);
    server.restart_empty();
    assert_eq!(server.call(&["GET", "a"]), Reply::Nil);
}

#[test]
fn what_a_kill_has_torn_does_not_come_back_with_the_next_start_but_one() {
    let mut server = RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let add = |server: &RedisServer, name: &str| {
        let script = "redis.call('RPUSH', 'list', ARGV[1]) return redis.call('SET', 'last', ARGV[1])";
        server.call(&["EVAL", script, "0", name]).ok();
    };
    add(&server, "whole");
    add(&server, "torn");
    server.kill();
    let log = log_of(&server);
    let bytes = fs::read(&log).unwrap();
    let at = bytes.windows(3).rposition(|window| window == b"SET").unwrap();
    fs::write(&log, &bytes[..at]).unwrap();
    server.restart();
    add(&server, "next");
    server.restart();
    let list = server.call(&["LRANGE", "list", "0", "-1"]);
    assert_eq!(list.items().iter().map(Reply::text).collect::<Vec<_>>(), ["whole", "next"]);
}

/// Of a server with one base and one log behind it, or with one log.
fn log_of(server: &RedisServer) -> PathBuf {
    let directory = server.directory().join("appendonlydir");
    let directory = if directory.exists() { directory } else { server.directory().to_owned() };
    let mut files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "aof")).unwrap()
}

#[test]
fn a_server_without_a_disk_forgets_when_it_is_restarted() {
    let mut server = RedisServer::start(&[]);
    server.call(&["SET", "a", "1"]).ok();
    server.restart();
    assert_eq!(server.call(&["GET", "a"]), Reply::Nil);
}

#[test]
fn a_paused_server_does_not_answer() {
    let server = RedisServer::start(&[]);
    server.pause();
    assert_eq!(ping(server.port()), Err(ErrorKind::WouldBlock));
    server.resume();
    assert_eq!(server.call(&["PING"]), pong().unwrap());
}

#[test]
fn a_cut_closes_connections_and_refuses_new_ones_until_it_is_mended() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::start(server.port());
    let mut session = Session::connect(proxy.port(), PATIENCE).unwrap();
    assert_eq!(session.call(&["PING"]).unwrap(), pong().unwrap());
    assert_eq!(proxy.connections(), 1);
    proxy.cut();
    assert_eq!(proxy.connections(), 0);
    assert!(session.call(&["PING"]).is_err());
    assert!(ping(proxy.port()).is_err());
    proxy.mend();
    assert_eq!(ping(proxy.port()), pong());
}

#[test]
fn a_stalled_connection_passes_nothing_and_loses_nothing() {
    let server = RedisServer::start(&[]);
    let proxy = Proxy::start(server.port());
    let mut session = Session::connect(proxy.port(), PATIENCE).unwrap();
    assert_eq!(session.call(&["PING"]).unwrap(), pong().unwrap());
    proxy.stall();
    session.send(&["SET", "a", "1"]).unwrap();
    assert_eq!(ping(proxy.port()), Err(ErrorKind::WouldBlock), "a new connection");
    assert_eq!(server.call(&["GET", "a"]), Reply::Nil);
    proxy.mend();
    assert_eq!(session.receive().unwrap().text(), "OK");
    drop(session);
    until("its end is seen", || proxy.connections() == 0);
}

#[test]
fn a_delay_holds_up_each_way_and_a_new_upstream_gets_new_connections() {
    let (one, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
    other.call(&["SET", "a", "other"]).ok();
    let proxy = Proxy::start(one.port());
    let mut session = Session::connect(proxy.port(), PATIENCE).unwrap();
    proxy.delay(MOMENT);
    let start = Instant::now();
    assert_eq!(session.call(&["GET", "a"]).unwrap(), Reply::Nil);
    assert!(start.elapsed() >= 2 * MOMENT);
    proxy.delay(Duration::ZERO);
    proxy.set_upstream(other.port());
    let mut session = Session::connect(proxy.port(), PATIENCE).unwrap();
    assert_eq!(session.call(&["GET", "a"]).unwrap().text(), "other");
    assert_eq!(proxy.accepted(), 2);
    proxy.set_upstream(free_port());
    assert!(ping(proxy.port()).is_err());
}

#[test]
fn sentinels_make_the_replica_primary() {
    let mut all = Sentinels::start();
    all.primary().call(&["SET", "a", "1"]).ok();
    until("the replica has it", || all.replica().call(&["GET", "a"]) != Reply::Nil);
    let before = all.primary().port();
    all.failover();
    assert_ne!(all.primary().port(), before);
    assert_eq!(all.primary().call(&["INCR", "a"]).int(), 2);
    all.restart_replica();
    all.switch_over();
    assert_eq!(all.primary().port(), before);
    assert_eq!(all.primary().call(&["INCR", "a"]).int(), 3);
}

#[test]
fn a_node_of_a_cluster_refers_to_the_owner_of_a_key_wherever_its_slot_moves() {
    let mut cluster = Cluster::start();
    let key = "{journal}:stream";
    cluster.owner_of(key).call(&["SET", key, "1"]).ok();
    let moved = |cluster: &Cluster| {
        let other = cluster.other_than_owner_of(key).call(&["GET", key]);
        let port = cluster.owner_of(key).port();
        assert!(other.error().unwrap().ends_with(&format!("127.0.0.1:{port}")), "{other:?}");
        assert!(other.error().unwrap().starts_with("MOVED"), "{other:?}");
        port
    };
    let first = moved(&cluster);
    cluster.move_slot_of(key);
    let second = moved(&cluster);
    assert_ne!(first, second);
    assert_eq!(cluster.owner_of(key).call(&["GET", key]).int(), 1);
    let replica = cluster.add_replica_of(key).port();
    cluster.failover(key);
    assert_eq!(cluster.owner_of(key).port(), replica);
    assert_eq!(cluster.owner_of(key).call(&["GET", key]).int(), 1);
}

#[test]
fn a_server_with_tls_is_trusted_by_who_trusts_its_authority() {
    let (tls, other) = (Tls::new(), Tls::new());
    let server = RedisServer::start_tls(&tls, &[]);
    assert_eq!(tls.redis_cli(server.tls_port(), &tls.ca(), &["PING"]).0, "PONG");
    let (answer, complaint) = tls.redis_cli(server.tls_port(), &other.ca(), &["PING"]);
    assert_eq!(answer, "");
    assert!(complaint.contains("certificate verify failed"), "{complaint}");
}
