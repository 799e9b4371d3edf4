//! An application that decides.

use std::{sync::Arc, thread};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use fanfare_grants::{Algorithm, Grant, Issuer, IssuerConfig, KeySet, Mint, SigningKey, Tokens};
use fanfare_http::{Access, Act, ClientId, Config, Decision, Gate, Question};
use serde_json::json;
use tokio::{runtime::Builder, time::timeout};

use crate::support::{
    PATIENCE,
    server::{ALL_WAYS, Server, Way, config},
    tokens::{Application, access, bearer, guarded, now, patterns, token},
};

fn asking(application: &Arc<Application>, more: Access) -> Access {
    Access { application: Some(Arc::clone(application) as _), ..more }
}

#[test]
fn it_allows_denies_or_gives_a_grant() {
    for way in ALL_WAYS {
        let application = Application::new(|question| match question.channels.first().map(String::as_str) {
            Some("yes") => Decision::Allow,
            Some("granted" | "more") => Decision::Grant(Box::new(Grant {
                subscribe: patterns(&["granted"]),
                client: ClientId::new("ann").ok(),
                ..Grant::default()
            })),
            Some("broken") => Decision::Failed("it is asleep".to_owned()),
            _ => Decision::Deny("not that one".to_owned()),
        });
        let server = guarded(way, asking(&application, Access::default()));
        let mut yes = server.subscribe("/sse?channel=yes&id=me");
        let mut granted = server.subscribe("/channels/granted");
        server.publish("/channels/yes", "1");
        server.publish("/clients/me", "2");
        server.publish("/clients/ann", "3");
        assert_eq!([yes.data(), yes.data(), granted.data()], ["1", "2", "3"], "{way:?}");
        server.get("/channels/no").problem(403);
        server.get("/channels/no/history").problem(403);
        server.get("/channels/more").problem(403);
        server.get("/channels/broken").problem(503);
        let soft = server.client().request("GET", "/channels/broken", &[("accept", "text/event-stream")], b"");
        assert_eq!(soft.status, 200, "an EventSource comes back");
        assert!(soft.body.starts_with(b"retry: "), "{soft:?}");
    }
}

#[test]
fn it_is_told_who_asks_for_what_and_is_not_asked_where_a_token_or_a_pattern_decides() {
    let application = Application::new(|_| Decision::Allow);
    let access = Access { public: patterns(&["public"]), cookie: Some("t".into()), ..access() };
    let server = guarded(Way::Socket, asking(&application, access));
    let good = token(json!({ "subscribe": ["a"] }));
    assert_eq!(
        server.client().request("GET", "/channels/a/history", &[("authorization", &bearer(&good))], b"").status,
        200
    );
    server.client().request("GET", "/channels/b/history", &[("authorization", &bearer(&good))], b"").problem(403);
    assert!(application.asked.lock().unwrap().is_empty(), "a token that is good decides");
    let headers = [("cookie", "t=of another"), ("x-user", "7")];
    drop(server.subscribe_with("/sse?channel=a&channel=b.*&id=me", &headers));
    let asked = application.asked.lock().unwrap().pop().unwrap();
    assert_eq!((asked.act, asked.method.as_str(), asked.all), (Act::Subscribe, "GET", false));
    assert_eq!((asked.channels, asked.client), (vec!["a".to_owned(), "b.*".to_owned()], Some("me".to_owned())));
    assert_eq!((asked.address.to_string(), asked.token), ("127.0.0.1".to_owned(), Some(b"of another".to_vec())));
    assert_eq!(asked.headers["x-user"], "7");
    server.post("/channels/a", &[], "x").problem(401);
    assert!(application.asked.lock().unwrap().is_empty(), "it is not asked about publishes");
    assert_eq!(server.get("/channels/public/history").status, 200);
    assert!(application.asked.lock().unwrap().is_empty(), "everybody may");
}

#[test]
fn it_is_asked_about_publishes_if_the_rules_say_so() {
    let application = Application::new(|question| {
        assert_eq!(question.act, Act::Publish);
        match question {
            Question { all: true, .. } => Decision::Deny("too loud".to_owned()),
            question if question.is_batch() && question.headers.contains_key("x-grant") => {
                Decision::Grant(Box::new(Grant { publish: patterns(&["a"]), ..Grant::default() }))
            }
            _ => Decision::Allow,
        }
    });
    let server = guarded(Way::Socket, Access { asks_to_publish: true, ..asking(&application, Access::default()) });
    assert_eq!(server.post("/channels/a", &[], "x").status, 202);
    assert_eq!(server.post("/publish?client=ann", &[], "x").status, 202);
    server.post("/broadcast", &[], "x").problem(403);
    // Of a batch it knows nothing but who sends it, so to allow it would be to allow everything.
    server.post("/publish", &[], "{\"all\":true,\"data\":1}").problem(403);
    let lines = "{\"all\":true,\"data\":1}\n{\"channel\":\"a\",\"data\":2}";
    let answer = server.post("/publish", &[("x-grant", "1")], lines).json();
    assert_eq!((&answer["published"], &answer["failed"]), (&json!(1), &json!(1)));
    let asked: Vec<_> = application
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|asked| (asked.channels.clone(), asked.client.clone(), asked.all))
        .collect();
    let none = || (Vec::new(), None, false);
    assert_eq!(
        asked,
        [
            (vec!["a".to_owned()], None, false),
            (vec![], Some("ann".to_owned()), false),
            (vec![], None, true),
            none(),
            none()
        ]
    );
}

#[test]
fn one_that_panics_ends_the_connection_that_asked_and_no_other() {
    for way in ALL_WAYS {
        let application = Application::new(|question| {
            assert!(question.channels.iter().all(|channel| channel != "panic"), "on purpose");
            Decision::Allow
        });
        let server = guarded(way, asking(&application, Access::default()));
        let mut stream = server.subscribe("/channels/a");
        let mut client = server.client();
        client.send("GET /channels/panic HTTP/1.1\r\nHost: test\r\n\r\n");
        assert_eq!(client.until_closed(), b"", "{way:?}");
        server.publish("/channels/a", "on it goes");
        assert_eq!(stream.data(), "on it goes", "{way:?}");
        assert_eq!(server.get("/readyz").status, 200, "{way:?}");
    }
}

#[test]
fn a_token_with_a_key_that_nobody_knows_waits_for_the_keys_to_be_fetched() {
    fn secret(seed: u8) -> [u8; 32] {
        [seed; 32]
    }
    let set = |kid: &str, seed: u8| {
        let k = BASE64_URL_SAFE_NO_PAD.encode(secret(seed));
        json!({ "keys": [{ "kty": "oct", "kid": kid, "k": k, "alg": "HS256" }] }).to_string().into_bytes()
    };
    let token = |kid: &str, seed: u8| {
        let grant = Grant { subscribe: patterns(&["a"]), ..Grant::default() };
        let mint = Mint { kid: Some(kid.to_owned()), expires: Some(now() + 60), ..Mint::default() };
        mint.sign(&SigningKey::secret(Algorithm::Hs256, &secret(seed)).unwrap(), &grant).unwrap()
    };
    let keys = Arc::new(KeySet::new(vec![Algorithm::Hs256], KeySet::PAUSE_MS));
    keys.begin_fetch().finish(&set("old", 1)).unwrap();
    let issuer = Issuer::new(IssuerConfig { sets: vec![Arc::clone(&keys)], ..IssuerConfig::new("idp") }).unwrap();
    let tokens = Some(Arc::new(Tokens::new(vec![issuer]).unwrap()));
    let gate = Gate::new(Access { tokens, ..Access::default() });
    let server = Server::start(Way::Socket, Config { gate, ..config(Way::Socket) });
    let ask =
        |token: &str| server.client().request("GET", "/channels/a/history", &[("authorization", &bearer(token))], b"");
    assert_eq!(ask(&token("old", 1)).status, 200);
    let fetcher = {
        let keys = Arc::clone(&keys);
        thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            let asked = runtime.block_on(async { timeout(PATIENCE, keys.wanted().wait(2)).await });
            asked.expect("nobody asks");
            keys.begin_fetch().finish(&set("new", 2)).unwrap();
        })
    };
    assert_eq!(ask(&token("new", 2)).status, 200, "within one request");
    fetcher.join().unwrap();
    ask(&token("old", 1)).problem(401);
    let before = keys.wanted().at();
    ask(&token("other", 3)).problem(401);
    assert_eq!(keys.wanted().at(), before, "at most once a minute");
}
