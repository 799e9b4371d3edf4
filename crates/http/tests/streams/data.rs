//! What a body becomes: text verbatim, bytes as a data URL, and the form of an event on the wire.

use crate::{everywhere, support::server::Server};

/// Publishes `body` to all with `headers`; it must be accepted.
#[track_caller]
fn publish(server: &Server, headers: &[(&str, &str)], path: &str, body: &[u8]) {
    let answer = server.post(path, headers, body);
    assert_eq!(answer.status, 202, "{answer:?}");
}

#[test]
fn text_arrives_as_it_was_whatever_its_content_type() {
    let kinds = ["", "text/plain", "application/json", "text/html; charset=latin1", "image/png", "no type at all"];
    let texts =
        ["a", " leading and trailing ", ": no comment", "data: no field", "id: 1", "\u{feff}bom", "ü € 日本 \0 \t"];
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        for kind in kinds {
            for text in texts {
                publish(server, &[("Content-Type", kind)], "/broadcast", text.as_bytes());
                assert_eq!(stream.data(), text, "{kind}");
            }
        }
    });
}

#[test]
fn a_form_body_is_text() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        for kind in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            publish(server, &[("Content-Type", kind)], "/broadcast", b"foo=bar&a+b=%20");
            assert_eq!(stream.data(), "foo=bar&a+b=%20");
        }
    });
}

#[test]
fn each_line_of_the_data_is_a_line_of_its_own_whatever_breaks_it() {
    let cases = [
        ("", "data: \n"),
        ("\n", "data: \ndata: \n"),
        ("\r\n", "data: \ndata: \n"),
        ("\r", "data: \ndata: \n"),
        ("\n\r", "data: \ndata: \ndata: \n"),
        ("one\ntwo\rthree\r\nfour", "data: one\ndata: two\ndata: three\ndata: four\n"),
        ("end\r\n\r\n", "data: end\ndata: \ndata: \n"),
        (
            "x\nid: 7\nevent: forged\rretry: 1\r\n\r\ndata: y",
            "data: x\ndata: id: 7\ndata: event: forged\ndata: retry: 1\ndata: \ndata: data: y\n",
        ),
    ];
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        for (body, lines) in cases {
            let receipt = server.publish("/broadcast", body);
            let event = stream.event();
            assert_eq!(event.block, format!("id: {}\n{lines}", receipt["id"].as_str().unwrap()), "{body:?}");
            assert_eq!(event.data, body.replace("\r\n", "\n").replace('\r', "\n"));
        }
        assert!(stream.parser.retries.is_empty());
    });
}

#[test]
fn an_empty_body_is_one_event_with_empty_data() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        server.publish("/broadcast", "");
        assert_eq!(stream.data(), "");
        let mut client = server.client();
        client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
        assert_eq!(client.answer().status, 202);
        assert_eq!(stream.data(), "");
    });
}

#[test]
fn extensions_of_chunks_and_trailers_are_no_data() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        let mut client = server.client();
        client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
        client.send("2;name=value\r\nte\r\n02\r\nxt\r\n0\r\nTrailer: no data\r\n\r\n");
        assert_eq!(client.answer().status, 202);
        assert_eq!(stream.data(), "text");
    });
}

#[test]
fn what_is_not_utf8_arrives_as_a_data_url() {
    // 0xff 0x00 0xfe in base64.
    let (bytes, base64) = (b"\xff\x00\xfe", "/wD+");
    let unknown = "application/octet-stream";
    let kinds = [
        ("image/png", "image/png"),
        ("image/svg+xml; charset=x", "image/svg+xml"),
        ("", unknown),
        ("nothing", unknown),
        ("a/b,c", unknown),
        ("text/<b>", unknown),
        ("application/x-www-form-urlencoded", unknown),
        ("Multipart/Form-Data; boundary=x", unknown),
        ("image/", unknown),
    ];
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        for (kind, shown) in kinds {
            publish(server, &[("Content-Type", kind)], "/broadcast", bytes);
            assert_eq!(stream.data(), format!("data:{shown};base64,{base64}"), "{kind}");
        }
        publish(server, &[], "/broadcast", bytes);
        assert_eq!(stream.data(), format!("data:{unknown};base64,{base64}"));
    });
}

#[test]
fn encoding_base64_makes_plain_base64_of_anything() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        for (body, base64) in [(&b"\xff\x00\xfe"[..], "/wD+"), (b"text\r\n", "dGV4dA0K"), (b"a", "YQ=="), (b"", "")] {
            publish(server, &[("Content-Type", "image/png")], "/broadcast?encoding=base64", body);
            assert_eq!(stream.data(), base64);
        }
    });
}

#[test]
fn a_body_of_a_mebibyte_arrives_whole_however_it_was_sent() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        let text = "0123456789abcde\n".repeat((1 << 20) / 16);
        server.publish("/broadcast", &text);
        assert!(stream.data() == text);

        let mut client = server.client();
        client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in text.as_bytes().chunks(50_001) {
            client.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
        }
        client.send("0\r\n\r\n");
        assert_eq!(client.answer().status, 202);
        assert!(stream.data() == text);
    });
}
