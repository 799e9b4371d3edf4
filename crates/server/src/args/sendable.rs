//! [`sendable`]: the check of a secret that a header is to carry.

use crate::failure::Failure;

/// Returns a key or a token that can be sent. (Checked here because clap would print it.)
pub(super) fn sendable<'a>(setting: &str, secret: Option<&'a str>) -> Result<Option<&'a str>, Failure> {
    let is_legal = |secret: &str| !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
    if secret.is_none_or(is_legal) {
        return Ok(secret);
    }
    Err(Failure::usage(format!("{setting} is empty or holds other than visible ASCII characters")))
}
