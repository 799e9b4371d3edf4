//! A listener that is asked thousands of times holds no more than before. Alone in its process, because it reads the figures of the
//! process.

mod support;

use support::{client::Client, listener::Listener, made_up::connection};

/// Scrapes of each format.
const SCRAPES: usize = 500;
/// What the allocator may keep for reasons of its own: it was 150 KB. One scrape has about 15 KiB, so a third of each scrape of one
/// format would show.
const SLACK_BYTES: u64 = 2 << 20;

/// Resident bytes and open descriptors of this process, as it tells them itself.
fn held(client: &mut Client) -> (u64, u64) {
    let text = client.request("GET", "/metrics", &[], b"").text();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
    };
    (value("process_resident_memory_bytes"), value("process_open_fds"))
}

#[test]
fn thousands_of_scrapes_and_lists_and_streams_leave_nothing_behind() {
    let listener = Listener::new();
    listener.made_up.world().connections.extend((100..200).map(|number| connection(number, "eve", number)));
    let mut client = listener.client();
    let mut ask = |count: usize| {
        for accept in [
            "*/*",
            "application/openmetrics-text",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
        ] {
            for _ in 0..count {
                assert_eq!(client.request("GET", "/metrics", &[("accept", accept)], b"").status, 200);
            }
        }
        for _ in 0..count / 10 {
            client.request("GET", "/api/v1/connections?sort=lag&limit=100", &[], b"").ok(200);
            client.request("GET", "/api/v1/explain?event=1-1&client=eve", &[], b"").ok(200);
            client.request("GET", "/api/v1/connections/999999", &[], b"").problem(404);
            // Each connection is a new one.
            assert_eq!(listener.get("/api/v1/figures").status, 200);
            drop(listener.stream("/api/v1/tail?channel=news"));
        }
        support::until("no tail is left", || listener.handle.connections() == 0);
        held(&mut client)
    };
    // The first round fills what stays: caches, buffers, threads.
    ask(SCRAPES / 10);
    let (bytes, files) = ask(SCRAPES / 10);
    let (bytes_later, files_later) = ask(SCRAPES);
    assert!(bytes_later <= bytes + SLACK_BYTES, "{bytes} bytes became {bytes_later}");
    // A socket that is being closed may still count.
    assert!(files_later <= files + 8, "{files} descriptors became {files_later}");
}
