//! Nothing secret is printed: not by the log, not by `--check`, not by an error.

use crate::{
    SECRET, hs256, publish,
    publishers::made,
    read, served, status,
    support::{
        fanfare, run,
        settings::{File, checked, has},
    },
    token,
};

#[test]
fn the_log_has_neither_secrets_nor_tokens() {
    let keys = crate::Keys::new();
    let key = made(&["--name=ci", "--publish=news"]);
    let file = keys.write("keys.toml", &key.entry);
    let server = served(&[&hs256(), "--api-keys", &file, "--log=debug"]);
    let good = token(&["--subscribe=news", "--publish=news"]);
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    for token in [&good, &forged, &key.key] {
        read(&server, "news", Some(token));
        read(&server, "other", Some(token));
        publish(&server, "news", Some(token));
        publish(&server, "other", Some(token));
        for path in ["/channels/news", "/channels/other", "/nowhere", "/channels/news/history"] {
            status(&server, "GET", &format!("{path}?access_token={token}"), &[]);
            status(&server, "GET", path, &[("cookie", &format!("fanfare_token={token}"))]);
        }
        let answer = server.get(&format!("/readyz?access_token={token}"));
        assert!(!answer.body.contains(token.as_str()), "{answer:?}");
    }
    let log = server.log().join("\n");
    assert!(log.contains("the token's signature fits no key"), "the log says why: {log}");
    for secret in [SECRET, &good, &forged, &key.key, good.rsplit('.').next().unwrap()] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[test]
fn check_shows_keys_without_their_secrets() {
    let all = checked(fanfare().args(["serve", &hs256(), "--token-key=JWKS:https://a.example/k?s3cr3t"]));
    has(&all, "# token-key = [\"HS256:...\", \"JWKS:...\"]", "flag");
    let all = checked(fanfare().args(["serve", "--token-key=JWKS:https://a.example/k"]));
    has(&all, "token-key = [\"JWKS:https://a.example/k\"]", "flag");
    let file = File::new(format!("[[issuer]]\nname = 'a'\nkeys = ['HS256:{SECRET}']"));
    let (code, text) = run(file.command().arg("--check"));
    assert!(code == 0 && text.contains("# keys = [\"HS256:...\"]") && !text.contains("s3cr3t"), "{text}");
    for arguments in [&["--help"][..], &["serve", "--help"], &["token", "mint", "--help"], &["token", "explain", "-h"]]
    {
        let (code, text) = run(fanfare()
            .args(arguments)
            .env("FANFARE_TOKEN_KEY", format!("HS256:{SECRET}"))
            .env("FANFARE_TOKEN", SECRET));
        assert!(code == 0 && !text.contains("s3cr3t"), "{text}");
    }
}

#[test]
fn no_error_has_a_secret() {
    let serve = |value: &str| {
        [
            run(fanfare().arg("serve").arg(format!("--token-key={value}"))),
            run(fanfare().arg("serve").env("FANFARE_TOKEN_KEY", value)),
            run(&mut File::new(format!("token-key = ['{value}']")).command()),
            run(&mut File::new(format!("token-key = '{value}'")).command()),
            run(&mut File::new(format!("[[issuer]]\nname = 'a'\nkeys = ['{value}']")).command()),
            run(&mut File::new(format!("[[issuer]]\nname = 'a'\nkeys = '{value}'")).command()),
            run(&mut File::new(format!("[[issuer]]\nkeys = {value}")).command()),
        ]
    };
    for value in [
        "s3cr3t",
        "none:s3cr3t",
        "HS256:base64:s3cr3t!",
        "JWKS:https://u:s3cr3t@a.example",
        "JWKS:http://s3cr3t.example/",
    ] {
        for (code, text) in serve(value) {
            assert!(code == 2 && !text.contains("s3cr3t"), "{value}: {text}");
        }
    }
    let (code, text) = run(fanfare().args(["serve", "--authorize-url=http://u:s3cr3t@a"]));
    assert!(code == 2 && text.contains("--authorize-url") && !text.contains("s3cr3t"), "{text}");
}
