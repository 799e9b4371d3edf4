//! The signed tokens of RFC 7515 A.1 to A.3, with the keys that stand beside them.

use fanfare_grants::{Algorithm, Issuer, IssuerConfig, Jwks, Rule, Tokens};

/// A second before the end of all of them.
const NOW_MS: u64 = 1_300_819_379_000;

const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

#[track_caller]
fn is_known(algorithm: Algorithm, jwk: &str, header: &str, signature: &str) {
    let keys = Jwks::parse(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes(), &[algorithm]).unwrap().keys().to_vec();
    let config = IssuerConfig { keys, iss: Some("joe".to_owned()), ..IssuerConfig::new("rfc") };
    let tokens = Tokens::new(vec![Issuer::new(config).unwrap()]).unwrap();
    let token = format!("{header}.{PAYLOAD}.{signature}");
    assert_eq!(tokens.check(token.as_bytes(), NOW_MS).unwrap().expires, Some(1_300_819_380));
    let other = signature.replace('P', "Q");
    let forged = format!("{header}.{PAYLOAD}.{other}");
    assert_eq!(tokens.check(forged.as_bytes(), NOW_MS).unwrap_err().rule, Rule::Signature);
}

#[test]
fn the_hmac_of_a_1() {
    is_known(
        Algorithm::Hs256,
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#,
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
}

#[test]
fn the_rsa_signature_of_a_2() {
    is_known(
        Algorithm::Rs256,
        concat!(
            r#"{"kty":"RSA","e":"AQAB","n":""#,
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs",
            "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV",
            "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
            r#""}"#,
        ),
        "eyJhbGciOiJSUzI1NiJ9",
        concat!(
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ",
            "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e",
            "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
    );
}

#[test]
fn the_ecdsa_signature_of_a_3() {
    is_known(
        Algorithm::Es256,
        concat!(
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#,
            r#""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        ),
        "eyJhbGciOiJFUzI1NiJ9",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
}
