//! Files of keys are read again when they change, and at SIGHUP. A bad file changes nothing.

use std::sync::{Arc, Mutex, mpsc};

use crate::{
    ED25519, Keys, mint, publish,
    publishers::made,
    read, served,
    site::{Site, write},
    support::{PATIENCE, server::Server, settings::File},
};

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
    server.process.line_with("SIGHUP: settings and files are read again");
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

/// A server with these settings in a file, which can change.
fn with_file(text: &str) -> (File, Server) {
    let file = File::new(text);
    let server = Server::started(file.command().args(["--listen=127.0.0.1:0", "--shards=1"]));
    (file, server)
}

/// Has the settings read again, and waits until this has changed.
fn change(file: &File, server: &mut Server, text: &str, said: &str) {
    std::fs::write(&file.path, text).unwrap();
    server.process.signal("HUP");
    server.process.line_with(said);
}

#[test]
fn keys_that_were_fetched_stay_when_other_rules_change() {
    let keys = Keys::new();
    let [private, public] = keys.pair("a", ED25519);
    let token = mint(&format!("EdDSA:{private}"), &["--subscribe=news", "--kid", "a"]);
    let set = format!(r#"{{"keys":[{}]}}"#, keys.jwk("a", &public));
    let site = Site::new(move |_, stream| write(stream, "200 OK", "", &set));
    let key = format!("token-key = ['JWKS:{}/']\n", site.url);
    let (file, mut server) = with_file(&key);
    server.process.line_with("keys of the issuer default at ");
    assert_eq!([read(&server, "news", Some(&token)), read(&server, "open", None)], [200, 401]);
    change(&file, &mut server, &format!("{key}public = ['open']"), "changed: public = [\"open\"]");
    assert_eq!([read(&server, "news", Some(&token)), read(&server, "open", None)], [200, 200]);
    assert_eq!(site.requests().len(), 1, "they are the same keys");
    change(&file, &mut server, &format!("{key}token-leeway = '6s'"), "changed: token-leeway = \"6s\"");
    assert_eq!([read(&server, "news", Some(&token)), read(&server, "open", None)], [200, 401]);
    assert_eq!(site.requests().len(), 1, "they are the same keys");
}

#[test]
fn a_question_that_is_under_way_is_answered_though_another_application_decides_from_now_on() {
    let (answer, may_answer) = mpsc::channel::<()>();
    let (asked, is_asked) = mpsc::channel::<()>();
    let (may_answer, asked) = (Mutex::new(may_answer), Arc::new(Mutex::new(asked)));
    let old = Site::new(move |_, stream| {
        asked.lock().unwrap().send(()).unwrap();
        may_answer.lock().unwrap().recv().unwrap();
        write(stream, "200 OK", "content-type: application/json\r\n", r#"{"allow":true}"#)
    });
    let new =
        Site::new(|_, stream| write(stream, "200 OK", "content-type: application/json\r\n", r#"{"allow":false}"#));
    let of = |site: &Site| format!("authorize-url = '{}/may'\nauthorize-timeout = '20s'", site.url);
    let (file, mut server) = with_file(&of(&old));
    std::thread::scope(|scope| {
        let address = server.address;
        let waiting = scope.spawn(move || crate::support::wire::EventStream::open(address, "/channels/news", None));
        is_asked.recv_timeout(PATIENCE).unwrap();
        change(&file, &mut server, &of(&new), "changed: authorize-url = ");
        assert_eq!(read(&server, "news", None), 403);
        answer.send(()).unwrap();
        assert!(waiting.join().unwrap().is_ok(), "the old one has allowed it");
    });
}
