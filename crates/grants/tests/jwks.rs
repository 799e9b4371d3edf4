//! JWK sets: which keys are taken, which are left out, and which sets are refused.

mod support;

use fanfare_grants::{Algorithm, Excerpt, IssuerConfig, Jwks, JwksError, Rule};
use support::{NOW_MS, SECRET, base64, lasting, pair, rule, token, tokens};

/// The members of a public key in a set.
fn jwk(algorithm: Algorithm) -> String {
    let point = |bytes: usize, curve: &str| {
        let der = support::openssl(&["pkey", "-pubin", "-outform", "DER"], &pair(algorithm).public);
        let (x, y) = der[der.len() - 2 * bytes..].split_at(bytes);
        format!(r#""kty":"EC","crv":"{curve}","x":"{}","y":"{}""#, base64(x), base64(y))
    };
    match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => {
            let modulus = support::openssl(&["rsa", "-pubin", "-noout", "-modulus"], &pair(algorithm).public);
            let digits = modulus.strip_prefix(b"Modulus=").unwrap().trim_ascii();
            let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
            let n: Vec<u8> = digits.chunks(2).map(|pair| 16 * digit(pair[0]) + digit(pair[1])).collect();
            format!(r#""kty":"RSA","n":"{}","e":"AQAB""#, base64(n))
        }
        Algorithm::Es256 => point(32, "P-256"),
        Algorithm::Es384 => point(48, "P-384"),
        Algorithm::EdDsa => {
            let der = support::openssl(&["pkey", "-pubin", "-outform", "DER"], &pair(algorithm).public);
            format!(r#""kty":"OKP","crv":"Ed25519","x":"{}""#, base64(&der[der.len() - 32..]))
        }
        _ => format!(r#""kty":"oct","k":"{}""#, base64(SECRET)),
    }
}

fn set(keys: &[String]) -> Result<Jwks, JwksError> {
    parse(keys, &Algorithm::ASYMMETRIC)
}

fn parse(keys: &[String], algorithms: &[Algorithm]) -> Result<Jwks, JwksError> {
    let keys: Vec<_> = keys.iter().map(|members| format!("{{{members}}}")).collect();
    Jwks::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes(), algorithms)
}

fn config(jwks: &Jwks) -> IssuerConfig {
    IssuerConfig { keys: jwks.keys().to_vec(), ..IssuerConfig::new("test") }
}

#[test]
fn a_key_of_each_algorithm_checks_its_tokens() {
    for algorithm in Algorithm::ALL {
        for alg in [String::new(), format!(r#","alg":"{}""#, algorithm.name())] {
            let set = parse(&[jwk(algorithm) + &alg], &[algorithm]).unwrap();
            assert_eq!((set.keys().len(), set.keys()[0].algorithm()), (1, algorithm));
            assert!(tokens(config(&set)).check(support::valid(algorithm).as_bytes(), NOW_MS).is_ok(), "{algorithm:?}");
        }
    }
}

#[test]
fn a_key_that_names_no_algorithm_checks_those_of_its_issuer_that_take_it() {
    let both = set(&[jwk(Algorithm::Rs256)]).unwrap();
    let algorithms: Vec<_> = both.keys().iter().map(|key| key.algorithm()).collect();
    assert_eq!((algorithms, both.left_out()), (vec![Algorithm::Rs256, Algorithm::Ps256], 0));
    let one = parse(&[jwk(Algorithm::Rs256)], &[Algorithm::Ps256]).unwrap();
    assert_eq!(rule(&tokens(config(&one)), support::valid(Algorithm::Rs256)), Rule::Algorithm(Excerpt::new("RS256")));
    let named = set(&[jwk(Algorithm::Rs256) + r#","alg":"PS256""#]).unwrap();
    assert_eq!(named.keys().len(), 1);
    assert_eq!(rule(&tokens(config(&named)), support::valid(Algorithm::Rs256)), Rule::Algorithm(Excerpt::new("RS256")));
}

#[test]
fn keys_of_another_use_type_or_algorithm_are_left_out() {
    let good = jwk(Algorithm::Es256);
    let ed = base64([7; 31]);
    let unfit = [
        good.clone() + r#","use":"enc""#,
        good.clone() + r#","use":"x""#,
        good.clone() + r#","key_ops":["sign"]"#,
        good.clone() + r#","key_ops":[]"#,
        good.clone() + r#","alg":"ES384""#,
        good.clone() + r#","alg":"ES512""#,
        good.clone() + r#","alg":"none""#,
        good.clone() + r#","alg":5"#,
        good.clone() + r#","use":["sig"]"#,
        good.clone() + r#","kid":7"#,
        good.replace("P-256", "P-384"),
        good.replace("P-256", "P-521"),
        good.replace("\"x\":\"", "\"x\":\"AA"),
        good.replace("\"x\":\"", "\"x\":\"="),
        good.replace("\"y\"", "\"z\""),
        good.replace("\"EC\"", "\"XX\""),
        r#""kty":"RSA","e":"AQAB","n":"""#.to_owned(),
        format!(r#""kty":"RSA","e":"AQAB","n":"{}""#, base64([0xff; 255])),
        format!(r#""kty":"RSA","e":"AQAB","n":"{}""#, base64([0xff; 1_025])),
        r#""kty":"RSA","e":"AQAB""#.to_owned(),
        format!(r#""kty":"OKP","crv":"Ed25519","x":"{ed}""#),
        format!(r#""kty":"OKP","crv":"Ed448","x":"{ed}""#),
        String::new(),
    ];
    for members in &unfit {
        assert_eq!(set(std::slice::from_ref(members)).unwrap_err(), JwksError::NoneFits(1), "{members}");
        let two = set(&[members.clone(), good.clone()]).unwrap();
        assert_eq!((two.keys().len(), two.left_out()), (1, 1), "{members}");
    }
    for fit in [r#","use":"sig""#, r#","key_ops":["sign","verify"]"#, r#","alg":"ES256","x5c":["AAAA"],"more":{}"#] {
        assert_eq!(set(&[good.clone() + fit]).unwrap().left_out(), 0, "{fit}");
    }
    let not_a_key = Jwks::parse(format!(r#"{{"keys":[5,"x",null,[],{{{good}}}]}}"#).as_bytes(), &Algorithm::ASYMMETRIC);
    assert_eq!(not_a_key.unwrap().left_out(), 4);
}

#[test]
fn the_numbers_of_an_rsa_key_may_have_zeros_in_front_and_have_2048_bits_without_them() {
    let good = jwk(Algorithm::Rs256);
    let n = good.split('"').nth(7).unwrap();
    let zeros = good.replace(n, &format!("AAAA{n}"));
    assert!(tokens(config(&set(&[zeros]).unwrap())).check(support::valid(Algorithm::Rs256).as_bytes(), NOW_MS).is_ok());
    let of = |n: &[u8]| set(&[format!(r#""kty":"RSA","e":"AQAB","n":"{}""#, base64(n))]).is_ok();
    assert!(
        of(&[0x80; 256]) && !of(&[&[0x7f][..], &[0xff; 255]].concat()) && !of(&[&[0; 9][..], &[0xff; 255]].concat())
    );
    assert!(of(&[0xff; 1_024]) && !of(&[0x01; 1_025]));
}

#[test]
fn a_secret_is_taken_only_where_the_issuer_has_secrets() {
    let secret = jwk(Algorithm::Hs256);
    assert_eq!(set(&[jwk(Algorithm::Es256), secret.clone()]).unwrap_err(), JwksError::Secret);
    let hs256 = parse(&[secret], &[Algorithm::Hs256]).unwrap();
    assert!(tokens(config(&hs256)).check(support::valid(Algorithm::Hs256).as_bytes(), NOW_MS).is_ok());
    let short = format!(r#""kty":"oct","k":"{}""#, base64([7; 31]));
    assert_eq!(parse(&[short], &[Algorithm::Hs256]).unwrap_err(), JwksError::NoneFits(1));
}

#[test]
fn a_kid_chooses_the_key_of_the_set() {
    let with_kid = |algorithm: Algorithm, kid: &str| format!(r#"{},"kid":"{kid}""#, jwk(algorithm));
    let set = set(&[with_kid(Algorithm::Es256, "a"), with_kid(Algorithm::EdDsa, "b")]).unwrap();
    let tokens = tokens(config(&set));
    let of = |kid: &str| token(Algorithm::EdDsa, format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#), lasting(""));
    assert!(tokens.check(of("b").as_bytes(), NOW_MS).is_ok());
    for kid in ["a", "c", "B"] {
        assert_eq!(rule(&tokens, of(kid)), Rule::UnknownKey(Excerpt::new(kid)));
    }
}

#[test]
fn two_keys_of_one_name_are_refused_also_where_one_is_left_out() {
    let same = [jwk(Algorithm::Es256) + r#","kid":"a""#, r#""kty":"XX","kid":"a""#.to_owned()];
    assert_eq!(set(&same).unwrap_err(), JwksError::SameKid(Excerpt::new("a")));
}

#[test]
fn a_set_has_64_keys_and_1_mib_at_most() {
    let keys = |count| set(&vec![jwk(Algorithm::Es256); count]);
    assert_eq!(keys(64).unwrap().keys().len(), 64);
    assert_eq!(keys(65).unwrap_err(), JwksError::TooMany);
    let mut bytes = format!(r#"{{"keys":[{{{}}}]}}"#, jwk(Algorithm::Es256)).into_bytes();
    bytes.resize(1 << 20, b' ');
    assert!(Jwks::parse(&bytes, &Algorithm::ASYMMETRIC).is_ok());
    bytes.push(b' ');
    assert_eq!(Jwks::parse(&bytes, &Algorithm::ASYMMETRIC).unwrap_err(), JwksError::TooLong);
}

#[test]
fn rubbish_is_no_set() {
    let deep = "[".repeat(100_000);
    let html = b"<!doctype html><title>404</title>";
    for bytes in [
        &b""[..],
        b"[]",
        b"{}",
        b"null",
        br#"{"keys":{}}"#,
        br#"{"keys":[],"keys":[]}"#,
        b"\xff",
        html,
        deep.as_bytes(),
    ] {
        assert_eq!(Jwks::parse(bytes, &Algorithm::ASYMMETRIC).unwrap_err(), JwksError::NotASet);
    }
    assert_eq!(set(&[]).unwrap_err(), JwksError::NoneFits(0));
}
