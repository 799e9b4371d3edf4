//! Keys that are fetched: who asks, how often, and what a token meets in the meantime.

mod support;

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use fanfare_grants::{Algorithm, Excerpt, IssuerConfig, Jwks, KeySet, Rule, Tokens};
use support::{NOW_MS, SECRET, base64, lasting, refused, token, tokens};

const HS256: &[Algorithm] = &[Algorithm::Hs256];

fn keys(kid: &str) -> Jwks {
    let set = format!(r#"{{"keys":[{{"kty":"oct","kid":"{kid}","k":"{}"}}]}}"#, base64(SECRET));
    Jwks::parse(set.as_bytes(), HS256).unwrap()
}

fn of(set: &Arc<KeySet>) -> Tokens {
    tokens(IssuerConfig { sets: vec![Arc::clone(set)], ..IssuerConfig::new("test") })
}

fn with_kid(kid: &str) -> String {
    token(Algorithm::Hs256, format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), lasting(""))
}

fn new() -> Arc<KeySet> {
    Arc::new(KeySet::new(HS256.to_vec(), 60_000))
}

fn fetched(kid: &str) -> Arc<KeySet> {
    let set = new();
    set.begin_fetch().replace(keys(kid));
    set
}

#[test]
fn a_new_set_wants_a_fetch_and_serves_its_keys_afterwards() {
    let set = new();
    assert!(set.wanted().has_reached(1) && !set.fetched().has_reached(1));
    let refused = refused(&of(&set), with_kid("a"));
    assert_eq!(refused.rule, Rule::UnknownKey(Excerpt::new("a")));
    let asked = refused.unknown_keys.unwrap().ask(0);
    assert_eq!(asked, Some(1), "the first fetch serves who asks meanwhile");
    set.begin_fetch().replace(keys("a"));
    assert!(set.fetched().has_reached(1));
    assert!(of(&set).check(with_kid("a").as_bytes(), NOW_MS).is_ok());
}

#[test]
fn a_token_without_kid_asks_only_while_there_are_no_keys() {
    let set = new();
    let nameless = support::valid(Algorithm::Hs256);
    let first = refused(&of(&set), &nameless);
    assert!(first.rule == Rule::NoKeys && first.unknown_keys.is_some());
    set.begin_fetch().replace(keys("a"));
    let forged = format!("{}.AAAA", nameless.rsplit_once('.').unwrap().0);
    assert!(refused(&of(&set), forged).unknown_keys.is_none());
}

#[test]
fn only_an_unknown_key_of_a_taken_algorithm_asks() {
    let set = fetched("a");
    assert!(refused(&of(&set), with_kid("b")).unknown_keys.is_some());
    let known = with_kid("a");
    let forged = format!("{}.AAAA", known.rsplit_once('.').unwrap().0);
    assert!(refused(&of(&set), forged).unknown_keys.is_none());
    let other = token(Algorithm::Hs512, r#"{"alg":"HS512","kid":"b"}"#, lasting(""));
    assert!(refused(&of(&set), other).unknown_keys.is_none());
    let expired = token(Algorithm::Hs256, r#"{"alg":"HS256","kid":"a"}"#, r#"{"exp":1}"#);
    assert!(refused(&of(&set), expired).unknown_keys.is_none());
}

#[test]
fn unknown_keys_are_fetched_at_most_once_in_the_pause() {
    let set = fetched("a");
    assert_eq!(set.ask(5_000), Some(2));
    assert_eq!(set.ask(5_001), Some(2), "it is under way");
    set.begin_fetch();
    for now_ms in [5_002, 64_999] {
        assert_eq!(set.ask(now_ms), None);
    }
    assert_eq!(set.ask(65_000), Some(3));
    set.begin_fetch();
    assert_eq!(set.ask(1_000), Some(4), "a clock that was set back is no reason to wait");
}

#[test]
fn the_old_keys_stay_when_a_fetch_fails_and_who_waits_is_let_go() {
    let set = fetched("a");
    let number = set.ask(0).unwrap();
    let mut waiting = pin!(set.fetched().wait(number));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    drop(set.begin_fetch());
    assert!(waiting.as_mut().poll(&mut cx).is_ready());
    assert!(of(&set).check(with_kid("a").as_bytes(), NOW_MS).is_ok());
}

#[test]
fn a_fetch_that_began_before_a_wish_does_not_answer_it() {
    let set = fetched("a");
    let early = set.begin_fetch();
    let number = set.ask(0).unwrap();
    early.replace(keys("a"));
    assert!(!set.fetched().has_reached(number));
    set.begin_fetch().replace(keys("b"));
    assert!(set.fetched().has_reached(number) && of(&set).check(with_kid("b").as_bytes(), NOW_MS).is_ok());
    assert!(refused(&of(&set), with_kid("a")).unknown_keys.is_some(), "keys that are gone are gone");
}
