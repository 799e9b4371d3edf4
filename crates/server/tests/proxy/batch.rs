//! An NDJSON batch through nginx: each line is published before the next one exists, and the batch may be long.

use std::{
    io::{Write as _, pipe},
    process::Stdio,
};

use crate::{
    SILENT, Site, data,
    support::{Process, fanfare},
};

#[test]
fn a_line_of_a_batch_is_published_before_the_batch_has_ended() {
    let site = Site::start(SILENT, &[]);
    let mut stream = site.stream("/channels/a", None);
    let (input, mut lines) = pipe().unwrap();
    let mut command = fanfare();
    command.args(["publish", &site.nginx.url(), "--ndjson"]);
    let mut publisher = Process::start_with_input(&mut command, Stdio::from(input));
    drop(command);
    for number in 0..3 {
        writeln!(lines, r#"{{"channel":"a","data":"{number}"}}"#).unwrap();
        assert_eq!(data(&mut stream), number.to_string());
    }
    // Together more than a single publish may have.
    let large = "x".repeat(600 << 10);
    for _ in 0..3 {
        writeln!(lines, r#"{{"channel":"a","data":"{large}"}}"#).unwrap();
        assert!(data(&mut stream) == large, "it comes as it is");
    }
    drop(lines);
    publisher.line_with(r#""published":6"#);
    assert_eq!(publisher.exit().code(), Some(0));
}
