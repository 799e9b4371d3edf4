//! Streams while both nodes run: nginx holds nothing back, and a silent stream stays open.

use std::time::Duration;

use crate::{
    SILENT, Site, post,
    support::{curl, curl_once, steady::steadily},
};

#[test]
fn what_is_published_at_either_node_comes_at_once_to_streams_at_both() {
    let site = Site::start(SILENT, &[]);
    let url = format!("{}/channels/a", site.nginx.url());
    // They begin with a comment line, which comes before there is any event.
    let first = curl(&[&url]);
    // Whose turn it is does not count, but which node has fewer streams.
    post(site.nginx.address, "/channels/another", "").id();
    let mut streams = [first, curl(&[&url])];
    for (number, node) in site.nodes.iter().enumerate() {
        let said = format!("from node {number}");
        let answer = post(node.address, "/channels/a?wait=written", &said);
        assert_eq!(answer.json()["matched"], 1, "each node has one of the two: {answer:?}");
        for stream in &mut streams {
            stream.line_with(&format!("data: {said}"));
        }
    }
    post(site.nginx.address, "/channels/a", "through nginx").id();
    for stream in &mut streams {
        stream.line_with("data: through nginx");
    }
}

#[test]
fn a_page_that_came_through_nginx_may_publish_and_a_page_from_elsewhere_may_not() {
    let site = Site::start(SILENT, &[]);
    let url = format!("{}/channels/a", site.nginx.url());
    let status = |origin: &str| {
        let origin = format!("Origin: {origin}");
        curl_once(&["-o", "/dev/null", "-w", "%{http_code}", "-H", &origin, "-d", "hello", &url])
    };
    assert_eq!(status(&site.nginx.url()), "202");
    assert_eq!(status("http://elsewhere.example"), "403");
}

#[test]
fn a_stream_that_is_silent_for_longer_than_the_read_timeout_stays_by_its_heartbeats() {
    let short = [("proxy_read_timeout 60s;", "proxy_read_timeout 1s;")];
    let site = Site::start("--heartbeat=300ms", &short);
    steadily(Duration::from_millis(650), |pulse| {
        let mut stream = curl(&[&format!("{}/channels/a", site.nginx.url())]);
        // Three seconds and more.
        for _ in 0..11 {
            pulse.beat();
            assert_eq!(stream.line_with(""), ":");
        }
        pulse.beat();
        post(site.nginx.address, "/channels/a", "still there").id();
        stream.line_with("data: still there");
    });

    let site = Site::start(SILENT, &short);
    let mut stream = site.stream("/channels/a", None);
    let ended = stream.next();
    assert!(!matches!(ended, Ok(Some(_))), "without them it is cut: {ended:?}");
}
