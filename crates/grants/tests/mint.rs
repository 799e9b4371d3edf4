//! Tokens that are made here, and what is explained of any.

mod support;

use fanfare_core::Pattern;
use fanfare_grants::{Algorithm, Check, Grant, IssuerConfig, Mint, MintError, Part, Rule, SigningKey, Tokens};
use support::{NOW_MS, NOW_S, SECRET, base64, claiming, hs256, lasting, of, pair, tokens};

fn signing_key(algorithm: Algorithm) -> SigningKey {
    match algorithm.is_symmetric() {
        true => SigningKey::secret(algorithm, SECRET).unwrap(),
        false => SigningKey::pem(algorithm, &pair(algorithm).private).unwrap(),
    }
}

fn grant() -> Grant {
    Grant { subscribe: vec![Pattern::new("orders.*").unwrap()], all: true, ..Grant::default() }
}

fn mint() -> Mint {
    Mint {
        kid: Some("k".to_owned()),
        iss: Some("joe".to_owned()),
        aud: vec!["here".to_owned()],
        sub: Some("42".to_owned()),
        expires: Some(NOW_S + 60),
        not_before: Some(NOW_S),
        issued_at: Some(NOW_S),
    }
}

fn joe(algorithm: Algorithm) -> Tokens {
    tokens(IssuerConfig { iss: Some("joe".to_owned()), aud: vec!["here".to_owned()], ..of(&[algorithm]) })
}

#[test]
fn a_token_of_each_algorithm_is_taken_and_has_its_grant() {
    for algorithm in Algorithm::ALL {
        let token = mint().sign(&signing_key(algorithm), &grant()).unwrap();
        let expected = Grant { holder: "test/42".to_owned(), expires: Some(NOW_S + 60), ..grant() };
        assert_eq!(joe(algorithm).check(token.as_bytes(), NOW_MS).unwrap(), expected, "{algorithm:?}");
    }
}

#[test]
fn several_audiences_are_a_list_and_what_is_not_said_is_not_there() {
    let key = signing_key(Algorithm::Hs256);
    let token = Mint { aud: vec!["x".to_owned(), "here".to_owned()], ..mint() }.sign(&key, &grant()).unwrap();
    assert!(joe(Algorithm::Hs256).check(token.as_bytes(), NOW_MS).is_ok());
    let token = Mint::default().sign(&key, &Grant::default()).unwrap();
    let said = hs256().explain(token.as_bytes(), NOW_MS).said.unwrap();
    assert_eq!((said.kid, said.claims.len()), (None, 1));
    assert_eq!(said.claims["fanfare"].to_string(), "{}");
}

#[test]
fn a_token_that_no_server_would_take_is_not_made() {
    let key = signing_key(Algorithm::Hs256);
    let long = Mint { sub: Some("x".repeat(8_192)), ..mint() };
    assert_eq!(long.sign(&key, &Grant::default()), Err(MintError::TooLong));
    assert!(SigningKey::secret(Algorithm::Hs256, &[]).is_err());
    assert!(SigningKey::secret(Algorithm::Es256, &[7; 64]).is_err());
    // The file is for another curve, which only shows when it signs.
    let other = SigningKey::pem(Algorithm::Es256, &pair(Algorithm::Es384).private).unwrap();
    assert!(matches!(mint().sign(&other, &grant()), Err(MintError::Sign(_))));
}

#[test]
fn an_explanation_has_each_rule_also_behind_the_first_that_refuses() {
    let claims = format!(r#"{{"iss":"joe","aud":"there","exp":1,"nbf":{},"fanfare":{{"al":true}}}}"#, NOW_S + 60);
    let explained = joe(Algorithm::Hs256).explain(claiming(&claims).as_bytes(), NOW_MS);
    let [judged] = explained.judged.as_slice() else { panic!("one issuer") };
    let refused: Vec<_> = judged.checks.iter().filter(|(_, kept)| kept.is_err()).map(|(check, _)| *check).collect();
    assert_eq!(refused, [Check::Audience, Check::Expiry, Check::NotBefore, Check::Grant]);
    let all: Vec<_> = judged.checks.iter().map(|(check, _)| check.name()).collect();
    assert_eq!((all.as_slice(), &*judged.issuer), (&["signature", "iss", "aud", "exp", "nbf", "fanfare"][..], "test"));
    assert_eq!(explained.outcome.unwrap_err().rule, Rule::WrongAudience);
    assert_eq!(explained.said.unwrap().claims["aud"], "there");
}

#[test]
fn an_explanation_of_a_good_token_has_its_grant_and_of_a_forged_one_the_rule() {
    let token = claiming(&lasting(r#","fanfare":{"all":true}"#));
    let explained = hs256().explain(token.as_bytes(), NOW_MS);
    assert!(explained.outcome.unwrap().all && explained.judged[0].checks.iter().all(|(_, kept)| kept.is_ok()));
    let forged = format!("{}.{}", token.rsplit_once('.').unwrap().0, base64([0; 32]));
    let explained = hs256().explain(forged.as_bytes(), NOW_MS);
    assert_eq!(explained.judged[0].checks[0], (Check::Signature, Err(Rule::Signature)));
    let none = hs256().explain(b"a.b", NOW_MS);
    assert!(none.said == Err(Rule::Form) && none.judged.is_empty());
    let rubbish = format!("{}.{}.", base64("[]"), base64("{}"));
    assert_eq!(hs256().explain(rubbish.as_bytes(), NOW_MS).said, Err(Rule::Json(Part::Header)));
    let nobodys = joe(Algorithm::Hs256).explain(token.as_bytes(), NOW_MS);
    assert!(nobodys.judged.is_empty() && nobodys.outcome.unwrap_err().rule == Rule::NoIssuer);
}
