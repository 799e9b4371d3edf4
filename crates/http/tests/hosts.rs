//! The host that a request was sent to, over every version of HTTP, and the fields of every answer.

mod support;

use support::{
    h2::H2,
    server::{Server, Way},
};

#[test]
fn a_host_that_is_none_is_400_and_publishes_nothing() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/sse?id=a");
    for host in ["a b", "", "<script>", "a/b", "a@b", "a:x", "a:65536", "a,b c", "[::1", "a\"b", "\u{fc}"] {
        for line in
            ["POST /clients/a", "GET /sse", "GET /healthz", "GET /channels/a/history", "OPTIONS /sse", "GET /nowhere"]
        {
            let mut client = server.client();
            client.send(format!("{line} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"));
            assert!(client.answer().problem(400).contains("host"), "{line} {host:?}");
            client.send(format!("{line} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"));
            assert_eq!(client.head().status, 400, "{line} {host:?}");
        }
        let answer = H2::open(server.address).request("POST", "/clients/a", &[("host", host)], b"x");
        answer.problem(400);
    }
    for target in ["http://a@b/clients/a", "http://a:65536/clients/a"] {
        let mut client = server.client();
        client.send(format!("POST {target} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(client.head().status, 400, "{target}");
    }
    for host in ["a", "A_b.example:8080", "127.0.0.1", "[::1]:3000", "a:"] {
        let mut client = server.client();
        client.send(format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.answer().status, 200, "{host}");
    }
    let mut client = server.client();
    client.send("GET http://other/healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.answer().status, 200, "the target counts (RFC 9112 3.2.2)");
    server.publish("/clients/a", "marker");
    assert_eq!(stream.data(), "marker");
}

#[test]
fn over_http_2_both_names_of_the_host_are_one() {
    // The tests' client sends `test` as :authority.
    let server = Server::new(Way::Socket);
    let h2 = H2::open(server.address);
    for host in ["other", "test:80", "test.", "tes"] {
        assert!(h2.request("POST", "/clients/a", &[("host", host)], b"x").problem(400).contains("differ"), "{host}");
    }
    assert_eq!(h2.request("POST", "/clients/a", &[("host", "TEST")], b"x").status, 202);
    assert_eq!(h2.request("POST", "/clients/a", &[], b"x").status, 202);
}

#[test]
fn no_cache_may_keep_what_is_wrong_or_what_is_so_now() {
    let server = Server::new(Way::Socket);
    let h2 = H2::open(server.address);
    for path in
        ["/healthz", "/readyz", "/nowhere", "/broadcast", "/channels/%zz", "/sse?id=a&id=b", "/channels/a/history"]
    {
        for answer in [server.get(path), h2.request("GET", path, &[], b"")] {
            assert_eq!(answer.head.get("cache-control"), Some("no-store"), "{path}");
        }
    }
    let refused = server.post("/broadcast", &[("origin", "https://evil.example")], "x");
    assert_eq!((refused.status, refused.head.get("cache-control")), (403, Some("no-store")));
}

#[test]
fn a_raw_number_sign_in_a_target_is_400_and_publishes_nothing() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/channels/a");
    let mut client = server.client();
    for _ in 0..2 {
        for target in ["/channels/a#b", "/channels/a/broadcast#", "/publish?channel=a#b", "http://test/channels/a#"] {
            let answer = client.request("POST", target, &[], b"x#y");
            assert!(answer.problem(400).contains("%23"), "{target}");
        }
        let answer = client.request("POST", "/channels/a", &[("x", "#")], b"# in a body");
        assert_eq!(answer.status, 202);
        assert_eq!(stream.data(), "# in a body");
        let answer = client.request("POST", "/channels/a%23b", &[], b"x");
        assert_eq!(answer.status, 202, "encoded it is part of a name");
    }
}

#[test]
fn what_a_route_understands_is_said_by_options_and_where_a_method_is_not_known() {
    let server = Server::new(Way::Socket);
    let h2 = H2::open(server.address);
    let (get, post, both) = ("GET, HEAD, OPTIONS", "POST, OPTIONS", "GET, HEAD, POST, OPTIONS");
    let routes = [
        ("/", get),
        ("/sse", get),
        ("/healthz", get),
        ("/readyz", get),
        ("/channels/a/history", get),
        ("/channels/a", both),
        ("/channels/a/broadcast", post),
        ("/broadcast", post),
        ("/publish", post),
        ("/clients/a", post),
        ("/ping/a", post),
    ];
    for (path, allow) in routes {
        for (method, status) in [("OPTIONS", 204), ("DELETE", 405), ("PUT", 405)] {
            for answer in [server.client().request(method, path, &[], b""), h2.request(method, path, &[], b"")] {
                assert_eq!((answer.status, answer.head.get("allow")), (status, Some(allow)), "{method} {path}");
            }
        }
    }
    let answer = server.client().request("OPTIONS", "*", &[], b"");
    assert_eq!((answer.status, answer.head.get("allow")), (204, Some(both)));
    server.client().request("OPTIONS", "/nowhere", &[], b"").problem(404);
}
