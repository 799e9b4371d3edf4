//! Bodies that are too long, stop, pause or come all at once.

use std::{
    thread,
    time::{Duration, Instant},
};

use fanfare_http::Config;

use crate::{
    Observed,
    support::{
        client::Client,
        h2::H2,
        server::{Way, config},
        steady::steadily,
        until,
    },
};

/// A body that has come so much too slowly makes room for others where that is short.
const FALLEN_BEHIND: Duration = Duration::from_secs(2);

fn limited(body_bytes_max: usize) -> Observed {
    Observed::start(Way::Socket, Config { body_bytes_max, ..config(Way::Socket) })
}

/// Begins a POST whose body has `length` bytes.
fn begin(client: &mut Client, length: usize) {
    client.send(format!("POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"));
}

fn begin_chunked(client: &mut Client) {
    client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
}

fn send_chunk(client: &mut Client, bytes: &[u8]) -> bool {
    client.try_send([format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat())
}

#[test]
fn a_body_at_the_limit_is_taken_and_one_byte_more_is_413() {
    let mut world = limited(1_000);
    let text = "x".repeat(1_001);
    world.server.publish("/broadcast", &text[..1_000]);
    assert_eq!(world.observer.data().len(), 1_000);
    for path in ["/broadcast", "/channels/a", "/clients/observer", "/ping/observer"] {
        world.refuse(413, path, &[], text.as_bytes(), "1000");
    }

    let mut client = world.server.client();
    begin_chunked(&mut client);
    assert!(send_chunk(&mut client, &[b'x'; 600]) && send_chunk(&mut client, &[b'x'; 400]));
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().status, 202, "without a Content-Length too");
    assert_eq!(world.observer.data().len(), 1_000);

    begin_chunked(&mut client);
    assert!(send_chunk(&mut client, &[b'x'; 600]) && send_chunk(&mut client, &[b'x'; 401]));
    client.send("0\r\n\r\n");
    client.answer().problem(413);
    world.assert_untouched();
}

#[test]
fn a_client_that_sends_four_mebibytes_too_many_can_read_why_it_was_refused() {
    let mut world = Observed::new();
    let piece = vec![b'x'; 64 << 10];
    let mut client = world.server.client();
    begin(&mut client, 5 << 20);
    for _ in 0..5 << 20 >> 16 {
        client.send(&piece);
    }
    client.answer().problem(413);

    let mut client = world.server.client();
    begin_chunked(&mut client);
    for _ in 0..5 << 20 >> 16 {
        assert!(send_chunk(&mut client, &piece));
    }
    client.send("0\r\n\r\n");
    client.answer().problem(413);
    world.assert_untouched();
}

#[test]
fn a_body_without_end_is_cut() {
    let mut world = Observed::new();
    let piece = vec![b'x'; 64 << 10];
    let mut client = world.server.client();
    begin_chunked(&mut client);
    let mut sent = 0;
    while send_chunk(&mut client, &piece) {
        sent += piece.len();
        assert!(sent < 256 << 20, "it is read for ever");
    }
    world.assert_untouched();
}

#[test]
fn a_refused_body_that_pauses_does_not_keep_its_answer_for_long() {
    let mut world = Observed::new();
    let mut client = world.server.client();
    begin(&mut client, 5 << 20);
    client.send("the rest never comes");
    // A body may pause for longer than a test waits.
    client.answer().problem(413);
    world.assert_untouched();
}

#[test]
fn a_client_that_waits_to_be_asked_is_refused_without_being_asked() {
    let mut world = Observed::new();
    let time_max = Duration::from_secs(1);
    steadily(time_max, |_| {
        let mut client = world.server.client();
        client
            .send("POST /broadcast HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n");
        let start = Instant::now();
        client.answer().problem(413);
        assert!(start.elapsed() < time_max, "it is not waited for");
    });
    world.assert_untouched();

    let mut client = world.server.client();
    client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.head().status, 100);
    client.send("text");
    assert_eq!(client.answer().status, 202);
    assert_eq!(world.observer.data(), "text");
}

#[test]
fn a_client_that_does_not_wait_to_be_asked_can_read_why_it_was_refused() {
    let mut world = Observed::new();
    let mut client = world.server.client();
    client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n");
    client.try_send(vec![b'x'; 2_000_000]);
    client.answer().problem(413);
    world.assert_untouched();
}

#[test]
fn a_body_that_stops_half_way_publishes_nothing() {
    let mut world = Observed::new();
    for is_chunked in [false, true] {
        for ending in ["finish", "reset", "close"] {
            let mut client = world.server.client();
            if is_chunked {
                begin_chunked(&mut client);
                send_chunk(&mut client, b"half");
            } else {
                begin(&mut client, 8);
                client.send("half");
            }
            match ending {
                "finish" => {
                    client.finish_sending();
                    let answer = String::from_utf8(client.until_closed()).unwrap();
                    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
                }
                "reset" => client.reset(),
                _ => drop(client),
            }
            world.assert_untouched();
        }
    }
}

#[test]
fn a_body_that_pauses_too_long_is_408_and_one_that_only_drips_is_taken() {
    let body_idle_timeout = Duration::from_millis(400);
    let mut world = Observed::start(Way::Socket, Config { body_idle_timeout, ..config(Way::Socket) });
    steadily(body_idle_timeout / 2, |pulse| {
        let mut client = world.server.client();
        begin(&mut client, 10);
        let start = Instant::now();
        for _ in 0..10 {
            client.send("x");
            pulse.beat();
            // The test is about the pause.
            thread::sleep(Duration::from_millis(60));
        }
        assert!(start.elapsed() > body_idle_timeout);
        assert_eq!(client.answer().status, 202);
        assert_eq!(world.observer.data(), "xxxxxxxxxx");
    });

    let mut client = world.server.client();
    begin(&mut client, 10);
    client.send("half ");
    let told = client.answer().problem(408);
    assert!(told.contains("paused"), "{told:?}");
    world.assert_untouched();
}

#[test]
fn too_many_bytes_of_bodies_at_once_are_503_until_some_are_done() {
    let mut config = Config { bodies_bytes_max: 1_000, ..config(Way::Socket) };
    // On one thread the first request is taken first, at the latest before the second answer.
    config.core.shards = 1;
    steadily(FALLEN_BEHIND / 2, |_| assert_is_short(Observed::start(Way::Socket, config.clone())));
}

fn assert_is_short(mut world: Observed) {
    let (post, text) = ("/clients/nobody", "x".repeat(400));
    let mut slow = world.server.client();
    begin(&mut slow, 801);
    slow.send("x".repeat(800));
    has_taken_what_was_sent(&world);
    let answer = world.server.post(post, &[], &text);
    answer.problem(503);
    let retry_after = answer.head.get("retry-after").unwrap();
    assert!(["1", "2", "3"].contains(&retry_after), "{retry_after}");
    assert_eq!(world.server.post(post, &[], &text[..200]).status, 202, "there is room for a small one, just");
    assert_eq!(world.server.post(post, &[], &text[..201]).status, 503);

    slow.send("x");
    assert_eq!(slow.answer().status, 202, "the one that came first was not disturbed");
    assert_eq!(world.observer.data().len(), 801);
    assert_eq!(world.server.post(post, &[], &text).status, 202);
    assert_eq!(world.server.post(post, &[], "x".repeat(1_000)).status, 202, "all was given back");

    // Given back as well when the sender goes away.
    begin(&mut slow, 801);
    slow.send("x".repeat(800));
    has_taken_what_was_sent(&world);
    assert_eq!(world.server.post(post, &[], &text).status, 503);
    drop(slow);
    until("it is given back", || world.server.post(post, &[], "x".repeat(1_000)).status == 202);
    world.assert_untouched();
}

#[test]
fn where_room_is_short_a_body_that_drips_is_ended_however_short_its_pauses_are() {
    let pause = Duration::from_millis(300);
    let limits = Config { body_idle_timeout: pause, bodies_bytes_max: 1_000, ..config(Way::Socket) };
    let mut world = Observed::start(Way::Socket, limits);
    let mut client = world.server.client();
    begin(&mut client, 1_000);
    client.send("x".repeat(600));
    let start = std::time::Instant::now();
    // Far more often than every 300 ms, and far from a thousand before that is over.
    while start.elapsed() < 3 * pause && client.try_send("x") {
        std::thread::sleep(pause / 30);
    }
    client.answer().problem(408);
    world.assert_untouched();
}

#[test]
fn who_was_asked_for_a_body_that_is_too_large_reads_why_it_is_refused() {
    let mut world = Observed::new();
    let mut client = world.server.client();
    client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.head().status, 100);
    for _ in 0..40 {
        client.send(format!("10000\r\n{}\r\n", "x".repeat(1 << 16)));
    }
    client.send("0\r\n\r\n");
    client.answer().problem(413);
    world.assert_untouched();
}

#[test]
fn a_byte_now_and_then_does_not_keep_a_body_open_for_ever() {
    let body_timeout = Duration::from_millis(300);
    let mut world = Observed::start(Way::Socket, Config { body_timeout, ..config(Way::Socket) });
    for path in ["/broadcast", "/publish"] {
        let mut client = world.server.client();
        client.send(format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n"));
        let start = Instant::now();
        while start.elapsed() < 10 * body_timeout && client.try_send("x") {
            // The test is about the pause.
            thread::sleep(body_timeout / 20);
        }
        assert!(client.answer().problem(408).contains("too slow"), "{path}");
        world.assert_untouched();
    }
}

/// One worker takes the bytes of its sockets in turn: behind two answers it has been to all of them.
fn has_taken_what_was_sent(world: &Observed) {
    (0..2).for_each(|_| assert_eq!(world.server.get("/healthz").status, 200));
}

/// Sends all but the last byte of `count` bodies that fill the room, over HTTP/1.1. They have to be kept.
fn fill(world: &Observed, count: usize, bytes: usize) -> Vec<Client> {
    let begin_one = |_| {
        let mut client = world.server.client();
        begin(&mut client, bytes + 1);
        client.send(vec![b'x'; bytes]);
        client
    };
    (0..count).map(begin_one).collect()
}

#[test]
fn bodies_that_lack_a_byte_make_room_for_others_as_soon_as_they_have_fallen_behind() {
    for path in ["/clients/nobody", "/publish?client=nobody"] {
        let mut config = Config { bodies_bytes_max: 64_000, ..config(Way::Socket) };
        config.core.shards = 1;
        let mut world = Observed::start(Way::Socket, config);
        let mut slow = fill(&world, 64, 1_000);
        // From here on nothing fits, whether or not they have fallen behind already.
        has_taken_what_was_sent(&world);
        let publish = || world.server.post(path, &[], [b'x'; 900]).status;
        until("one of them had to go", || publish() == 202);
        let h2 = H2::open(world.server.address);
        assert_eq!(h2.request("POST", path, &[], &[b'x'; 1_000]).status, 202);
        // Connections that were not in the way are still there.
        let (mut taken, mut cut) = (0, 0);
        for client in &mut slow {
            client.try_send("x");
            match client.answer().status {
                202 => taken += 1,
                408 => cut += 1,
                status => panic!("{status}"),
            }
        }
        assert!(cut >= 1 && taken >= 32, "{cut} were cut, {taken} were not");
        for _ in 0..taken {
            world.observer.data();
        }
        world.assert_untouched();
    }
}

#[test]
fn bodies_of_one_http_2_connection_have_half_of_the_room_together() {
    let mut world = Observed::start(Way::Socket, Config { bodies_bytes_max: 64_000, ..config(Way::Socket) });
    let h2 = H2::open(world.server.address);
    // Once all bodies have come. One has to go if the machine has stood still and they have fallen behind.
    let all_have_come = || {
        let unfinished: Vec<_> = (0..32).map(|_| h2.begin("/broadcast", &[b'x'; 1_000])).collect();
        let start = Instant::now();
        while h2.request("POST", "/clients/nobody", &[], b"x").status != 503 {
            if start.elapsed() > FALLEN_BEHIND / 2 {
                return None;
            }
        }
        Some(unfinished)
    };
    let mut unfinished = None;
    until("they are half of it", || {
        unfinished = all_have_come();
        unfinished.is_some()
    });
    assert_eq!(world.server.post("/clients/nobody", &[], [b'x'; 31_999]).status, 202, "others have the other half");
    drop(unfinished);
    until("it was given back", || h2.request("POST", "/clients/nobody", &[], &[b'x'; 60_000]).status == 202);
    world.assert_untouched();
}
