//! Options of an event that a publish may not have.

use crate::Observed;

#[test]
fn event_types_and_ids_that_would_forge_lines_are_400() {
    let mut world = Observed::new();
    for option in ["event", "id"] {
        for value in ["a%0aid: 7", "a%0d", "%00", "%c2%85", "a%0d%0a%0d%0adata: x", "tab%09", "%1b"] {
            let value = value.replace(' ', "+");
            world.refuse(400, &format!("/broadcast?{option}={value}"), &[], b"x", "control");
        }
        let long = "x".repeat(257);
        world.refuse(400, &format!("/broadcast?{option}={long}"), &[], b"x", "256");
        world.refuse(400, &format!("/broadcast?{option}="), &[], b"x", "empty");
        world.refuse(400, &format!("/broadcast?{option}=%ff"), &[], b"x", "UTF-8");
        world.refuse(400, &format!("/broadcast?{option}=%"), &[], b"x", "percent");
    }
}

#[test]
fn event_types_and_ids_of_the_server_itself_are_400() {
    let mut world = Observed::new();
    for kind in ["fanfare.", "fanfare.gap", "fanfare.%C3%BC"] {
        world.refuse(400, &format!("/broadcast?event={kind}"), &[], b"x", "fanfare.");
    }
    for id in ["12-34", "0-0", "1767225600000-0", "99999999999999999999999-1"] {
        world.refuse(400, &format!("/broadcast?id={id}"), &[], b"x", "digits-digits");
    }
}

#[test]
fn a_retry_out_of_range_or_not_a_number_is_400() {
    let mut world = Observed::new();
    for retry in ["0", "99", "86400001", "18446744073709551616", "99999999999999999999999999"] {
        world.refuse(400, &format!("/broadcast?retry={retry}"), &[], b"x", "retry");
    }
    for retry in ["", "x", "1e3", "-100", "%2b100", "100.0", "+100", "1000%20", "0x64", "%D9%A1%D9%A0%D9%A0"] {
        world.refuse(400, &format!("/broadcast?retry={retry}"), &[], b"x", "number");
    }
}

#[test]
fn unknown_values_of_known_parameters_are_400() {
    let mut world = Observed::new();
    for (option, known) in [
        ("keep=maybe", "no"),
        ("keep=", "no"),
        ("wait=1", "written"),
        ("wait=", "written"),
        ("encoding=gzip", "base64"),
        ("encoding=", "base64"),
    ] {
        world.refuse(400, &format!("/broadcast?{option}"), &[], b"x", known);
    }
}

#[test]
fn a_parameter_given_twice_is_400() {
    let mut world = Observed::new();
    for option in ["event=a", "id=a", "retry=1000", "keep=no", "wait=written", "encoding=base64"] {
        let name = option.split_once('=').unwrap().0;
        world.refuse(400, &format!("/broadcast?{option}&{option}"), &[], b"x", name);
    }
}

#[test]
fn a_compressed_body_is_415() {
    let mut world = Observed::new();
    for coding in ["gzip", "br", "deflate", "identity, gzip", "x"] {
        for path in ["/broadcast", "/channels/a", "/clients/observer", "/ping/observer"] {
            world.refuse(415, path, &[("Content-Encoding", coding)], b"x", "compressed");
        }
    }
    let answer = world.server.post("/broadcast", &[("Content-Encoding", "Identity")], "plain");
    assert_eq!(answer.status, 202);
    assert_eq!(world.observer.data(), "plain");
}
