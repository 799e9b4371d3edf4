//! The checks of health of the image and of the nodes in compose.yaml, with the `wget` that the image has: that of busybox.

use std::fs;

use crate::{
    desk::{Desk, need_programs_of},
    network,
    site::run,
    support::{PATIENCE, Process},
    tree::root,
};

/// The words of the check in a line like `... CMD ["wget", "-q", "http://..."]` or `test: [CMD, wget, -q, "http://..."]`.
fn words_of(line: &str) -> Vec<String> {
    let (_, list) = line.rsplit_once('[').expect("the check is a list of words");
    let words = list.trim_end_matches(']').split(',').map(|word| word.trim().trim_matches('"').to_owned());
    words.filter(|word| word != "CMD").collect()
}

#[track_caller]
fn check_in(path: &str, start: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let line = text.lines().map(str::trim).find(|line| line.starts_with(start));
    words_of(line.unwrap_or_else(|| panic!("{path} has no {start}")))
}

#[test]
fn the_checks_of_health_pass_while_fanfare_serves_and_fail_when_nothing_does() {
    network::alone("image::the_checks_of_health_pass_while_fanfare_serves_and_fail_when_nothing_does", || {
        need_programs_of("busybox");
        let desk = Desk::new();
        let checks =
            [check_in("Dockerfile", "HEALTHCHECK"), check_in("examples/two-nodes/compose.yaml", "test: [CMD, wget")];
        let ask = |words: &[String]| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            run(&desk, &mut desk.program("busybox", &words), PATIENCE).unwrap().0
        };
        for check in &checks {
            assert_ne!(ask(check), 0, "nothing serves: {check:?}");
        }
        let mut server = desk.program("fanfare", &["serve"]);
        let server = server.env("FANFARE_LISTEN", "0.0.0.0:3000").env("FANFARE_PUBLISH_KEY", "secret");
        let mut server = Process::start(server);
        server.url();
        for check in &checks {
            assert_eq!(ask(check), 0, "{check:?}");
        }
    });
}
