//! A published body as the data of an event: a stream is text, so bytes that are not have to become text.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hyper::{HeaderMap, header::CONTENT_TYPE};

/// Text as it is; any other bytes as a data URL, which a page can put into `img.src`, or as plain base64.
pub(crate) fn data(bytes: Vec<u8>, headers: &HeaderMap, is_base64: bool) -> String {
    if is_base64 {
        return BASE64.encode(bytes);
    }
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let kind = media_type(headers).unwrap_or("application/octet-stream");
        let mut url = format!("data:{kind};base64,");
        BASE64.encode_string(error.into_bytes(), &mut url);
        url
    })
}

/// The `type/subtype` of the Content-Type, if it says what the bytes are (RFC 9110 8.3.1).
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = text.split(';').next().unwrap_or_default().trim();
    let is_token = |part: &str| {
        let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !part.is_empty() && part.bytes().all(is_tchar)
    };
    let (kind, subtype) = essence.split_once('/')?;
    let is_form = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        || essence.eq_ignore_ascii_case("multipart/form-data");
    (is_token(kind) && is_token(subtype) && !is_form).then_some(essence)
}
