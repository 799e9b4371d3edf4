//! The words of a grant: in a token, in an answer, and back.

mod support;

use fanfare_core::{Channel, ClientId, NameError, Pattern, Target};
use fanfare_grants::{ClaimFault, Excerpt, Grant, GrantLimits, PATTERNS_MAX, Rule};
use proptest::prelude::*;
use support::{NOW_MS, claiming, hs256, lasting, rule};

fn read(words: &str) -> Result<Grant, ClaimFault> {
    Grant::from_json(words.as_bytes(), String::new(), None)
}

#[test]
fn the_claim_of_a_token_is_its_grant() {
    let claim = r#","sub":"7","fanfare":{"subscribe":["news","orders.*"],"publish":["orders.42"],"clients":["42"],"all":true,"client":"7","limits":{"streams":3,"publishes_per_second":5,"bytes_per_second":18446744073709551615,"channels":65535}}"#;
    let grant = hs256().check(claiming(&lasting(claim)).as_bytes(), NOW_MS).unwrap();
    assert!(grant.may_follow(&Channel::new("orders.1").unwrap()) && grant.may_follow(&Channel::new("news").unwrap()));
    assert!(grant.may_publish_to(&Target::Channel(Channel::new("orders.42").unwrap())));
    assert!(!grant.may_publish_to(&Target::Channel(Channel::new("orders.4").unwrap())));
    assert!(grant.may_publish_to(&Target::Client(ClientId::new("42").unwrap())) && grant.may_publish_to(&Target::All));
    assert_eq!((grant.client.unwrap().as_str(), grant.holder.as_str()), ("7", "test/7"));
    let limits = GrantLimits {
        streams: Some(3),
        publishes_per_second: Some(5),
        bytes_per_second: Some(u64::MAX),
        channels: Some(65_535),
    };
    assert_eq!(grant.limits, limits);
}

#[test]
fn a_token_without_the_claim_is_valid_and_grants_nothing() {
    for claims in ["", r#","fanfare":{}"#, r#","Fanfare":{"all":true}"#, r#","scope":"publish""#] {
        let grant = hs256().check(claiming(&lasting(claims)).as_bytes(), NOW_MS).unwrap();
        let nothing = Grant { holder: grant.holder.clone(), expires: grant.expires, ..Grant::default() };
        assert_eq!(grant, nothing, "{claims}");
    }
}

#[test]
fn a_word_that_is_wrong_refuses_the_token_and_is_named() {
    let name = |member, error| ClaimFault::Name(member, error);
    let long = "x".repeat(257);
    for (words, fault) in [
        ("5", ClaimFault::NotAnObject("fanfare")),
        ("null", ClaimFault::NotAnObject("fanfare")),
        ("[]", ClaimFault::NotAnObject("fanfare")),
        (r#"{"subscribes":[]}"#, ClaimFault::Unknown(Excerpt::new("subscribes"))),
        (r#"{"a\nb":[]}"#, ClaimFault::Unknown(Excerpt::new("a\nb"))),
        (r#"{"limits":{"stream":3}}"#, ClaimFault::UnknownLimit(Excerpt::new("stream"))),
        (r#"{"limits":[]}"#, ClaimFault::NotAnObject("limits")),
        (r#"{"limits":{"streams":3}}"#, ClaimFault::StreamsOfNobody),
        (r#"{"limits":{"streams":-1}}"#, ClaimFault::Limit("streams", u32::MAX.into())),
        (r#"{"limits":{"streams":4294967296}}"#, ClaimFault::Limit("streams", u32::MAX.into())),
        (r#"{"limits":{"streams":1.5}}"#, ClaimFault::Limit("streams", u32::MAX.into())),
        (r#"{"limits":{"streams":"3"}}"#, ClaimFault::Limit("streams", u32::MAX.into())),
        (r#"{"limits":{"streams":null}}"#, ClaimFault::Limit("streams", u32::MAX.into())),
        (r#"{"limits":{"channels":65536}}"#, ClaimFault::Limit("channels", u16::MAX.into())),
        (r#"{"subscribe":"news"}"#, ClaimFault::NotAList("subscribe")),
        (r#"{"publish":[["news"]]}"#, ClaimFault::NotAList("publish")),
        (r#"{"clients":[42]}"#, ClaimFault::NotAList("clients")),
        (r#"{"clients":null}"#, ClaimFault::NotAList("clients")),
        (r#"{"subscribe":[""]}"#, name("subscribe", NameError::Empty)),
        (r#"{"publish":["a\u0000"]}"#, name("publish", NameError::Control)),
        (&format!(r#"{{"subscribe":["{long}"]}}"#), name("subscribe", NameError::TooLong)),
        (r#"{"client":""}"#, name("client", NameError::Empty)),
        (r#"{"client":42}"#, ClaimFault::Type("client")),
        (r#"{"all":1}"#, ClaimFault::Type("all")),
        (r#"{"all":"true"}"#, ClaimFault::Type("all")),
    ] {
        assert_eq!(rule(&hs256(), claiming(&lasting(&format!(r#","fanfare":{words}"#)))), Rule::Claim(fault.clone()));
        assert_eq!(read(words), Err(fault), "{words}");
    }
    assert_eq!(read(r#"{"all":true,"all":true}"#), Err(ClaimFault::NotJson));
    assert_eq!(read("{"), Err(ClaimFault::NotJson));
}

#[test]
fn a_list_has_128_patterns_at_most() {
    for member in ["subscribe", "publish", "clients"] {
        let list = |count| format!(r#"{{"{member}":[{}]}}"#, vec![r#""a""#; count].join(","));
        assert!(read(&list(PATTERNS_MAX)).is_ok());
        assert_eq!(read(&list(PATTERNS_MAX + 1)), Err(ClaimFault::TooMany(member)));
    }
}

fn grants() -> impl Strategy<Value = Grant> {
    let patterns = || prop::collection::vec("[a-z*.ü\"\\\\]{1,9}".prop_map(|text| Pattern::new(&text).unwrap()), 0..4);
    let limits = (any::<Option<u32>>(), any::<Option<u32>>(), any::<Option<u64>>(), any::<Option<u16>>());
    let limits = limits.prop_map(|(streams, publishes_per_second, bytes_per_second, channels)| GrantLimits {
        streams,
        publishes_per_second,
        bytes_per_second,
        channels,
    });
    let client = prop::option::of("[a-z]{1,9}".prop_map(|text| ClientId::new(&text).unwrap()));
    (patterns(), patterns(), patterns(), any::<bool>(), client, limits).prop_map(
        |(subscribe, publish, clients, all, client, limits)| Grant {
            subscribe,
            publish,
            clients,
            all,
            limits: GrantLimits { streams: limits.streams.filter(|_| client.is_some()), ..limits },
            client,
            ..Grant::default()
        },
    )
}

proptest! {
    #[test]
    fn a_grant_comes_back_from_its_words(grant in grants()) {
        prop_assert_eq!(Grant::from_claim(&grant.to_claim(), String::new(), None), Ok(grant.clone()));
        prop_assert_eq!(read(&grant.to_claim().to_string()), Ok(grant));
    }
}
