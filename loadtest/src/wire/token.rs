//! [`Token`]: a bearer token or key as it goes with requests (RFC 6750 2.1), given as text or made here.
//!
//! No token is shown: `Debug` hides it, and reports leave it out.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// The end of a token that is made here, in seconds since 1970: the year 2100.
const EXP_S: u64 = 4_102_444_800;

/// Text that may stand behind `Authorization: Bearer`.
#[derive(Clone, PartialEq)]
pub(crate) struct Token(String);

impl FromStr for Token {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, Self::Err> {
        if typed.is_empty() || !typed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a token is visible ASCII without spaces".to_owned());
        }
        Ok(Self(typed.to_owned()))
    }
}

impl Token {
    /// A JWT of the algorithm HS256 (RFC 7519, RFC 7515) that lets its holder read and publish on every channel of
    /// Fanfare.
    pub(crate) fn for_everything(secret: &str) -> Self {
        let claims = format!(r#"{{"exp":{EXP_S},"fanfare":{{"subscribe":["*"],"publish":["*"]}}}}"#);
        let [head, claims] = [r#"{"alg":"HS256","typ":"JWT"}"#, &claims].map(|json| URL_SAFE_NO_PAD.encode(json));
        let signed = format!("{head}.{claims}");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
        Self(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)))
    }

    /// The whole line of a request.
    pub(crate) fn header(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.0)
    }

    /// The text, for a command line.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Token(...)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_made_has_its_claims_and_a_sound_signature() {
        let token = Token::for_everything("a secret of some length");
        let parts: Vec<&str> = token.text().split('.').collect();
        let [head, claims, tag] = parts[..] else { panic!("{parts:?}") };
        let read = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&read(claims)).unwrap();
        let fanfare = serde_json::json!({"subscribe": ["*"], "publish": ["*"]});
        assert_eq!(json, serde_json::json!({"exp": EXP_S, "fanfare": fanfare}));
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of some length");
        assert!(hmac::verify(&key, format!("{head}.{claims}").as_bytes(), &read(tag)).is_ok());
        assert_ne!(token, Token::for_everything("another secret"));
    }

    #[test]
    fn a_token_cannot_break_a_request_and_is_not_shown() {
        let token: Token = "abc.def".parse().unwrap();
        assert_eq!(
            (token.header().as_str(), format!("{token:?}").as_str()),
            ("Authorization: Bearer abc.def\r\n", "Token(...)")
        );
        for wrong in ["", "a b", "a\r\nX: y", "ä"] {
            assert!(wrong.parse::<Token>().is_err(), "{wrong:?}");
        }
    }
}
