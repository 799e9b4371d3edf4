//! The registered claims, at each limit and one past it.

mod support;

use fanfare_grants::{Algorithm, Excerpt, Issuer, IssuerConfig, IssuerError, Rule, Tokens, TokensError};
use support::{NOW_MS, NOW_S, claiming, hs256, key, lasting, of, rule, tokens};

fn with(change: impl FnOnce(&mut IssuerConfig)) -> Tokens {
    let mut config = of(&[Algorithm::Hs256]);
    change(&mut config);
    tokens(config)
}

#[test]
fn a_token_holds_until_its_end_and_the_leeway_behind_it() {
    for leeway_s in [0, 30, 300] {
        let tokens = with(|config| config.leeway_s = leeway_s);
        let token = claiming(&format!(r#"{{"exp":{NOW_S}}}"#));
        let end_ms = NOW_MS + 1_000 * leeway_s;
        let grant = tokens.check(token.as_bytes(), end_ms - 1).unwrap();
        assert_eq!(grant.expires, Some(NOW_S), "leeway makes no grant longer");
        assert_eq!(tokens.check(token.as_bytes(), end_ms).unwrap_err().rule, Rule::Expired);
    }
    assert_eq!(rule(&hs256(), claiming(r#"{"exp":0}"#)), Rule::Expired);
}

#[test]
fn a_token_holds_from_its_beginning_and_the_leeway_before_it() {
    for leeway_s in [0, 30, 300] {
        let tokens = with(|config| config.leeway_s = leeway_s);
        let token = claiming(&format!(r#"{{"exp":{},"nbf":{NOW_S}}}"#, NOW_S + 9));
        let start_ms = NOW_MS - 1_000 * leeway_s;
        assert!(tokens.check(token.as_bytes(), start_ms).is_ok());
        assert_eq!(tokens.check(token.as_bytes(), start_ms - 1).unwrap_err().rule, Rule::NotYetValid);
    }
    assert!(hs256().check(claiming(&lasting(r#","nbf":0"#)).as_bytes(), NOW_MS).is_ok());
}

#[test]
fn a_time_is_a_number_before_the_year_10000() {
    let last = 253_402_300_799_u64;
    for (bad, name) in [("exp", "exp"), ("nbf", "nbf")] {
        for value in [
            "\"1795000060\"",
            "-1",
            "-0.5",
            "null",
            "true",
            "[]",
            "{}",
            "18446744073709551615",
            "18446744073709551616",
            "1e300",
            &(last + 1).to_string(),
        ] {
            let claims =
                if bad == "exp" { format!(r#"{{"exp":{value}}}"#) } else { lasting(&format!(r#","nbf":{value}"#)) };
            assert_eq!(rule(&hs256(), claiming(&claims)), Rule::Malformed(name), "{claims}");
            let lenient = with(|config| config.requires_exp = false);
            assert_eq!(rule(&lenient, claiming(&claims)), Rule::Malformed(name), "{claims}");
        }
    }
    assert!(hs256().check(claiming(&format!(r#"{{"exp":{last}}}"#)).as_bytes(), NOW_MS).is_ok());
    let grant = hs256().check(claiming(r#"{"exp":1795000060.9}"#).as_bytes(), NOW_MS).unwrap();
    assert_eq!(grant.expires, Some(1_795_000_060), "some issuers write fractions");
}

#[test]
fn a_token_without_an_end_is_refused_unless_its_issuer_takes_it() {
    assert_eq!(rule(&hs256(), claiming("{}")), Rule::NoExpiry);
    let grant = with(|config| config.requires_exp = false).check(claiming("{}").as_bytes(), NOW_MS).unwrap();
    assert_eq!(grant.expires, None);
}

#[test]
fn an_audience_is_taken_exactly_where_one_is_configured() {
    let ours = with(|config| config.aud = vec!["a".to_owned(), "b".to_owned()]);
    for aud in [r#""a""#, r#""b""#, r#"["x","b"]"#] {
        let token = claiming(&lasting(&format!(r#","aud":{aud}"#)));
        assert!(ours.check(token.as_bytes(), NOW_MS).is_ok(), "{aud}");
        assert_eq!(rule(&hs256(), token), Rule::UnexpectedAudience, "{aud}");
    }
    for aud in [r#""A""#, r#""ab""#, r#""""#, "[]", r#"["x"]"#] {
        assert_eq!(rule(&ours, claiming(&lasting(&format!(r#","aud":{aud}"#)))), Rule::WrongAudience, "{aud}");
    }
    assert_eq!(rule(&hs256(), claiming(&lasting(r#","aud":[]"#))), Rule::UnexpectedAudience);
    assert_eq!(rule(&ours, claiming(&lasting(""))), Rule::NoAudience);
    for aud in ["null", "1", r#"["a",1]"#, r#"{"a":1}"#] {
        for tokens in [&ours, &hs256()] {
            assert_eq!(rule(tokens, claiming(&lasting(&format!(r#","aud":{aud}"#)))), Rule::Malformed("aud"), "{aud}");
        }
    }
}

#[test]
fn an_issuer_with_a_name_takes_only_tokens_of_that_name() {
    let joe = with(|config| config.iss = Some("joe".to_owned()));
    assert!(joe.check(claiming(&lasting(r#","iss":"joe""#)).as_bytes(), NOW_MS).is_ok());
    for iss in ["Joe", "joe ", "", "https://joe.example/"] {
        let token = claiming(&lasting(&format!(r#","iss":"{iss}""#)));
        assert_eq!(rule(&joe, &token), Rule::UnknownIssuer(Excerpt::new(iss)));
        assert!(hs256().check(token.as_bytes(), NOW_MS).is_ok(), "an issuer without a name takes any");
    }
    assert_eq!(rule(&joe, claiming(&lasting(""))), Rule::NoIssuer);
    for iss in ["1", "null", r#"["joe"]"#] {
        let token = claiming(&lasting(&format!(r#","iss":{iss}"#)));
        assert_eq!(rule(&joe, &token), Rule::Malformed("iss"), "{iss}");
        assert_eq!(rule(&hs256(), &token), Rule::Malformed("iss"), "{iss}");
    }
}

#[test]
fn the_holder_is_the_subject_or_else_the_id_or_else_the_token_itself() {
    let holder = |more: &str| hs256().check(claiming(&lasting(more)).as_bytes(), NOW_MS).map(|grant| grant.holder);
    assert!(holder("").unwrap().starts_with("test/#"));
    assert_ne!(holder("").unwrap(), holder(r#","a":1"#).unwrap(), "two tokens are two holders");
    assert_eq!(holder(r#","sub":"42""#).unwrap(), "test/42");
    assert_eq!(holder(r#","jti":"7""#).unwrap(), "test/7");
    assert_eq!(holder(r#","jti":"7","sub":"42""#).unwrap(), "test/42");
    for (more, name) in [(r#","sub":42"#, "sub"), (r#","jti":null"#, "jti")] {
        assert_eq!(holder(more).unwrap_err().rule, Rule::Malformed(name));
    }
}

#[test]
fn the_iss_of_a_token_chooses_among_issuers_and_the_furthest_refusal_is_told() {
    let issuer = |name: &str, iss: Option<&str>, algorithm, aud: Option<&str>| {
        let keys = vec![key(algorithm)];
        let (iss, aud) = (iss.map(str::to_owned), aud.map(str::to_owned).into_iter().collect());
        Issuer::new(IssuerConfig { keys, iss, aud, ..IssuerConfig::new(name) }).unwrap()
    };
    let tokens = Tokens::new(vec![
        issuer("any", None, Algorithm::Es256, None),
        issuer("joe", Some("joe"), Algorithm::Hs256, Some("a")),
        issuer("joe-2", Some("joe"), Algorithm::Hs256, Some("b")),
        issuer("ann", Some("ann"), Algorithm::Hs256, None),
    ])
    .unwrap();
    let of = |claims: &str| claiming(&lasting(claims));
    let holder = |token: &str| {
        let grant = tokens.check(token.as_bytes(), NOW_MS)?;
        Ok::<_, fanfare_grants::Refused>(grant.holder.split('/').next().unwrap().to_owned())
    };
    assert_eq!(holder(&of(r#","iss":"joe","aud":"a""#)).unwrap(), "joe");
    assert_eq!(holder(&of(r#","iss":"joe","aud":"b""#)).unwrap(), "joe-2");
    assert_eq!(holder(&of(r#","iss":"ann""#)).unwrap(), "ann");
    let es256 = support::token(Algorithm::Es256, r#"{"alg":"ES256"}"#, lasting(r#","iss":"ann""#));
    assert_eq!(holder(&es256).unwrap(), "any");
    let refused = support::refused(&tokens, of(r#","iss":"joe","aud":"c""#));
    assert_eq!(refused.to_string(), "the token's aud has none of the configured audiences (issuer joe)");
    let refused = support::refused(&tokens, of(r#","iss":"tom""#));
    assert_eq!(refused.to_string(), "the token has the algorithm `HS256`, which is none of the issuer's (issuer any)");
}

#[test]
fn without_issuers_every_token_is_refused() {
    assert_eq!(rule(&Tokens::default(), claiming(&lasting(""))), Rule::NoIssuer);
}

#[test]
fn a_configuration_has_limits() {
    let refused = |change: fn(&mut IssuerConfig)| {
        let mut config = of(&[Algorithm::Hs256]);
        change(&mut config);
        Issuer::new(config).err()
    };
    assert_eq!(refused(|config| config.leeway_s = 300), None);
    assert_eq!(refused(|config| config.leeway_s = 301), Some(IssuerError::Leeway));
    assert_eq!(refused(|config| config.name = "a/b".to_owned()), Some(IssuerError::Name));
    assert_eq!(refused(|config| config.keys.clear()), Some(IssuerError::NoKeys));
    assert_eq!(refused(|config| config.keys = vec![config.keys[0].clone(); 128]), None);
    assert_eq!(refused(|config| config.keys = vec![config.keys[0].clone(); 129]), Some(IssuerError::TooManyKeys));
    let issuer = |name: String| Issuer::new(IssuerConfig { name, ..of(&[Algorithm::Hs256]) }).unwrap();
    let many = |count| Tokens::new((0..count).map(|n| issuer(format!("i{n}"))).collect());
    assert!(many(16).is_ok());
    assert_eq!(many(17).unwrap_err(), TokensError::TooMany);
    let same = Tokens::new(vec![issuer("a".to_owned()), issuer("a".to_owned())]);
    assert_eq!(same.unwrap_err(), TokensError::SameName("a".into()));
}
