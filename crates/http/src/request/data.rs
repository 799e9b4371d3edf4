//! A published body as the data of an event: a stream is UTF-8 text, so what is not has to become that.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use data_url::mime::Mime;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use hyper::{HeaderMap, StatusCode, header::CONTENT_TYPE};

use crate::answer::problem::Problem;

/// The Content-Type of a body.
#[derive(Debug)]
pub(crate) struct Declared {
    /// `None` if there is none, or it is no media type.
    media_type: Option<Mime>,
    /// The charset of the body. `None` if the type does not say, or is none of text.
    charset: Option<&'static Encoding>,
}

impl Declared {
    /// # Errors
    /// 415 for a charset that nobody knows.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let media_type: Option<Mime> = text.and_then(|text| text.parse().ok());
        let label = media_type.as_ref().filter(|media_type| may_be_text(media_type));
        let charset = match label.and_then(|media_type| media_type.get_parameter("charset")) {
            None => None,
            Some(label) => Some(Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| unknown(label))?),
        };
        Ok(Self { media_type, charset })
    }

    /// Refuses the lines of a batch, which were meant for another route.
    ///
    /// # Errors
    /// 415.
    pub(crate) fn check_one(&self) -> Result<(), Problem> {
        let is_batch = |media_type: &Mime| {
            let names = ["x-ndjson", "ndjson", "jsonl", "x-jsonlines"];
            media_type.type_ == "application" && names.contains(&media_type.subtype.as_str())
        };
        if self.media_type.as_ref().is_some_and(is_batch) {
            let cure = "a batch goes to POST /publish, where each line says its channel; here the body is one event";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, cure));
        }
        Ok(())
    }

    /// # Errors
    /// 415 for a charset in which NDJSON is not written.
    pub(crate) fn check_ndjson(headers: &HeaderMap) -> Result<(), Problem> {
        let declared = Self::of(headers)?;
        // Pure ASCII is UTF-8 as well.
        let is_ascii = |media_type: &Mime| {
            let label = media_type.get_parameter("charset");
            label.is_some_and(|label| ["us-ascii", "ascii"].iter().any(|ascii| label.eq_ignore_ascii_case(ascii)))
        };
        if declared.charset.is_none_or(|charset| charset == UTF_8) || declared.media_type.as_ref().is_some_and(is_ascii)
        {
            return Ok(());
        }
        Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a batch is NDJSON, which is written in UTF-8"))
    }

    /// Text as it was meant, and any other bytes as a data URL, which a page can put into `img.src`. What is not in the charset
    /// that it should be in counts as bytes, because nothing of it may be lost.
    pub(crate) fn data(&self, bytes: Vec<u8>) -> String {
        let decoded = match self.charset {
            // Verbatim, with a byte order mark if there is one.
            None => str::from_utf8(&bytes).ok().map(Cow::Borrowed),
            Some(charset) if charset == UTF_8 => str::from_utf8(&bytes).ok().map(Cow::Borrowed),
            // The mark says which of the two it is, whatever the label says (WHATWG Encoding 6.1).
            Some(charset) if charset == UTF_16LE || charset == UTF_16BE => {
                let (text, _, is_damaged) = charset.decode(&bytes);
                (!is_damaged).then_some(text)
            }
            Some(charset) => charset.decode_without_bom_handling_and_without_replacement(&bytes),
        };
        match decoded.map(Cow::into_owned) {
            Some(text) => text,
            None => self.data_url(&bytes),
        }
    }

    fn data_url(&self, bytes: &[u8]) -> String {
        let media_type = self.media_type.as_ref().and_then(for_url);
        let media_type = media_type.unwrap_or_else(|| "application/octet-stream".to_owned());
        let mut url = format!("data:{media_type};base64,");
        BASE64.encode_string(bytes, &mut url);
        url
    }
}

/// Plain base64 of anything.
pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn unknown(label: &str) -> Problem {
    let label: String = label.chars().take(40).collect();
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("no charset is known by the name {label:?}; send UTF-8, or no charset"),
    )
}

/// Whether a charset means something. It says nothing of pictures and sounds, but some programs give one.
fn may_be_text(media_type: &Mime) -> bool {
    !["image", "audio", "video", "font"].contains(&media_type.type_.as_str()) || media_type.subtype.ends_with("+xml")
}

/// The type as it may stand in a data URL, without parameters that would end it early. `None` for a form, which does not say what
/// the bytes are.
fn for_url(media_type: &Mime) -> Option<String> {
    let Mime { type_, subtype, parameters } = media_type;
    let is_form = matches!(
        (type_.as_str(), subtype.as_str()),
        ("application", "x-www-form-urlencoded") | ("multipart", "form-data")
    );
    let is_legal = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b",#%\"\\".contains(&byte));
    if is_form || !is_legal(type_) || !is_legal(subtype) {
        return None;
    }
    let parameters = parameters.iter().filter(|(name, value)| is_legal(name) && is_legal(value)).cloned().collect();
    Some(Mime { type_: type_.clone(), subtype: subtype.clone(), parameters }.to_string())
}
