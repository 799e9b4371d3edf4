//! `fanfare token mint`: makes a token.

use std::io::{Write as _, stdout};

use fanfare_grants::{KeySpec, Mint, SigningKey};
use serde_json::Value;

use super::{
    input::unix_ms,
    words::{grant, words},
};
use crate::{
    args::{Life, MintArgs},
    failure::Failure,
    small_file,
};

/// Prints the token, alone.
pub(super) fn run(args: &MintArgs) -> Result<(), Failure> {
    let key = signing_key(args.key.as_deref())
        .map_err(|reason| Failure::usage(format!("--key (FANFARE_TOKEN_KEY): {reason}")))?;
    let mut words = words(&args.allows);
    if !args.subscribe.is_empty() {
        words.insert("subscribe".to_owned(), args.subscribe.iter().map(|pattern| pattern.as_str()).collect());
    }
    if let Some(client) = &args.client {
        words.insert("client".to_owned(), Value::from(client.as_str()));
    }
    let now = unix_ms() / 1_000;
    let Life(life) = args.expires;
    let mint = Mint {
        kid: args.kid.clone(),
        iss: args.iss.clone(),
        aud: args.aud.clone(),
        sub: args.sub.clone().or_else(|| args.client.as_ref().map(|client| client.as_str().to_owned())),
        expires: life.map(|life| now + life.as_secs()),
        not_before: None,
        issued_at: Some(now),
    };
    let token = mint.sign(&key, &grant(words)?).map_err(|error| Failure::failed(error.to_string()))?;
    let printed = writeln!(stdout(), "{token}");
    printed.map_err(|error| Failure::failed(format!("cannot print: {error}")))
}

fn signing_key(text: Option<&str>) -> Result<SigningKey, String> {
    let text = text.ok_or("give the key that signs, as in HS256:secret or ES256:private.pem")?;
    // A server would take it for several keys, and the signature would be of none of them.
    if text.contains(',') {
        return Err(
            "a comma separates keys: give the one that signs, or its secret in base64 (HS256:base64:...)".to_owned()
        );
    }
    match KeySpec::parse(text).map_err(|error| error.to_string())? {
        KeySpec::Secret { algorithm, secret } => {
            SigningKey::secret(algorithm, &secret).map_err(|error| error.to_string())
        }
        KeySpec::Pem { algorithm, path } => {
            let made = SigningKey::pem(algorithm, &small_file::keys(&path)?);
            made.map_err(|error| format!("{}: {error}", path.display()))
        }
        KeySpec::JwksFile(_) | KeySpec::JwksUrl(_) => Err("a JWK set checks tokens and signs none".to_owned()),
    }
}
