//! HTTP/2 frames made by hand (RFC 9113 4.1), for what a real client would not send, or would allocate for.

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// One field without indexing and without Huffman coding (RFC 7541 6.2.2), so that any byte can stand in it.
fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| [u8::try_from(text.len()).unwrap()];
    [&[0][..], &length(name), name, &length(value), value].concat()
}

/// Frames of one request. Without `body` it ends with its head.
pub(crate) fn request(
    stream: u32,
    method: &[u8],
    path: &[u8],
    fields: &[(&[u8], &[u8])],
    body: Option<&[u8]>,
) -> Vec<u8> {
    let pseudo = [(&b":method"[..], method), (b":scheme", b"http"), (b":authority", b"test"), (b":path", path)];
    let block: Vec<u8> = pseudo.iter().chain(fields).flat_map(|(name, value)| field(name, value)).collect();
    let flags = END_HEADERS | if body.is_none() { END_STREAM } else { 0 };
    let mut bytes = frame(HEADERS, flags, stream, &block);
    if let Some(body) = body {
        bytes.extend(frame(DATA, END_STREAM, stream, body));
    }
    bytes
}
