//! The lines for TLS and HTTP/2 of docs/guide/six-connections.md in the files of examples/proxies: more than six
//! streams share one connection.

use std::fs;

use crate::{
    desk::{Desk, need_programs_of},
    network::alone,
    page::{Directive, Page},
    site::{Site, run},
    support::{PATIENCE, Process},
    tree::root,
};

const CERTIFICATE: &str = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 \
                           -subj /CN=example.org -keyout /tmp/example.org.key -out /tmp/example.org.pem";
const STREAMS: usize = 20;

struct Proxy {
    /// Name in examples/proxies.
    file: &'static str,
    /// The text that the lines of the guide replace.
    instead_of: &'static str,
    /// A text by which the lines are found in the guide.
    with: &'static str,
    command: &'static str,
}

#[test]
fn nginx_has_many_streams_on_one_connection_with_the_lines_of_the_guide() {
    need_programs_of("nginx openssl");
    alone("tls::nginx_has_many_streams_on_one_connection_with_the_lines_of_the_guide", || {
        assert_shares_a_connection(&Proxy {
            file: "nginx.conf",
            instead_of: "listen 8080;",
            with: "http2_max_concurrent_streams 1000;",
            command: "mkdir -p /tmp/tls && exec nginx -p /tmp/tls -c /tmp/nginx.conf -g 'daemon off;'",
        });
    });
}

#[test]
fn haproxy_has_many_streams_on_one_connection_with_the_line_of_the_guide() {
    need_programs_of("haproxy openssl");
    alone("tls::haproxy_has_many_streams_on_one_connection_with_the_line_of_the_guide", || {
        assert_shares_a_connection(&Proxy {
            file: "haproxy.cfg",
            instead_of: "bind :8080\n",
            with: "alpn h2,http/1.1",
            command: "cat /tmp/example.org.key >> /tmp/example.org.pem && exec haproxy -db -f /tmp/haproxy.cfg",
        });
    });
}

fn assert_shares_a_connection(proxy: &Proxy) {
    let desk = Desk::new();
    let (code, output) = run(&desk, &mut desk.shell(CERTIFICATE), PATIENCE).unwrap();
    assert_eq!(code, 0, "{output}");
    let page = Page::read("docs/guide/six-connections.md");
    let lines = &page.blocks().find(|block| block.text.contains(proxy.with)).expect("the guide has them").text;
    // Only root may have port 443.
    let lines = lines.replace(" 443 ", " 8443 ").replace(":443 ", ":8443 ").replace("/etc/ssl/", "/tmp/");
    let example = fs::read_to_string(root().join("examples/proxies").join(proxy.file)).unwrap();
    assert_eq!(example.matches(proxy.instead_of).count(), 1);
    fs::write(format!("/tmp/{}", proxy.file), example.replace(proxy.instead_of, &lines)).unwrap();

    let mut site = Site::default();
    let port = Directive::parse("server port=\"8443\"").unwrap();
    site.serve(&desk, &["fanfare", proxy.command].map(str::to_owned), &port).unwrap();
    // With -Z curl follows them all at a time, over one connection where it can.
    let urls = ["https://127.0.0.1:8443/channels/news"; STREAMS].join(" ");
    let mut curl = Process::start(&mut desk.shell(&format!("curl -skNvZ --parallel-max {STREAMS} --http2 {urls}")));
    for _ in 0..STREAMS {
        curl.line_with(": connection ");
    }
    let connections = curl.seen().iter().filter(|line| line.contains("Connected to")).count();
    assert_eq!(connections, 1, "{:#?}", curl.seen());
    let publish = "curl -sS -d hello http://127.0.0.1:3000/channels/news";
    let (_, answer) = run(&desk, &mut desk.shell(publish), PATIENCE).unwrap();
    assert!(answer.contains(&format!("\"matched\":{STREAMS}")), "{answer}");
    for _ in 0..STREAMS {
        curl.line_with("data: hello");
    }
}
