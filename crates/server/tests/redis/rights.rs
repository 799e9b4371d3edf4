//! The rights of a node's Redis user are exactly those in the contract. Without them the node names the missing right.

use std::fs;

use crate::{
    node::{STREAM, command},
    rig::{RedisServer, until},
    support::{run, server::Server},
    watch::Watch,
};

/// The words in backquotes between two places of the contract.
fn commands(from: &str, to: &str) -> Vec<String> {
    let contract = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../http/contract.md")).unwrap();
    let text = contract.split(from).nth(1).unwrap().split(to).next().unwrap();
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| word.chars().all(|letter| letter.is_ascii_uppercase())).map(|word| format!("+{word}")).collect()
}

/// Makes a user with these rights on the hub's keys. Returns its URL.
fn user(redis: &RedisServer, allowed: &[String]) -> String {
    let mut rules = vec!["ACL", "SETUSER", "node", "reset", "on", ">secret", "~{fanfare}:*", "&*"];
    rules.extend(allowed.iter().map(String::as_str));
    redis.call(&rules).ok();
    format!("redis://node:secret@127.0.0.1:{}", redis.port())
}

#[test]
fn what_the_contract_says_is_enough() {
    let redis = RedisServer::start(&[]);
    let mut allowed = commands("A node needs these commands:", "with `--redis-subscribe` also");
    assert!(allowed.len() > 25 && allowed.contains(&"+EVAL".to_owned()), "{allowed:?}");
    let url = user(&redis, &allowed);
    let node = Server::node(&url, &[]);
    let mut watch = Watch::open(&node, "/channels/a");
    node.publish("/channels/a", "plain");
    for key in ["k", "k", "l"] {
        let answer = node.post("/channels/a", &[("idempotency-key", key)], "keyed");
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    watch.until("keyed");
    node.until_well();
    drop(node);
    allowed.extend(commands("with `--redis-subscribe` also", "behind sentinels"));
    let node = Server::node(&user(&redis, &allowed), &["--redis-subscribe=news"]);
    let mut watch = Watch::open(&node, "/channels/news");
    until("it takes what is published", || {
        redis.call(&["PUBLISH", "news", "x"]);
        redis.call(&["XLEN", STREAM]).int() > 3
    });
    watch.until("x");
}

#[test]
fn what_is_missing_ends_the_start_and_is_named() {
    let redis = RedisServer::start(&[]);
    let allowed = commands("A node needs these commands:", "behind sentinels");
    for missing in ["+EVAL", "+ZPOPMIN", "+HDEL", "+INFO", "+PSUBSCRIBE"] {
        let others: Vec<_> = allowed.iter().filter(|command| *command != missing).cloned().collect();
        let (code, said) = run(&mut command(&user(&redis, &others), &["--redis-subscribe=news"]));
        // Of what a script may not run, not every version of Redis says the name.
        let name = missing.trim_start_matches('+').to_lowercase();
        let is_named = said.to_lowercase().contains(&name) || said.contains("can't run this command");
        assert!(code == 1 && is_named && !said.contains("secret"), "{missing}: {said}");
    }
}
