//! Where the primary is: a server itself, what sentinels say through a failover, what a cluster says while slots move.

use std::{
    env,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use redis::{Client, ErrorKind, RedisResult, cmd};

use super::support::{Cluster, Proxy, RedisServer, Sentinels, Tls, free_port};
use crate::{address::Address, primary_error::PrimaryError};

const KEY: &str = "{fanfare}:stream";

fn address(url: &str) -> Address {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

async fn find(url: &str) -> Result<Client, PrimaryError> {
    address(url).primary(KEY).await
}

/// The port of the server that was found.
async fn port(url: &str) -> u16 {
    let client = find(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    let address = client.get_connection_info().addr().to_string();
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Why none was found.
async fn refusal(url: &str) -> String {
    match find(url).await {
        Ok(client) => panic!("{url} led to {}", client.get_connection_info().addr()),
        Err(error) => error.to_string(),
    }
}

async fn ask(client: &Client, words: &[&str]) -> RedisResult<String> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
}

#[tokio::test]
async fn a_server_alone_is_the_primary_and_gets_user_password_and_database() {
    let server = RedisServer::start(&["--requirepass", "x"]);
    server.call(&["ACL", "SETUSER", "node", "on", ">p@ss/1", "allcommands", "allkeys"]).ok();
    let host = format!("127.0.0.1:{}", server.port());
    let client = find(&format!("redis://node:p%40ss%2F1@{host}/3")).await.unwrap();
    assert_eq!(ask(&client, &["ACL", "WHOAMI"]).await.unwrap(), "node");
    let info = ask(&client, &["CLIENT", "INFO"]).await.unwrap();
    assert!(info.contains(" db=3 "), "{info}");
    let default = find(&format!("redis://:x@{host}")).await.unwrap();
    assert_eq!(ask(&default, &["ACL", "WHOAMI"]).await.unwrap(), "default");
    let wrong = find(&format!("redis://:y@{host}")).await.unwrap();
    assert_eq!(ask(&wrong, &["PING"]).await.unwrap_err().kind(), ErrorKind::AuthenticationFailed);
}

#[tokio::test]
async fn sentinels_lead_to_the_new_primary_after_a_failover() {
    let mut all = Sentinels::start();
    assert_eq!(port(&all.url()).await, all.primary().port());
    all.failover();
    assert_eq!(port(&all.url()).await, all.primary().port());
    // One of them is enough, and it may be the last.
    all.sentinels()[..2].iter_mut().for_each(RedisServer::kill);
    assert_eq!(port(&all.url()).await, all.primary().port());
    all.primary_mut().kill();
    let said = refusal(&all.url()).await;
    let [first, last] = [0, 2].map(|index: usize| all.sentinels()[index].port());
    assert!(said.starts_with("no sentinel leads to the primary \"fanfare\": "), "{said}");
    assert!(said.contains(&format!(": 127.0.0.1:{first} fails: Connection refused")), "{said}");
    let named = format!("; 127.0.0.1:{last} names 127.0.0.1:{}, which fails: ", all.primary().port());
    assert!(said.contains(&named), "{said}");
    let said = refusal(&all.url().replace("=fanfare", "=other")).await;
    assert!(said.ends_with(&format!("127.0.0.1:{last} does not know it")), "{said}");
}

#[tokio::test]
async fn sentinels_that_ask_for_a_password_get_it_while_another_hangs() {
    let mut all = Sentinels::start();
    let url = all.url();
    let expected = all.primary().port();
    for sentinel in &all.sentinels()[1..] {
        sentinel.call(&["ACL", "SETUSER", "asker", "on", ">secret", "allcommands"]).ok();
        sentinel.call(&["ACL", "SETUSER", "default", "-@all", "+ping"]).ok();
    }
    all.sentinels()[0].pause();
    assert_eq!(port(&format!("{url}&sentinel_user=asker&sentinel_password=secret")).await, expected);
    let said = refusal(&format!("{url}&sentinel_user=asker&sentinel_password=wrong")).await;
    assert!(said.contains("authentication failed") && !said.contains("wrong"), "{said}");
    let said = refusal(&url).await;
    assert!(said.contains("permissions"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_no_primary_any_more_is_not_taken_for_one() {
    let all = Sentinels::start();
    let replica = all.replica().port();
    // A sentinel that has missed a failover.
    let late = RedisServer::start_sentinel(&format!("sentinel monitor fanfare 127.0.0.1 {replica} 1\n"));
    let late = format!("127.0.0.1:{}", late.port());
    let said = refusal(&format!("redis-sentinel://{late},{late}?master=fanfare")).await;
    let named = format!("{late} names 127.0.0.1:{replica}, which says that it is \"slave\", not primary");
    assert!(said.ends_with(&format!(": {named}; {named}")), "{said}");
    let both = all.url().replace("redis-sentinel://", &format!("redis-sentinel://{late},"));
    assert_eq!(port(&both).await, all.primary().port());
}

#[tokio::test]
async fn a_cluster_leads_to_the_owner_of_the_key_wherever_its_slot_moves() {
    let mut cluster = Cluster::start();
    cluster.owner_of(KEY).call(&["SET", KEY, "1"]).ok();
    let url = cluster.url();
    assert_eq!(port(&url).await, cluster.owner_of(KEY).port());
    cluster.move_slot_of(KEY);
    assert_eq!(port(&url).await, cluster.owner_of(KEY).port());
    let client = find(&url).await.unwrap();
    assert_eq!(ask(&client, &["GET", KEY]).await.unwrap(), "1");
    // A node that nobody listens at, and then one that knows.
    let dead = url.replace("redis-cluster://", &format!("redis-cluster://127.0.0.1:{},", free_port()));
    assert_eq!(port(&dead).await, cluster.owner_of(KEY).port());
    cluster.add_replica_of(KEY);
    cluster.failover(KEY);
    assert_eq!(port(&url).await, cluster.owner_of(KEY).port());
}

#[tokio::test]
async fn a_server_that_is_no_cluster_says_so() {
    let server = RedisServer::start(&[]);
    let said = refusal(&format!("redis-cluster://:secret@127.0.0.1:{}", server.port())).await;
    assert!(said.contains(&format!("127.0.0.1:{} fails: ", server.port())) && !said.contains("secret"), "{said}");
    let node = RedisServer::start(&["--cluster-enabled", "yes", "--cluster-port", &free_port().to_string()]);
    let said = refusal(&format!("redis-cluster://127.0.0.1:{}", node.port())).await;
    assert!(said.ends_with(&format!("127.0.0.1:{} does not know it", node.port())), "{said}");
}

#[tokio::test]
async fn hosts_that_are_silent_hold_up_the_search_for_a_moment_each() {
    let server = RedisServer::start(&[]);
    let silent = Proxy::start(server.port());
    silent.stall();
    let silent = vec![format!("127.0.0.1:{}", silent.port()); 9].join(",");
    let start = Instant::now();
    let said = refusal(&format!("redis-cluster://{silent}")).await;
    assert_eq!(said.matches(" fails: ").count(), 9, "{said}");
    let cluster = Cluster::start();
    let url = cluster.url().replace("redis-cluster://", &format!("redis-cluster://{silent},"));
    assert_eq!(port(&url).await, cluster.owner_of(KEY).port());
    // One after the other they would take 18 s each time.
    assert!(start.elapsed() < Duration::from_secs(18), "{:?}", start.elapsed());
}

/// A user of its own on each server, who may do everything, as the default user may.
fn add_user<'a>(servers: impl IntoIterator<Item = &'a RedisServer>) {
    for server in servers {
        server.call(&["ACL", "SETUSER", "node", "on", ">secret", "allcommands", "allkeys"]).ok();
    }
}

#[tokio::test]
async fn servers_that_are_named_by_others_get_user_and_password_too() {
    let (sentinels, mut cluster) = (Sentinels::start(), Cluster::start());
    add_user([sentinels.primary()]);
    add_user(cluster.nodes().iter());
    for url in [sentinels.url(), cluster.url()] {
        let with = |login: &str| url.replace("://", &format!("://{login}@"));
        let client = find(&with("node:secret")).await.unwrap();
        assert_eq!(ask(&client, &["ACL", "WHOAMI"]).await.unwrap(), "node");
        let said = refusal(&with("node:wrong")).await;
        assert!(said.contains("authentication failed") && !said.contains("wrong"), "{said}");
    }
}

/// The authorities that are trusted come from the environment, so each case is a process: this test once more.
#[tokio::test]
async fn servers_with_tls_are_reached_by_who_trusts_their_authority() {
    const URL: &str = "FANFARE_TEST_TLS_URL";
    const THIS: &str = "tests::primary::servers_with_tls_are_reached_by_who_trusts_their_authority";
    if let Ok(url) = env::var(URL) {
        let client = find(&url).await.unwrap();
        assert_eq!(ask(&client, &["PING"]).await.unwrap(), "PONG");
        return;
    }
    let (tls, other) = (Tls::new(), Tls::new());
    let server = RedisServer::start_tls(&tls, &[]);
    let cluster = Cluster::start_tls(&tls);
    let monitor = format!("sentinel monitor fanfare 127.0.0.1 {} 1\n", server.tls_port());
    let sentinel = RedisServer::start_sentinel_tls(&tls, &monitor);
    let run = |url: &str, ca: &Path| {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", THIS, "--nocapture"]);
        let output = child.env(URL, url).env("SSL_CERT_FILE", ca).env_remove("SSL_CERT_DIR").output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    };
    let by_name = server.tls_url();
    let by_sentinel = format!("rediss-sentinel://127.0.0.1:{}?master=fanfare", sentinel.tls_port());
    for url in [by_name.clone(), by_name.replace("localhost", "127.0.0.1"), by_sentinel, cluster.tls_url()] {
        assert_eq!(run(&url, &tls.ca()), Ok(()));
        let said = run(&url, &other.ca()).unwrap_err();
        assert!(said.contains("invalid peer certificate"), "{said}");
        assert!(run(&url.replace("rediss", "redis"), &tls.ca()).is_err(), "plain words to a server that speaks TLS");
    }
}
