//! Tokens from `fanfare token mint` to a server that knows the other half of the key.

use crate::{
    ED25519, Keys, hs256, mint, publish, read, run_with_input, served, status,
    support::{PATIENCE, Process, fanfare, run, server::Server, settings::File, wire::EventStream},
    token,
};

#[test]
fn a_token_of_each_algorithm_does_what_it_grants_and_nothing_else() {
    let keys = Keys::new();
    let rsa = keys.pair("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let p256 = keys.pair("p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    let p384 = keys.pair("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384");
    let ed = keys.pair("ed", ED25519);
    let secret = crate::SECRET.to_owned();
    for (algorithm, [private, public]) in [
        ("HS256", &[secret.clone(), secret.clone()]),
        ("HS384", &[secret.clone(), secret.clone()]),
        ("HS512", &[secret.clone(), secret.clone()]),
        ("RS256", &rsa),
        ("PS256", &rsa),
        ("ES256", &p256),
        ("ES384", &p384),
        ("EdDSA", &ed),
    ] {
        let server = served(&[&format!("--token-key={algorithm}:{public}")]);
        let grants = ["--subscribe=news.*", "--publish=orders.42", "--client=42"];
        let token = mint(&format!("{algorithm}:{private}"), &grants);
        assert_eq!(read(&server, "news.a", Some(&token)), 200, "{algorithm}");
        assert_eq!(read(&server, "orders.42", Some(&token)), 403, "{algorithm}");
        assert_eq!(publish(&server, "orders.42", Some(&token)), 202, "{algorithm}");
        assert_eq!(publish(&server, "news.a", Some(&token)), 403, "{algorithm}");
        assert_eq!([read(&server, "news.a", None), publish(&server, "orders.42", None)], [401, 401], "{algorithm}");
        let forged = format!("{}AAAA", &token[..token.len() - 4]);
        assert_eq!(read(&server, "news.a", Some(&forged)), 401, "{algorithm}");
    }
}

#[test]
fn a_private_key_is_not_one_that_checks_and_a_public_one_is_not_one_that_signs() {
    let keys = Keys::new();
    let [private, public] = keys.pair("ed", ED25519);
    let (code, text) = run(fanfare().arg("serve").arg(format!("--token-key=EdDSA:{private}")));
    assert!(code == 2 && text.contains("-pubout") && text.contains("--token-key"), "{text}");
    let (code, text) = run(fanfare().args(["token", "mint", "--key"]).arg(format!("EdDSA:{public}")));
    assert!(code == 2 && text.contains("--key") && text.contains(&public), "{text}");
}

#[test]
fn a_token_comes_in_a_cookie_or_in_the_query_too() {
    let token = token(&["--subscribe=news"]);
    let (default, other, off) =
        (served(&[&hs256()]), served(&[&hs256(), "--token-cookie=t"]), served(&[&hs256(), "--token-cookie=off"]));
    let cookie = |server: &Server, name: &str| {
        status(server, "GET", "/channels/news", &[("cookie", &format!("a=b; {name}={token}"))])
    };
    assert_eq!([cookie(&default, "fanfare_token"), cookie(&default, "t")], [200, 401]);
    assert_eq!([cookie(&other, "fanfare_token"), cookie(&other, "t")], [401, 200]);
    assert_eq!([cookie(&off, "fanfare_token"), cookie(&off, "off")], [401, 401]);
    assert_eq!(status(&off, "GET", &format!("/channels/news?access_token={token}"), &[]), 200);
}

#[test]
fn public_channels_need_no_token_for_reading_and_for_writing_apart() {
    let mut server = served(&[&hs256(), "--public=news.*", "--public-publish=in"]);
    let said =
        "reading is private, publishing is private; tokens of default; public to read: news.*; public to publish: in";
    assert!(server.process.has_said(said), "{:#?}", server.process.seen());
    assert_eq!(["news.a", "other", "in"].map(|channel| read(&server, channel, None)), [200, 401, 401]);
    assert_eq!(["news.a", "other", "in"].map(|channel| publish(&server, channel, None)), [401, 401, 202]);
}

#[test]
fn each_issuer_has_its_own_keys_and_rules() {
    let keys = Keys::new();
    let [first, second] = ["a", "b"].map(|name| keys.pair(name, ED25519));
    let table = |name: &str, public: &str, rest: &str| {
        format!("[[issuer]]\nname = '{name}'\nkeys = ['EdDSA:{public}']\niss = 'https://{name}'\n{rest}\n")
    };
    let text = table("a", &first[1], "aud = ['push']") + &table("b", &second[1], "exp-required = false");
    let file = File::new(text);
    let server = served(&[&format!("--config={}", file.path.display())]);
    let with = |private: &str, flags: &[&str]| {
        let token = mint(&format!("EdDSA:{private}"), &[&["--subscribe=news"], flags].concat());
        read(&server, "news", Some(&token))
    };
    assert_eq!(with(&first[0], &["--iss=https://a", "--aud=push"]), 200);
    assert_eq!(with(&first[0], &["--iss=https://a"]), 401, "no audience");
    assert_eq!(with(&first[0], &["--iss=https://a", "--aud=push", "--expires=never"]), 401, "no end");
    assert_eq!(with(&second[0], &["--iss=https://b", "--expires=never"]), 200);
    assert_eq!(with(&second[0], &["--iss=https://a", "--aud=push"]), 401, "the key of another");
    assert_eq!(with(&second[0], &[]), 401, "no issuer");
}

#[test]
fn the_settings_of_a_token_are_its_rules() {
    let rules = ["--token-issuer=i", "--token-audience=x,y", "--token-without-exp"];
    let server = served(&[&[hs256().as_str()], &rules[..]].concat());
    let with = |flags: &[&str]| read(&server, "news", Some(&token(&[&["--subscribe=news"], flags].concat())));
    assert_eq!(with(&["--iss=i", "--aud=y", "--expires=never"]), 200);
    assert_eq!([with(&["--iss=i"]), with(&["--aud=x"]), with(&["--iss=j", "--aud=x"])], [401; 3]);
    let strict = served(&[&hs256()]);
    assert_eq!(read(&strict, "news", Some(&token(&["--subscribe=news", "--expires=never"]))), 401);
}

#[test]
fn publish_and_subscribe_show_the_token() {
    let server = served(&[&hs256()]);
    let url = format!("{}/channels/news", server.url);
    let (reads, writes) = (token(&["--subscribe=news"]), token(&["--publish=news"]));
    let mut subscriber = Process::start(
        fanfare()
            .args(["subscribe", &server.url, "--channel=news", "--max-events=1", "--json"])
            .env("FANFARE_TOKEN", &reads),
    );
    let mut server = server;
    server.process.line_with("open connection=");
    let (code, text) = run(fanfare().args(["publish", &url, "hello", "--token", &writes]));
    assert_eq!(code, 0, "{text}");
    subscriber.line_with("hello");
    assert!(subscriber.exit().success());

    let (code, text) = run(fanfare().args(["publish", &url, "hello"]));
    assert!(code == 1 && text.contains("--token"), "{text}");
    let (code, text) = run(fanfare().args(["subscribe", &url]));
    assert!(code == 1 && text.contains("FANFARE_TOKEN"), "{text}");
    let both = ["publish", &url, "hello", "--token=t0k3n", "--key=k3y"];
    let (code, text) = run(fanfare().args(both));
    assert!(code == 2 && text.contains("leave one of them out") && !text.contains("k3"), "{text}");
    for bad in ["", "t0k3n word"] {
        let (code, text) = run(fanfare().args(["subscribe", &url]).env("FANFARE_TOKEN", bad));
        assert!(code == 2 && text.contains("FANFARE_TOKEN") && !text.contains("t0k3n"), "{text}");
    }
}

#[test]
fn a_redirect_to_another_server_does_not_take_the_token_along() {
    let [first, second] = [(); 2].map(|()| crate::support::peer::Peer::new());
    let mut subscriber = Process::start(fanfare().args(["subscribe", &first.url()]).env("FANFARE_TOKEN", "t0k3n"));
    let mut exchange = first.next();
    assert_eq!(exchange.header("authorization"), Some("Bearer t0k3n"));
    exchange.write(format!(
        "HTTP/1.1 307 x\r\nlocation: {}/sse\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        first.url()
    ));
    let mut exchange = first.next();
    assert_eq!(exchange.header("authorization"), Some("Bearer t0k3n"), "the same server");
    exchange.write(format!(
        "HTTP/1.1 307 x\r\nlocation: {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        second.url()
    ));
    let exchange = second.next();
    assert_eq!(exchange.header("authorization"), None);
    exchange.answer("204 No Content", "text/plain", "");
    assert!(subscriber.exit().success());
}

#[test]
fn a_stream_ends_with_its_token_and_tells_the_client_to_come_back_at_once() {
    let server = served(&[&hs256(), "--token-leeway=0s"]);
    let token = token(&["--subscribe=news", "--expires=1s"]);
    let started = std::time::Instant::now();
    let mut stream =
        EventStream::open_with(server.address, "/channels/news", &[("authorization", &format!("Bearer {token}"))])
            .unwrap();
    while stream.next().unwrap().is_some() {}
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    assert_eq!(read(&server, "news", Some(&token)), 401);
}

#[test]
fn what_cannot_be_minted_is_told_without_the_key() {
    let mint =
        |key: &str, flags: &[&str]| run(fanfare().args(["token", "mint"]).env("FANFARE_TOKEN_KEY", key).args(flags));
    let good = format!("HS256:{}", crate::SECRET);
    for (key, flags, said) in [
        ("s3cr3t", &[][..], "a key begins with its algorithm"),
        ("JWKS:s3cr3t.json", &[], "a JWK set checks tokens and signs none"),
        ("RS256:/nowhere.pem", &[], "/nowhere.pem"),
        (&format!("{good},RS256:/nowhere.pem"), &[], "a comma separates keys"),
        (&good, &["--limit=streams"], "streams=3"),
        (&good, &["--limit=bananas=3"], "there is no limit `bananas`"),
        (&good, &["--limit=streams=4294967296"], "from 0 to 4294967295"),
        (&good, &["--subscribe="], "must not be empty"),
        (&good, &["--expires=soon"], "duration"),
        (&good, &["--expires=0s"], "at least 1s"),
    ] {
        let (code, text) = mint(key, flags);
        assert!(code == 2 && text.contains(said) && !text.contains("s3cr3t"), "{key} {flags:?}: {code} {text}");
    }
    let (code, text) = run(fanfare().args(["token", "mint"]));
    assert!(code == 2 && text.contains("FANFARE_TOKEN_KEY"), "{text}");
    let (code, text) = run_with_input(fanfare().args(["token", "key", "--hash"]), "");
    assert!(code == 2 && text.contains("1 to 8192 bytes"), "{text}");
}
