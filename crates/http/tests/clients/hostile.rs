//! Events that are hard to carry: all that a text can hold, and text that would mean something else on a line of its
//! own.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Seen;

/// One pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The bytes of an image.
pub(crate) fn png() -> Vec<u8> {
    BASE64_STANDARD.decode(PIXEL).unwrap()
}

/// One publish, and the event that a reader gets of it by the standard.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    kind: Option<&'static str>,
    id: Option<&'static str>,
    retry_ms: Option<u64>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    data: String,
}

impl Post {
    fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        let data = text.replace("\r\n", "\n").replace('\r', "\n");
        Self { kind: None, id: None, retry_ms: None, content_type: "text/plain", body: text.into_bytes(), data }
    }

    fn typed(content_type: &'static str, text: &str) -> Self {
        Self { content_type, ..Self::text(text) }
    }

    pub(crate) fn query(&self) -> String {
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let kind = self.kind.map(|kind| format!("event={}", encoded(kind)));
        let id = self.id.map(|id| format!("id={}", encoded(id)));
        let retry = self.retry_ms.map(|ms| format!("retry={ms}"));
        kind.into_iter().chain(id).chain(retry).collect::<Vec<_>>().join("&")
    }

    /// The event that has to arrive, published under `id`.
    pub(crate) fn seen(&self, id: String) -> Seen {
        let kind = self.kind.unwrap_or("message").to_owned();
        Seen { kind, id: self.id.map_or(id, str::to_owned), data: self.data.clone() }
    }
}

/// The event types that the posts have.
pub(crate) fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<_> = posts().iter().map(|post| post.kind.unwrap_or("message")).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

pub(crate) fn posts() -> Vec<Post> {
    let texts = [
        "",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\n\r",
        "\r\r\n\n",
        "a\nb",
        "a\rb",
        "a\r\nb",
        "a\n\nb",
        "\na",
        "a\n",
        "a\r\n\r\n",
        " ",
        " one",
        "  two",
        "\tone tab",
        "one \n two",
        ":",
        ": a comment",
        "::",
        "a: b",
        "data",
        "data:",
        "data: a",
        "data: a\n\ndata: b\n\n",
        "id: 1-1",
        "id: 7\nevent: forged\rretry: 1\r\n\r\ndata: forged",
        "id",
        "event: forged",
        "retry: 1",
        "x\r\rid: 1\r\rx",
        "null",
        "undefined",
        "\0",
        "a\0b",
        "\u{1}\u{7f}\u{85}\u{a0}",
        "\u{b}\u{c}\u{1c}\u{1d}\u{1e}",
        "a\u{2028}b\u{2029}c",
        "\u{feff}",
        "\u{feff}first",
        "in the\u{feff} middle",
        "line\n\u{feff}line",
        "é e\u{301} 日本語 עברית",
        "👩‍👩‍👧‍👦 🏳️‍🌈",
        "\u{fffd}\u{fffe}\u{ffff}\u{10ffff}",
        "\u{202e}reversed",
        "<script>alert(1)</script>",
        "%0A %00 \\n \\u0000",
    ];
    let mut posts: Vec<_> = texts.into_iter().map(Post::text).collect();
    // Every character of the first plane, and of the others one in 251.
    posts.push(Post::text(('\0'..='\u{ffff}').collect::<String>()));
    posts.push(Post::text(('\u{10000}'..='\u{10ffff}').step_by(251).collect::<String>()));
    posts.push(Post::text("0123456789abcdef".repeat((100 << 10) / 16)));
    posts.push(Post::text("line\r\n".repeat((100 << 10) / 6)));
    posts.push(Post::typed("application/json", r#"{"b": 1,  "a": [1.0, 1e400, "\u000a"]}"#));
    posts.push(Post::typed("application/x-www-form-urlencoded", "foo=bar"));
    posts.push(Post::typed("image/png", "no image"));
    let data = format!("data:image/png;base64,{PIXEL}");
    posts.push(Post { body: png(), data, ..Post::typed("image/png", "") });
    for kind in ["price", "a type: with a colon", "naïve 🎺", "data", "id"] {
        posts.push(Post { kind: Some(kind), ..Post::text("of a type") });
    }
    posts.push(Post { kind: Some("price"), ..Post::text("") });
    for id in ["mine", "ünï: 🎺", "0"] {
        posts.push(Post { id: Some(id), ..Post::text("under an id of its own") });
    }
    posts.push(Post { kind: Some("price"), id: Some("all"), retry_ms: Some(2_500), ..Post::text("all\nat once") });
    posts.push(Post::text("after all"));
    posts
}
