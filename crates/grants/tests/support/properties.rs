//! Properties of everything that this crate reads, for any input. Each function panics if one does not hold. The fuzz targets and
//! tests/corpus.rs call them.
//!
//! This file states the rules a second time, in words of its own.
#![allow(dead_code, reason = "each target uses its own part")]

use std::{collections::HashSet, sync::LazyLock};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use fanfare_core::{Channel, Pattern};
use fanfare_grants::{Algorithm, ApiKeys, Grant, Issuer, IssuerConfig, Jwks, Key, Tokens};
use ring::hmac;
use serde_json::Value;

const NOW_S: u64 = 1_795_000_000;
const SECRET: &[u8; 32] = b"the secret of the fuzz target...";

/// Public keys of RFC 7515 A.2 and A.3, and of RFC 8037 A.2.
const SET: &str = r#"{"keys":[
    {"kty":"RSA","kid":"r","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
    {"kty":"EC","kid":"e","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kty":"OKP","kid":"o","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    let mut keys = Jwks::parse(SET.as_bytes(), &Algorithm::ASYMMETRIC).unwrap().keys().to_vec();
    keys.push(Key::secret(Algorithm::Hs256, SECRET).unwrap().with_kid("h"));
    let named = IssuerConfig {
        keys: keys.clone(),
        iss: Some("joe".to_owned()),
        aud: vec!["here".to_owned()],
        ..IssuerConfig::new("joe")
    };
    let any = IssuerConfig { keys, ..IssuerConfig::new("any") };
    Tokens::new(vec![Issuer::new(named).unwrap(), Issuer::new(any).unwrap()]).unwrap()
});

/// The input is a token, or the header and the payload of one with a line break between them.
pub(crate) fn tokens(input: &[u8]) {
    judge(input);
    let Some(at) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (header, payload) = (&input[..at], &input[at + 1..]);
    let is_taken = judge(signed(header, payload).as_bytes());
    let objects = [header, payload].map(|bytes| serde_json::from_slice(bytes).ok().filter(Value::is_object));
    let [Some(header), Some(payload)] = objects else { return assert!(!is_taken, "these are no objects") };
    let is_good = is_good(&header, &payload);
    assert!(!is_taken || is_good, "it is taken: {header} {payload}");
    // What is written anew has no member twice.
    let clean = signed(header.to_string().as_bytes(), payload.to_string().as_bytes());
    if clean.len() <= Tokens::BYTES_MAX {
        assert_eq!(judge(clean.as_bytes()), is_good, "{header} {payload}");
    }
}

fn signed(header: &[u8], payload: &[u8]) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", encode(header), encode(payload));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), signed.as_bytes());
    format!("{signed}.{}", encode(tag.as_ref()))
}

/// Whether the token is taken. An explanation agrees with that.
fn judge(token: &[u8]) -> bool {
    let checked = TOKENS.check(token, 1_000 * NOW_S);
    let explained = TOKENS.explain(token, 1_000 * NOW_S);
    let is_kept = |judged: &fanfare_grants::Judged| judged.checks.iter().all(|(_, kept)| kept.is_ok());
    assert_eq!(checked.is_ok(), explained.judged.iter().any(is_kept));
    match (&checked, &explained.outcome) {
        (Ok(grant), Ok(explained)) => assert_eq!(grant, explained),
        (Err(refused), Err(explained)) => assert_eq!(refused.to_string(), explained.to_string()),
        _ => panic!("the explanation has another outcome"),
    }
    if let Err(refused) = &checked {
        let text = refused.to_string();
        assert!(text.chars().count() < 400 && !text.contains(char::is_control), "{text:?}");
    }
    if let Ok(grant) = &checked {
        assert!(!grant.holder.contains(char::is_control) && grant.holder.chars().count() <= 163);
        assert!(token.len() <= Tokens::BYTES_MAX);
    }
    checked.is_ok()
}

/// Whether a token of HS256 with this header and payload is to be taken by one of the issuers.
fn is_good(header: &Value, payload: &Value) -> bool {
    let time = |name: &str| match payload.get(name) {
        None => Some(None),
        Some(value) => {
            let whole = |number: f64| (0.0..253_402_300_800.0).contains(&number).then_some(number as u64);
            let number = value.as_u64().or_else(|| value.as_f64().and_then(whole));
            number.filter(|seconds| *seconds < 253_402_300_800).map(Some)
        }
    };
    let is_text = |name: &str| payload.get(name).is_none_or(Value::is_string);
    let (iss, aud) = (payload.get("iss"), payload.get("aud"));
    let audiences = match aud {
        Some(Value::String(_)) => aud.into_iter().collect(),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => list.iter().collect(),
        _ => Vec::new(),
    };
    let is_of_joe = iss.is_some_and(|iss| iss == "joe") && audiences.iter().any(|one| *one == "here");
    header.get("alg").is_some_and(|alg| alg == "HS256")
        && header.get("kid").is_none_or(|kid| kid == "h")
        && header.get("crit").is_none()
        && (is_of_joe || aud.is_none())
        && is_text("iss")
        && is_text("sub")
        && is_text("jti")
        && matches!(time("exp"), Some(Some(exp)) if NOW_S < exp + 5)
        && time("nbf").is_some_and(|nbf| nbf.is_none_or(|nbf| nbf <= NOW_S + 5))
        && payload.get("fanfare").is_none_or(is_claim)
}

fn is_claim(claim: &Value) -> bool {
    let Some(members) = claim.as_object() else { return false };
    let is_list = |value: &Value| {
        value
            .as_array()
            .is_some_and(|list| list.len() <= 128 && list.iter().all(|item| item.as_str().is_some_and(is_name)))
    };
    let limit_max = |name: &str| match name {
        "streams" | "publishes_per_second" => Some(u64::from(u32::MAX)),
        "bytes_per_second" => Some(u64::MAX),
        "channels" => Some(u64::from(u16::MAX)),
        _ => None,
    };
    let is_limit = |(name, value): (&String, &Value)| {
        limit_max(name).is_some_and(|max| value.as_u64().is_some_and(|limit| limit <= max))
    };
    members.iter().all(|(name, value)| match name.as_str() {
        "subscribe" | "publish" | "clients" => is_list(value),
        "all" => value.is_boolean(),
        "client" => value.as_str().is_some_and(is_name),
        "limits" => value.as_object().is_some_and(|limits| {
            limits.iter().all(is_limit) && (limits.get("streams").is_none() || members.contains_key("client"))
        }),
        _ => false,
    })
}

/// 1 to 256 bytes, no control character.
fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.len()) && !text.chars().any(|c| matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}'))
}

/// The input is a JWK set. What is taken checks tokens without a panic.
pub(crate) fn jwks(input: &[u8]) {
    for algorithms in [&Algorithm::ASYMMETRIC[..], &[Algorithm::Hs256], &[Algorithm::Es256]] {
        let Ok(set) = Jwks::parse(input, algorithms) else { continue };
        let value: Value = serde_json::from_slice(input).unwrap();
        let list = value["keys"].as_array().unwrap();
        assert!(list.len() <= 64 && set.left_out() < list.len());
        let kids: Vec<_> = list.iter().filter_map(|key| key.get("kid")?.as_str()).collect();
        assert_eq!(kids.iter().collect::<HashSet<_>>().len(), kids.len());
        for key in set.keys() {
            assert!(algorithms.contains(&key.algorithm()));
            assert!(key.kid().is_none_or(|kid| kids.contains(&kid)));
        }
        let config = IssuerConfig { keys: set.keys().to_vec(), ..IssuerConfig::new("fuzz") };
        let tokens = Tokens::new(vec![Issuer::new(config).unwrap()]).unwrap();
        for algorithm in algorithms {
            let header = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{}"}}"#, algorithm.name()));
            let token = format!("{header}.e30.{}", BASE64_URL_SAFE_NO_PAD.encode([7; 64]));
            assert!(tokens.check(token.as_bytes(), 1_000 * NOW_S).is_err());
        }
    }
}

/// The input is two patterns and a name, each on a line.
pub(crate) fn patterns(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (one, other, name) = (line(), line(), line());
    let pattern = |text: &str| {
        let pattern = Pattern::new(text).ok();
        assert_eq!(pattern.as_ref().map(Pattern::as_str), is_name(text).then_some(text));
        pattern
    };
    let (Some(one), Some(other)) = (pattern(one), pattern(other)) else { return };
    for pattern in [&one, &other] {
        assert_eq!(pattern.matches(name), naive(pattern.as_str(), name), "{pattern:?} {name:?}");
        assert_eq!(pattern.is_exact(), !pattern.as_str().contains('*'));
        if let Ok(channel) = Channel::new(name) {
            let grant = Grant { subscribe: vec![pattern.clone()], ..Grant::default() };
            assert_eq!(grant.may_follow(&channel), pattern.matches(name));
        }
    }
    let covers = one.covers(&other);
    assert!(!covers || !other.matches(name) || one.matches(name), "{one:?} {other:?} {name:?}");
    // A character that neither has stands for all names that the stars of the other stand for.
    let fresh =
        ('\u{e000}'..).find(|fresh| !one.as_str().contains(*fresh) && !other.as_str().contains(*fresh)).unwrap();
    let hardest = other.as_str().replace('*', &fresh.to_string());
    assert_eq!(covers, naive(one.as_str(), &hardest), "{one:?} {other:?}");
}

/// Whether `pattern` matches `name`: for each start of the pattern, the lengths of the starts of the name that it matches.
fn naive(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut matched = vec![false; name.len() + 1];
    matched[0] = true;
    for part in pattern.chars() {
        if part == '*' {
            let shortest = matched.iter().position(|matches| *matches).unwrap_or(matched.len());
            matched[shortest..].fill(true);
            continue;
        }
        for length in (1..matched.len()).rev() {
            matched[length] = matched[length - 1] && name[length - 1] == part;
        }
        matched[0] = false;
    }
    matched[name.len()]
}

/// The input is a file of API keys.
pub(crate) fn api_keys(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match ApiKeys::parse(text) {
        Ok(keys) => {
            let names: HashSet<_> = keys.grants().map(|grant| grant.holder.as_str()).collect();
            assert!(names.len() == keys.grants().len() && names.len() <= ApiKeys::KEYS_MAX);
            for grant in keys.grants() {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                assert!((1..=64).contains(&grant.holder.len()) && grant.holder.bytes().all(plain));
                assert!(grant.client.is_none());
                let back = Grant::from_claim(&grant.to_claim(), grant.holder.clone(), grant.expires);
                assert_eq!(back.as_ref(), Ok(&**grant));
            }
            assert!(keys.find(input, 1_000 * NOW_S).is_err(), "a file has no key that opens");
        }
        Err(error) => {
            assert!((1..=1 + text.matches('\n').count()).contains(&error.line), "{error}");
            assert!(error.to_string().chars().count() < 300);
        }
    }
}
