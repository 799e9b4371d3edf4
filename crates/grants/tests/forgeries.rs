//! Tokens forged in every usual way. Each is refused with the rule that it breaks.

mod support;

use fanfare_grants::{Algorithm, Excerpt, IssuerConfig, Jwks, Part, Rule};
use support::{NOW_MS, SECRET, base64, claiming, hs256, key, lasting, of, pair, rule, signature, token, tokens, valid};

#[test]
fn a_token_of_each_algorithm_is_taken_with_its_key_and_with_no_other() {
    for algorithm in Algorithm::ALL {
        let token = valid(algorithm);
        let taken = tokens(of(&Algorithm::ALL)).check(token.as_bytes(), NOW_MS).unwrap();
        assert!(taken.holder.starts_with("test/#"), "{algorithm:?}: {}", taken.holder);
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let refused = rule(&tokens(of(&[other])), &token);
            assert_eq!(refused, Rule::Algorithm(Excerpt::new(algorithm.name())), "{algorithm:?} {other:?}");
        }
    }
}

#[test]
fn a_token_without_signature_is_refused_however_none_is_written() {
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let signed = format!("{}.{}", base64(format!(r#"{{"alg":"{name}"}}"#)), base64(lasting("")));
        for token in [format!("{signed}."), format!("{signed}.{}", signature(Algorithm::Hs256, &signed))] {
            assert_eq!(rule(&hs256(), token), Rule::Algorithm(Excerpt::new(name)));
        }
    }
}

#[test]
fn a_public_key_is_no_secret() {
    use ring::hmac;

    let pem = &pair(Algorithm::Rs256).public;
    let signed = format!("{}.{}", base64(r#"{"alg":"HS256"}"#), base64(lasting("")));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pem), signed.as_bytes());
    let forged = format!("{signed}.{}", base64(tag));
    assert_eq!(rule(&tokens(of(&[Algorithm::Rs256])), &forged), Rule::Algorithm(Excerpt::new("HS256")));
    assert_eq!(rule(&tokens(of(&[Algorithm::Rs256, Algorithm::Hs256])), &forged), Rule::Signature);
}

#[test]
fn a_key_is_not_used_with_another_algorithm_of_its_family() {
    for (named, made) in [(Algorithm::Rs256, Algorithm::Ps256), (Algorithm::Ps256, Algorithm::Rs256)] {
        let forged = token(made, format!(r#"{{"alg":"{}"}}"#, named.name()), lasting(""));
        assert_eq!(rule(&tokens(of(&[named])), forged), Rule::Signature);
    }
    for (named, made) in [(Algorithm::Hs256, Algorithm::Hs384), (Algorithm::Hs512, Algorithm::Hs256)] {
        let forged = token(made, format!(r#"{{"alg":"{}"}}"#, named.name()), lasting(""));
        assert_eq!(rule(&tokens(of(&[named, made])), forged), Rule::Signature);
    }
}

#[test]
fn a_kid_chooses_its_key_and_no_other() {
    let keys = vec![key(Algorithm::Hs256).with_kid("a"), key(Algorithm::Es256).with_kid("b")];
    let tokens = tokens(IssuerConfig { keys, ..IssuerConfig::new("test") });
    let with_kid = |kid: &str| token(Algorithm::Hs256, format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), lasting(""));
    assert!(tokens.check(with_kid("a").as_bytes(), NOW_MS).is_ok());
    assert!(tokens.check(valid(Algorithm::Hs256).as_bytes(), NOW_MS).is_ok(), "without a kid all keys are tried");
    for kid in ["b", "c", "../../dev/null", "' or 1=1 --", ""] {
        assert_eq!(rule(&tokens, with_kid(kid)), Rule::UnknownKey(Excerpt::new(kid)));
    }
    for kid in ["1", "null", "[\"a\"]"] {
        let header = format!(r#"{{"alg":"HS256","kid":{kid}}}"#);
        assert_eq!(rule(&tokens, token(Algorithm::Hs256, header, lasting(""))), Rule::Malformed("kid"));
    }
}

#[test]
fn keys_that_a_token_brings_along_are_not_looked_at() {
    let own = base64([7; 32]);
    for more in [
        format!(r#""jwk":{{"kty":"OKP","crv":"Ed25519","x":"{own}"}}"#),
        format!(r#""jwk":{{"kty":"oct","k":"{}"}}"#, base64(SECRET)),
        r#""jwk":5"#.to_owned(),
        r#""jku":"https://attacker.example/jwks""#.to_owned(),
        r#""x5u":"https://attacker.example/cert","x5c":["AAAA"],"x5t":"AAAA""#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"EdDSA",{more}}}"#);
        let tokens = tokens(of(&[Algorithm::EdDsa]));
        let signed = format!("{}.{}", base64(&header), base64(lasting("")));
        let forged = format!("{signed}.{}", base64([9; 64]));
        assert_eq!(rule(&tokens, forged), Rule::Signature, "{more}");
        let ours = token(Algorithm::EdDsa, &header, lasting(""));
        assert!(tokens.check(ours.as_bytes(), NOW_MS).is_ok(), "{more}");
    }
}

#[test]
fn an_extension_that_must_be_understood_is_refused() {
    for crit in [r#"["b64"],"b64":false"#, r#"["exp"]"#, "[]", "null", r#""x""#] {
        let header = format!(r#"{{"alg":"HS256","crit":{crit}}}"#);
        assert_eq!(rule(&hs256(), token(Algorithm::Hs256, header, lasting(""))), Rule::Critical, "{crit}");
    }
}

#[test]
fn the_longest_token_has_8_kib() {
    // Three bytes become four characters, so spaces in the header make up for the lengths that one part alone cannot have.
    let of_length = |length: usize| {
        let sizes = (0..4).flat_map(|spaces| (5_900..6_100).map(move |x| (spaces, x)));
        let mut tokens = sizes.map(|(spaces, x)| {
            let header = format!(r#"{}{{"alg":"HS256"}}"#, " ".repeat(spaces));
            token(Algorithm::Hs256, header, lasting(&format!(r#","x":"{}""#, "x".repeat(x))))
        });
        tokens.find(|token| token.len() == length)
    };
    assert!(hs256().check(of_length(8_192).unwrap().as_bytes(), NOW_MS).is_ok());
    assert_eq!(rule(&hs256(), of_length(8_193).unwrap()), Rule::TooLong);
    assert_eq!(rule(&hs256(), "x".repeat(1 << 20)), Rule::TooLong);
}

#[test]
fn what_is_not_three_parts_of_base64url_is_refused() {
    let good = valid(Algorithm::Hs256);
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let bad = [
        String::new(),
        ".".to_owned(),
        "x".to_owned(),
        format!("{header}.{payload}"),
        format!("{good}.{signature}"),
        format!("{header}..{payload}.{signature}"),
        // An encrypted token has five parts.
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        format!("{good}="),
        format!("{header}=.{payload}.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{header}.{payload} .{signature}"),
        format!("{header}.{payload}.{}+", &signature[..signature.len() - 1]),
        format!("{good}\0"),
        format!("{good}ü"),
    ];
    for token in bad {
        assert_eq!(rule(&hs256(), &token), Rule::Form, "{token:?}");
    }
    assert_eq!(rule(&hs256(), [good.as_bytes(), b"\xff"].concat()), Rule::Form);
    assert_eq!(rule(&hs256(), ".."), Rule::Json(Part::Header));
}

#[test]
fn a_signature_is_written_in_one_way_only() {
    // 32 bytes leave two bits of the last character, which must be 0: else the same signature would have four spellings.
    let good = valid(Algorithm::Hs256);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(good.chars().last().unwrap()).unwrap();
    let next = alphabet.chars().nth(last + 1).unwrap();
    assert_eq!(rule(&hs256(), format!("{}{next}", &good[..good.len() - 1])), Rule::Form);
}

#[test]
fn a_signature_that_is_not_of_the_token_is_refused() {
    for algorithm in Algorithm::ALL {
        let tokens = tokens(of(&[algorithm]));
        let good = valid(algorithm);
        let (signed, own) = good.rsplit_once('.').unwrap();
        let other = token(algorithm, format!(r#"{{"alg":"{}"}}"#, algorithm.name()), "{}");
        let other = other.rsplit_once('.').unwrap().1;
        // 4 characters are 3 whole bytes.
        for signature in
            ["", "AAAA", &own[..own.len() / 4 * 4 - 4], other, &format!("AAAA{}", &own[..own.len() / 4 * 4])]
        {
            assert_eq!(rule(&tokens, format!("{signed}.{signature}")), Rule::Signature, "{algorithm:?} {signature}");
        }
        let header = signed.split_once('.').unwrap().0;
        let changed = format!("{header}.{}.{own}", base64(lasting(r#","sub":"root""#)));
        assert_eq!(rule(&tokens, changed), Rule::Signature, "{algorithm:?}");
    }
}

#[test]
fn zeros_and_der_are_no_signature_of_a_curve() {
    let tokens = tokens(of(&[Algorithm::Es256]));
    let good = valid(Algorithm::Es256);
    let signed = good.rsplit_once('.').unwrap().0;
    let file = std::env::temp_dir().join(format!("fanfare-grants-{}.pem", std::process::id()));
    std::fs::write(&file, &pair(Algorithm::Es256).private).unwrap();
    let der = support::openssl(&["dgst", "-sha256", "-sign", file.to_str().unwrap()], signed.as_bytes());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(der[0], 0x30, "openssl writes a sequence");
    for signature in [der, vec![0; 64], vec![0xff; 64]] {
        assert_eq!(rule(&tokens, format!("{signed}.{}", base64(signature))), Rule::Signature);
    }
}

#[test]
fn a_header_or_a_payload_that_is_no_clean_object_is_refused() {
    let deep = format!("{}{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let nested = format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500));
    assert_eq!(rule(&hs256(), token(Algorithm::Hs256, r#"{"alg":"HS256"}"#, &deep)), Rule::TooLong);
    let bad = [
        &b""[..],
        b"[]",
        b"\"x\"",
        b"{",
        b"{}x",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\\ud800\"}",
        br#"{"exp":1,"exp":9999999999}"#,
        br#"{"fanfare":{"all":false,"\u0061ll":true}}"#,
        br#"{"x":[{"y":1,"y":1}]}"#,
        nested.as_bytes(),
        b"\xef\xbb\xbf{}",
        "{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().leak(),
    ];
    for bytes in bad {
        let forged = token(Algorithm::Hs256, r#"{"alg":"HS256"}"#, bytes);
        assert_eq!(rule(&hs256(), forged), Rule::Json(Part::Payload), "{bytes:?}");
        let forged = token(Algorithm::Hs256, bytes, lasting(""));
        assert_eq!(rule(&hs256(), forged), Rule::Json(Part::Header), "{bytes:?}");
    }
    let twice = token(Algorithm::Hs256, r#"{"alg":"HS256","alg":"none"}"#, lasting(""));
    assert_eq!(rule(&hs256(), twice), Rule::Json(Part::Header));
    for header in ["{}", r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#, r#"{"typ":"JWT"}"#] {
        assert_eq!(rule(&hs256(), token(Algorithm::Hs256, header, lasting(""))), Rule::Malformed("alg"), "{header}");
    }
}

#[test]
fn a_token_of_another_is_refused_before_anything_that_it_claims_is_judged() {
    let expired = format!(r#"{{"exp":1,"aud":5,"fanfare":7,"iss":{}}}"#, r#"["x"]"#);
    let signed = format!("{}.{}", base64(r#"{"alg":"HS256"}"#), base64(&expired));
    assert_eq!(rule(&hs256(), format!("{signed}.{}", base64([0; 32]))), Rule::Signature);
    assert_eq!(rule(&hs256(), claiming(&expired)), Rule::Malformed("iss"));
}

#[test]
fn at_most_8_keys_are_tried() {
    let others = |count| (0..count).map(|n| fanfare_grants::Key::secret(Algorithm::Hs256, &[n; 32]).unwrap());
    let with = |count| {
        let keys = others(count).chain([key(Algorithm::Hs256)]).collect();
        tokens(IssuerConfig { keys, ..IssuerConfig::new("test") })
    };
    assert!(with(7).check(valid(Algorithm::Hs256).as_bytes(), NOW_MS).is_ok());
    assert_eq!(rule(&with(8), valid(Algorithm::Hs256)), Rule::Signature);
}

#[test]
fn a_refusal_shows_short_escaped_excerpts_and_nothing_else_of_the_token() {
    let long = "k".repeat(200);
    let header = format!(r#"{{"alg":"HS256","kid":"\u001b[2J\r\n{long}"}}"#);
    let set = format!(r#"{{"keys":[{{"kty":"oct","kid":"1","k":"{}"}}]}}"#, base64(SECRET));
    let keys = Jwks::parse(set.as_bytes(), &[Algorithm::Hs256]).unwrap().keys().to_vec();
    let tokens = tokens(IssuerConfig { keys, ..IssuerConfig::new("test") });
    let refused = support::refused(&tokens, token(Algorithm::Hs256, header, lasting(r#","sub":"s3cr3t""#)));
    let text = format!("{refused} {refused:?}");
    assert!(text.contains("\\u{1b}[2J\\r\\n") && !text.contains(&"k".repeat(60)), "{text}");
    assert!(!text.contains("s3cr3t") && !text.contains(char::is_control), "{text}");
}
