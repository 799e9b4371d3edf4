//! Files of keys are read again when they change, and at SIGHUP. A bad file changes nothing.

use crate::{ED25519, Keys, mint, publish, publishers::made, read, served};

#[test]
fn keys_of_publishers_change_while_the_server_runs() {
    let keys = Keys::new();
    let (old, new) = (made(&["--name=old", "--publish=*"]), made(&["--name=new", "--publish=*"]));
    let file = keys.write("keys.toml", &old.entry);
    let mut server = served(&["--api-keys", &file]);
    keys.write("keys.toml", &new.entry);
    server.process.line_with("keys.toml: read again: new");
    assert_eq!([&old, &new].map(|made| publish(&server, "a", Some(&made.key))), [401, 202]);

    keys.write("keys.toml", "[[key]]\nname = 'half'");
    let line = server.process.line_with("keys.toml: not changed: ");
    assert!(line.contains("line 1: the key needs a hash") && line.contains("the old one stays in use"), "{line}");
    assert_eq!(publish(&server, "a", Some(&new.key)), 202);

    keys.write("keys.toml", &(old.entry + &new.entry));
    server.process.signal("HUP");
    server.process.line_with("SIGHUP: keys are read again");
    server.process.line_with("keys.toml: read again: old, new");
    assert_eq!(publish(&server, "a", Some(&old.key)), 202);
    server.process.signal("HUP");
    server.process.line_with("keys.toml: unchanged");
}

#[test]
fn keys_of_an_issuer_change_while_the_server_runs() {
    let keys = Keys::new();
    let [[first, pem], [second, next]] = ["a", "b"].map(|name| keys.pair(name, ED25519));
    let [old, new] = [first, second].map(|private| mint(&format!("EdDSA:{private}"), &["--subscribe=news"]));
    let mut server = served(&[&format!("--token-key=EdDSA:{pem}")]);
    assert_eq!([&old, &new].map(|token| read(&server, "news", Some(token))), [200, 401]);
    std::fs::write(&pem, "no key").unwrap();
    server.process.signal("HUP");
    let line = server.process.line_with("keys of the issuer default: not changed: ");
    assert!(line.contains(&pem) && line.contains("no PEM file"), "{line}");
    assert_eq!(read(&server, "news", Some(&old)), 200);
    std::fs::copy(next, &pem).unwrap();
    server.process.line_with("keys of the issuer default: read again: 1 key");
    assert_eq!([&old, &new].map(|token| read(&server, "news", Some(token))), [401, 200]);
}
