//! PEM files, and what is no key for an algorithm.

mod support;

use fanfare_grants::{Algorithm, Key, KeyError, MintError, SigningKey};
use support::{SECRET, openssl, pair};

#[test]
fn a_pem_file_is_a_key_of_its_own_kind_only() {
    for of in Algorithm::ASYMMETRIC {
        for algorithm in Algorithm::ASYMMETRIC {
            let is_same = std::ptr::eq(pair(of), pair(algorithm));
            let (checks, signs) =
                (Key::pem(algorithm, &pair(of).public), SigningKey::pem(algorithm, &pair(of).private));
            assert_eq!(checks.is_ok(), is_same, "{of:?} {algorithm:?}");
            let is_curve =
                matches!((of, algorithm), (Algorithm::Es256, Algorithm::Es384) | (Algorithm::Es384, Algorithm::Es256));
            assert!(signs.is_ok() == is_same || is_curve, "{of:?} {algorithm:?}");
        }
    }
}

#[test]
fn an_rsa_key_may_be_written_as_pkcs_1() {
    let pair = pair(Algorithm::Rs256);
    let public = openssl(&["rsa", "-pubin", "-RSAPublicKey_out"], &pair.public);
    assert!(Key::pem(Algorithm::Rs256, &public).is_ok());
    let private = openssl(&["rsa", "-traditional"], &pair.private);
    assert!(SigningKey::pem(Algorithm::Rs256, &private).is_ok());
}

#[test]
fn an_rsa_key_has_2048_bits_at_least() {
    let of = |bits: usize| {
        let private = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &format!("rsa_keygen_bits:{bits}")], b"");
        Key::pem(Algorithm::Rs256, &openssl(&["pkey", "-pubout"], &private)).map(|_| ())
    };
    assert_eq!(of(2_048), Ok(()));
    assert_eq!(of(2_040), Err(KeyError::RsaBits(2_040)));
    assert_eq!(of(1_024), Err(KeyError::RsaBits(1_024)));
}

#[test]
fn a_file_that_is_no_public_key_is_refused_with_a_reason() {
    let pair = pair(Algorithm::Rs256);
    assert_eq!(Key::pem(Algorithm::Rs256, &pair.private).unwrap_err(), KeyError::Private);
    assert_eq!(Key::pem(Algorithm::Hs256, &pair.public).unwrap_err(), KeyError::Kind("HS256"));
    let two = [pair.public.as_slice(), &pair.public].concat();
    assert_eq!(Key::pem(Algorithm::Rs256, &two).unwrap_err(), KeyError::NotPem);
    let not = KeyError::NotOfAlgorithm("RS256");
    for label in ["CERTIFICATE", "X", "PUBLIC KEY"] {
        let file = format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
        assert_eq!(Key::pem(Algorithm::Rs256, file.as_bytes()).unwrap_err(), not, "{label}");
    }
    let cut = &pair.public[..pair.public.len() / 2];
    assert_eq!(Key::pem(Algorithm::Rs256, cut).unwrap_err(), not);
}

#[test]
fn a_file_that_is_no_private_key_is_refused_with_a_reason() {
    let es256 = pair(Algorithm::Es256);
    let not = MintError::NotPrivate("ES256");
    assert_eq!(SigningKey::pem(Algorithm::Es256, &es256.public).unwrap_err(), not);
    // The older form of keys on curves.
    let sec1 = openssl(&["ec"], &es256.private);
    assert!(sec1.starts_with(b"-----BEGIN EC PRIVATE KEY-----"));
    assert_eq!(SigningKey::pem(Algorithm::Es256, &sec1).unwrap_err(), not);
}

#[test]
fn nothing_that_is_printed_has_a_secret() {
    let keys = (Key::secret(Algorithm::Hs256, SECRET).unwrap(), SigningKey::secret(Algorithm::Hs256, SECRET).unwrap());
    let printed = format!("{keys:?}");
    assert!(!printed.contains("97, 32") && !printed.contains("secret of"), "{printed}");
}
