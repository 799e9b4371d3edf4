//! `fanfare token explain`: what a token says, which rules it keeps, and what it allows here.

use crate::{
    Keys, SECRET, hs256, mint, run_with_input,
    site::{Site, write},
    support::{fanfare, run, settings::File},
    token,
};

fn explain(flags: &[&str], token: &str) -> (i32, String) {
    let (code, text) = run_with_input(fanfare().args(["token", "explain"]).args(flags), token);
    assert!(!text.contains("s3cr3t") && !text.contains(token), "{text}");
    (code, text)
}

#[test]
fn a_good_token_is_told_with_what_it_allows() {
    let token = token(&["--subscribe=news.*", "--publish=orders.42", "--client=42", "--limit=streams=3", "--kid=k"]);
    let (code, text) = explain(&[&hs256(), "--public=free"], &token);
    assert_eq!(code, 0, "{text}");
    for said in [
        "HS256, kid k",
        "sub: \"42\"",
        "the signature is of a key: yes",
        "holder, in the log: default/42",
        "client: 42",
        "may follow and read: news.*, and free (public)",
        "may publish to channels: orders.42",
        "may publish to all: no",
        "streams at most: 3",
        "in 59m",
    ] {
        assert!(text.contains(said), "{said:?} is not in {text}");
    }
    let (code, text) = run(fanfare().args(["token", "explain", &token, &hs256()]));
    assert!(code == 0 && text.contains("may follow and read: news.*"), "{text}");
    let file = File::new(format!("token-key = ['HS256:{SECRET}']\nheartbeat = '9s'"));
    let (code, text) = explain(&["-", "--config", file.path.to_str().unwrap()], &token);
    assert!(code == 0 && text.contains("may follow and read: news.*"), "{text}");
}

#[test]
fn a_bad_token_is_told_with_the_rule_that_refuses_it() {
    let good = token(&["--subscribe=news"]);
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let other = mint(&format!("HS256:{}", SECRET.to_uppercase()), &["--subscribe=news"]);
    let endless = token(&["--expires=never"]);
    let unsigned = "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.";
    for (token, flags, said) in [
        (&forged[..], &[][..], "refused: the token's signature fits no key (issuer default)"),
        (&other, &[], "refused: the token's signature fits no key"),
        (&endless, &[], "refused: the token has no exp"),
        (unsigned, &[], "refused: the token has the algorithm `none`"),
        (&good, &["--token-audience=push"], "aud: no: the token has no aud"),
        (&good, &["--token-issuer=i"], "refused: the token has no iss"),
        ("a.b", &[], "refused: the token is not three parts"),
        ("", &[], "refused: the token is not three parts"),
    ] {
        let (code, text) = run_with_input(fanfare().args(["token", "explain", &hs256()]).args(flags), token);
        assert!(code == 1 && text.contains(said) && !text.contains("s3cr3t"), "{said}: {text}");
    }
    let (code, text) = explain(&[], &good);
    assert!(code == 2 && text.contains("give --token-key"), "{text}");
}

#[test]
fn an_expired_token_is_told_with_its_end() {
    let token = token(&["--subscribe=news", "--expires=1s"]);
    let mut said = String::new();
    crate::support::until("the token has expired", || {
        let (code, text) = explain(&[&hs256(), "--token-leeway=0s"], &token);
        said = text;
        code == 1
    });
    assert!(said.contains("refused: the token has expired (issuer default)") && said.contains(" ago)"), "{said}");
}

#[test]
fn the_keys_behind_an_address_are_fetched_for_it() {
    let keys = Keys::new();
    let [private, public] = keys.pair("ed", crate::ED25519);
    let set = format!(r#"{{"keys":[{}]}}"#, keys.jwk("k", &public));
    let site = Site::new(move |_, stream| write(stream, "200 OK", "", &set));
    let token = mint(&format!("EdDSA:{private}"), &["--subscribe=news", "--kid=k"]);
    let (code, text) = explain(&[&format!("--token-key=JWKS:{}", site.url)], &token);
    assert!(code == 0 && text.contains("may follow and read: news"), "{text}");
    let gone = Site::new(|_, stream| write(stream, "500 Internal Server Error", "", ""));
    let (code, text) = explain(&[&format!("--token-key=JWKS:{}", gone.url)], &token);
    assert!(code == 1 && text.contains("cannot be fetched: the answer is 500") && text.contains("no key"), "{text}");
}

#[test]
fn the_key_of_a_publisher_is_explained_too() {
    let keys = Keys::new();
    let made = crate::publishers::made(&["--name=ci", "--publish=builds.*"]);
    let file = keys.write("keys.toml", &made.entry);
    let (code, text) = explain(&["--api-keys", &file], &made.key);
    assert!(code == 0 && text.contains("publisher ci") && text.contains("may publish to channels: builds.*"), "{text}");
    let (code, text) = explain(&["--api-keys", &file], "ffk_other");
    assert!(code == 1 && text.contains("refused: the key that was shown is not known"), "{text}");
}
