//! The way of a body to the wire: text verbatim, bytes as a data URL, and the form of an event.

use crate::{everywhere, support::server::Server};

/// Publishes `body` to all with `headers`. Fails unless the publish is accepted.
#[track_caller]
fn publish(server: &Server, headers: &[(&str, &str)], path: &str, body: &[u8]) {
    let answer = server.post(path, headers, body);
    assert_eq!(answer.status, 202, "{answer:?}");
}

#[test]
fn text_arrives_as_it_was_whatever_its_content_type() {
    let kinds = [
        "",
        "text/plain",
        "application/json",
        "text/html; charset=UTF8",
        "image/png; charset=binary",
        "no type at all",
    ];
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
        assert!(stream.judge.retries_ms.is_empty());
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
        ("IMAGE/PNG; Charset=binary", "image/png;charset=binary"),
        ("text/plain; charset=utf-8", "text/plain;charset=utf-8"),
        (
            "text/plain; charset=\"UTF-8\"; format=flowed; delsp=\"a b\"",
            "text/plain;charset=UTF-8;format=flowed;delsp=\"a b\"",
        ),
        ("text/plain; a=\"b,c\"; d=e; f=#", "text/plain;d=e"),
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
fn a_declared_charset_is_decoded() {
    let cases: [(&str, &[u8], &str); 14] = [
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "caf\u{e9}"),
        ("text/plain;charset=\"ISO-8859-1\"", b"caf\xe9", "caf\u{e9}"),
        ("Text/Plain; a=b; CHARSET=Latin1; c=d", b"\xfc", "\u{fc}"),
        ("text/plain ; charset=windows-1252 ;", b"\x80", "\u{20ac}"),
        // Valid UTF-8 as well, but not meant as that. The same holds for bytes that look like its byte order mark.
        ("text/plain; charset=iso-8859-1", b"\xc3\xa9", "\u{c3}\u{a9}"),
        ("text/plain; charset=iso-8859-1", b"\xef\xbb\xbfa", "\u{ef}\u{bb}\u{bf}a"),
        ("application/json; charset=utf-16", b"\xff\xfe[\x001\x00]\x00", "[1]"),
        ("application/json; charset=utf-16", b"\xfe\xff\x00[\x001\x00]", "[1]"),
        ("text/plain; charset=utf-16le", b"a\x00\xac\x20", "a\u{20ac}"),
        ("text/plain; charset=utf-16be", b"\x00a\x20\xac", "a\u{20ac}"),
        ("text/csv; charset=shift_jis", b"\x93\xfa\x96{", "\u{65e5}\u{672c}"),
        ("image/svg+xml; charset=koi8-r", b"\xc1", "\u{430}"),
        ("application/x-www-form-urlencoded; charset=latin1", b"a=\xe9", "a=\u{e9}"),
        ("text/plain; charset=iso-8859-1; charset=utf-16", b"", ""),
    ];
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        for (kind, bytes, text) in cases {
            publish(server, &[("Content-Type", kind)], "/broadcast", bytes);
            assert_eq!(stream.data(), text, "{kind}");
        }
    });
}

#[test]
fn what_is_not_in_its_charset_arrives_whole_as_a_data_url() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        for (charset, bytes, base64) in
            [("utf-16", &b"a\x00b"[..], "YQBi"), ("shift_jis", b"\xff", "/w=="), ("utf-8", b"\xff", "/w==")]
        {
            publish(server, &[("Content-Type", &format!("text/plain; charset={charset}"))], "/broadcast", bytes);
            assert_eq!(stream.data(), format!("data:text/plain;charset={charset};base64,{base64}"));
        }
    });
}

#[test]
fn a_charset_that_nobody_knows_is_415_and_base64_needs_none() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        // The last is one that browsers refuse as well.
        for charset in ["x-made-up", "\"\\\"\"", "utf-8x", "iso-2022-kr"] {
            let kind = format!("text/plain; charset={charset}");
            let answer = server.post("/broadcast", &[("Content-Type", &kind)], "text");
            assert!(answer.problem(415).contains("charset"), "{kind}");
            server.post("/publish", &[("Content-Type", &kind)], "{\"all\":true,\"data\":1}").problem(415);
            publish(server, &[("Content-Type", &kind)], "/broadcast?encoding=base64", b"a");
            assert_eq!(stream.data(), "YQ==");
        }
    });
}

#[test]
fn a_batch_is_written_in_utf_8() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse");
        let line = "{\"all\":true,\"data\":\"\u{e9}\"}";
        for charset in ["utf-8", "\"UTF8\"", "us-ascii"] {
            publish(
                server,
                &[("Content-Type", &format!("application/x-ndjson; charset={charset}"))],
                "/publish",
                line.as_bytes(),
            );
            assert_eq!(stream.data(), "\u{e9}");
        }
        for charset in ["iso-8859-1", "utf-16", "windows-1252"] {
            let kind = format!("application/x-ndjson; charset={charset}");
            assert!(server.post("/publish", &[("Content-Type", &kind)], line).problem(415).contains("UTF-8"));
        }
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
