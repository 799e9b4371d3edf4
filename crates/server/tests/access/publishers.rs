//! Keys of publishers: `fanfare token key` makes them, and `--api-keys` reads them.

use std::process::Command;

use crate::{
    Keys, publish, read, run_with_input, served,
    support::{fanfare, run, server::Server},
};

/// A key, and its entry for the file.
pub(crate) struct Made {
    pub(crate) key: String,
    pub(crate) entry: String,
}

pub(crate) fn made(flags: &[&str]) -> Made {
    let output = fanfare().args(["token", "key"]).args(flags).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (key, entry) = (text(output.stdout), text(output.stderr));
    assert!(key.starts_with("ffk_") && key.ends_with('\n') && key.lines().count() == 1, "{key}");
    assert!(!entry.contains(key.trim()), "{entry}");
    Made { key: key.trim().to_owned(), entry }
}

#[test]
fn a_key_publishes_where_its_entry_says_and_has_its_name_in_the_log() {
    let keys = Keys::new();
    let (ci, shop) = (made(&["--name=ci", "--publish=builds.*"]), made(&["--name=shop", "--publish=orders"]));
    let file = keys.write("keys.toml", &(ci.entry + &shop.entry));
    let server = served(&["--api-keys", &file]);
    let with = |key: &str| ["builds.a", "orders"].map(|channel| publish(&server, channel, Some(key)));
    assert_eq!(with(&ci.key), [202, 403]);
    assert_eq!(with(&shop.key), [403, 202]);
    assert_eq!([publish(&server, "orders", None), publish(&server, "orders", Some("ffk_x"))], [401, 401]);
    assert_eq!(read(&server, "orders", None), 200, "reading is public");
    let log = server.log().join("\n");
    assert!(log.contains("shop has no grant to publish to"), "{log}");
    assert!(!log.contains(&ci.key) && !log.contains(&shop.key), "{log}");
}

#[test]
fn a_key_of_ones_own_has_a_hash_for_the_file() {
    let keys = Keys::new();
    let (code, hash) = run_with_input(fanfare().args(["token", "key", "--hash"]), "my own key\n");
    assert_eq!(code, 0, "{hash}");
    let file = keys.write("keys.toml", &format!("[[key]]\nname = \"own\"\nhash = \"{hash}\"\npublish = [\"*\"]\n"));
    let server = served(&["--api-keys", &file]);
    assert_eq!(publish(&server, "any", Some("my own key")), 202);
}

#[test]
fn an_entry_has_all_that_the_flags_say() {
    let flags =
        ["--name=all", "--publish=*", "--clients=4*", "--all", "--limit=publishes_per_second=5", "--expires=1h"];
    let entry = made(&flags).entry;
    for line in ["[[key]]", "name = \"all\"", "publish = [\"*\"]", "clients = [\"4*\"]", "all = true"] {
        assert!(entry.lines().any(|of_entry| of_entry == line), "{line}: {entry}");
    }
    assert!(entry.contains("limits = { publishes_per_second = 5 }") && entry.contains("expires = \"20"), "{entry}");
    for (bad, said) in
        [(["--name=a b", "--all"], "letters, digits"), (["--name=a", "--limit=x=1"], "there is no limit `x`")]
    {
        let (code, text) = run(fanfare().args(["token", "key"]).args(bad));
        assert!(code == 2 && text.contains(said) && !text.contains("ffk_"), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_line() {
    let keys = Keys::new();
    for (text, said) in [
        ("[[key]]\nname = 'a'\n", "keys.toml, line 1: the key needs a hash"),
        ("\n[key]\n", "line 2: the file has tables [[key]] and nothing else"),
        ("[[key]]\nname = \n", "line 2: this is no TOML"),
    ] {
        let file = keys.write("keys.toml", text);
        for check in [&[][..], &["--check"]] {
            let (code, printed) = run(fanfare().args(["serve", "--api-keys", &file]).args(check));
            assert!(code == 2 && printed.contains("--api-keys: ") && printed.contains(said), "{printed}");
        }
    }
    let (code, printed) = run(fanfare().args(["serve", "--api-keys", &keys.path("nowhere")]));
    assert!(code == 2 && printed.contains("nowhere: No such file"), "{printed}");
}

#[test]
fn other_machines_may_connect_once_there_are_keys_of_publishers() {
    let keys = Keys::new();
    let file = keys.write("keys.toml", &made(&["--name=ci", "--all"]).entry);
    let mut command: Command = fanfare();
    Server::started(command.args(["serve", "--listen=0.0.0.0:0", "--api-keys", &file]));
}
