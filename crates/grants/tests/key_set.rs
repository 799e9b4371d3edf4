//! Keys that are fetched: who asks, how often, and what a token meets in the meantime.

mod support;

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use fanfare_grants::{Algorithm, Excerpt, Issuer, IssuerConfig, JwksError, KeySet, Rule, Tokens};
use support::{NOW_MS, SECRET, base64, lasting, refused, token, tokens};

const HS256: &[Algorithm] = &[Algorithm::Hs256];

fn fetch(set: &Arc<KeySet>, kid: &str) {
    let jwks = format!(r#"{{"keys":[{{"kty":"oct","kid":"{kid}","k":"{}"}}]}}"#, base64(SECRET));
    set.begin_fetch().finish(jwks.as_bytes()).unwrap();
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
    fetch(&set, kid);
    set
}

#[test]
fn a_new_set_wants_a_fetch_and_serves_its_keys_afterwards() {
    let set = new();
    assert!(set.wanted().has_reached(1) && !set.fetched().has_reached(1));
    let refused = refused(&of(&set), with_kid("a"));
    assert_eq!(refused.rule, Rule::UnknownKey(Excerpt::new("a")));
    let asked = refused.unknown_keys[0].ask(0);
    assert_eq!(asked, Some(1), "the first fetch serves who asks meanwhile");
    fetch(&set, "a");
    assert!(set.fetched().has_reached(1));
    assert!(of(&set).check(with_kid("a").as_bytes(), NOW_MS).is_ok());
}

#[test]
fn a_token_without_kid_asks_only_while_there_are_no_keys() {
    let set = new();
    let nameless = support::valid(Algorithm::Hs256);
    let first = refused(&of(&set), &nameless);
    assert!(first.rule == Rule::NoKeys && first.unknown_keys.len() == 1);
    fetch(&set, "a");
    let forged = format!("{}.AAAA", nameless.rsplit_once('.').unwrap().0);
    assert!(refused(&of(&set), forged).unknown_keys.is_empty());
}

#[test]
fn an_algorithm_that_no_key_of_the_set_has_is_told_as_such() {
    let set = Arc::new(KeySet::new(Algorithm::ASYMMETRIC.to_vec(), 60_000));
    let ed = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    set.begin_fetch().finish(ed.as_bytes()).unwrap();
    let es256 = refused(&of(&set), support::valid(Algorithm::Es256));
    assert_eq!(es256.rule, Rule::Algorithm(Excerpt::new("ES256")));
}

#[test]
fn only_an_unknown_key_of_a_taken_algorithm_asks() {
    let set = fetched("a");
    assert_eq!(refused(&of(&set), with_kid("b")).unknown_keys.len(), 1);
    let known = with_kid("a");
    let forged = format!("{}.AAAA", known.rsplit_once('.').unwrap().0);
    assert!(refused(&of(&set), forged).unknown_keys.is_empty());
    let other = token(Algorithm::Hs512, r#"{"alg":"HS512","kid":"b"}"#, lasting(""));
    assert!(refused(&of(&set), other).unknown_keys.is_empty());
    let expired = token(Algorithm::Hs256, r#"{"alg":"HS256","kid":"a"}"#, r#"{"exp":1}"#);
    assert!(refused(&of(&set), expired).unknown_keys.is_empty());
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
    assert_eq!(set.begin_fetch().finish(b"<html>").unwrap_err(), JwksError::NotASet);
    assert!(waiting.as_mut().poll(&mut cx).is_ready());
    assert!(of(&set).check(with_kid("a").as_bytes(), NOW_MS).is_ok());
}

#[test]
fn a_fetch_that_began_before_a_wish_does_not_answer_it() {
    let set = fetched("a");
    let early = set.begin_fetch();
    let number = set.ask(0).unwrap();
    drop(early);
    assert!(!set.fetched().has_reached(number));
    fetch(&set, "b");
    assert!(set.fetched().has_reached(number) && of(&set).check(with_kid("b").as_bytes(), NOW_MS).is_ok());
    assert!(refused(&of(&set), with_kid("a")).unknown_keys.len() == 1, "keys that are gone are gone");
}

#[test]
fn each_set_that_may_have_the_key_is_named_also_where_another_issuer_comes_further() {
    let (one, other) = (fetched("a"), fetched("b"));
    let issuer = |name, sets: &[&Arc<KeySet>], keys| {
        let sets = sets.iter().map(|set| Arc::clone(set)).collect();
        Issuer::new(IssuerConfig { sets, keys, ..IssuerConfig::new(name) }).unwrap()
    };
    let another = fanfare_grants::Key::secret(Algorithm::Hs256, &[7; 32]).unwrap();
    let tokens = Tokens::new(vec![issuer("sets", &[&one, &other], Vec::new()), issuer("key", &[], vec![another])]);
    let refused = refused(&tokens.unwrap(), with_kid("c"));
    assert_eq!((refused.rule, refused.issuer.as_deref()), (Rule::Signature, Some("key")));
    assert!(Arc::ptr_eq(&refused.unknown_keys[0], &one) && Arc::ptr_eq(&refused.unknown_keys[1], &other));
}
