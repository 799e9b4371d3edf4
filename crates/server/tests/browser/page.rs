//! The demo page: it shows events of every type, connects and disconnects without a loss, and on a phone its main parts
//! are in view. page.js works the page.

use std::{net::SocketAddr, path::Path};

use serde_json::{Value, json};

use crate::{
    LIMITS, Script, serve,
    support::{Process, fanfare, server::Server, settings::limits, wire::Requests},
};

const PHONE_HEIGHT: f64 = 844.0;
const PHONE_WIDTH: u64 = 390;
const DESK_HEIGHT: f64 = 800.0;

/// Starts a server, and the page with this scenario.
fn play(scenario: &str, flags: &[&str]) -> (Server, Script) {
    let limits = limits(&LIMITS);
    let server = Server::started(fanfare().args(["serve", "--listen", "127.0.0.1:0", &limits]).args(flags));
    let script = script(scenario, &server.url);
    (server, script)
}

fn script(scenario: &str, origin: &str) -> Script {
    Script::start("server/tests/browser/page.js", &[scenario, origin])
}

/// Position of an element on the page.
#[derive(Clone, Copy, Debug)]
struct Edges {
    top: f64,
    bottom: f64,
    left: f64,
}

fn edges(boxes: &Value, what: &str) -> Edges {
    let of = |name: &str| boxes[what][name].as_f64().unwrap_or_else(|| panic!("{what}: {boxes}"));
    Edges { top: of("y"), bottom: of("y") + of("height"), left: of("x") }
}

#[track_caller]
fn assert_in_view(boxes: &Value, what: &str, height: f64) {
    let Edges { top, bottom, .. } = edges(boxes, what);
    assert!(0.0 <= top && top < bottom && bottom <= height, "{what}: {boxes}");
}

#[test]
fn events_of_every_type_are_shown_without_being_asked_for() {
    let (_server, mut page) = play("types", &[]);
    let newest_first =
        json!([[null, "no type"], ["open", "a open"], ["error", "a error"], ["price", "a price"], ["tick", "a tick"]]);
    assert_eq!(page.line(), newest_first);
    let channels: Vec<_> = ["channel sport"].into_iter().chain(["channel news"; 5]).collect();
    assert_eq!(page.line(), json!(channels), "and on which channel it came, but for what is for all");
}

#[test]
fn the_button_says_what_it_does_and_a_page_that_connects_again_has_missed_nothing() {
    let (_server, mut page) = play("connection", &[]);
    assert_eq!(page.line(), json!(["Disconnect", ["status", "polite"]]));
    let away = page.line();
    assert_eq!(away[0], "Connect");
    assert_eq!(page.line(), json!(["Disconnect", [[null, "missed"], [null, "before"]]]));
}

#[test]
fn a_gap_is_told_in_words() {
    let (_server, mut page) = play("gap", &["--history-events=1"]);
    let why = "Events may be missing here. The page was away for longer than the server keeps events.";
    assert_eq!(page.line(), json!([[null, "missed 3"], ["fanfare.gap", why]]));
}

#[test]
fn on_a_phone_the_events_come_first_and_the_answer_of_a_publish_is_in_view() {
    let (_server, mut page) = play("phone", &[]);
    let before = page.line();
    let (events, form) = (edges(&before, "events"), edges(&before, "form"));
    assert!(events.top < PHONE_HEIGHT / 4.0 && events.bottom <= form.top, "{before}");
    assert_in_view(&before, "events", PHONE_HEIGHT);

    let after = page.line();
    assert_in_view(&after, "answer", PHONE_HEIGHT);
    assert_in_view(&after, "button", PHONE_HEIGHT);
    assert!(edges(&after, "answer").top - edges(&after, "button").bottom < 30.0, "{after}");
    assert_eq!(page.line(), json!(PHONE_WIDTH), "nothing is wider than the phone");
}

#[test]
fn on_a_desk_the_forms_stand_beside_the_events_and_all_is_in_view() {
    let (_server, mut page) = play("desk", &[]);
    let boxes = page.line();
    for what in ["events", "form", "answer", "button"] {
        assert_in_view(&boxes, what, DESK_HEIGHT);
    }
    assert!(edges(&boxes, "form").left < edges(&boxes, "events").left, "{boxes}");
}

#[test]
fn a_publish_that_reaches_nobody_says_what_that_means_and_how_to_change_it() {
    let (_server, mut page) = play("nobody", &[]);
    let kept = "A client that comes back gets it while it is kept in history.";
    let assert_nobody = |answer: Value, count: &str, why: &str, cure: &str| {
        assert_eq!(answer[0], count);
        assert_eq!(answer[1], format!("{why}: nobody got the event live. {kept}"));
        assert_eq!(answer[2], cure);
        let json = answer[3].as_str().unwrap();
        assert!(json.starts_with(r#"202 {"id":""#) && json.ends_with(r#","matched":0}"#), "{answer}");
    };
    let why = "No open stream follows the channel sports";
    assert_nobody(page.line(), "Published. Streams that follow sports: 0.", why, "Follow sports");
    assert_eq!(page.line(), "news, sports");
    let followed = page.line();
    assert_eq!(followed[0], "Published. Streams that follow sports: 1.");
    assert_eq!(followed.as_array().unwrap().len(), 2, "{followed}");
    let why = "No open stream has the client id me";
    assert_nobody(page.line(), "Published. Streams of the client me: 0.", why, "Follow as me");
    assert_nobody(page.line(), "Published. Open streams: 0.", "No stream is open", "Connect");
}

#[test]
fn the_code_for_a_page_of_ones_own_follows_the_forms_and_works() {
    let (server, mut page) = play("code", &[]);
    let origin = &server.url;
    let code = page.line();
    let script = code[0].as_str().unwrap();
    assert!(script.starts_with(&format!("const events = new EventSource(\"{origin}/sse\");\n")), "{script}");
    assert!(script.contains("addEventListener(\"TYPE\", "), "{script}");
    assert_eq!(code[1], format!("curl -N '{origin}/sse'"));
    assert_eq!(code[2], format!("curl -d 'hello, everybody' '{origin}/broadcast'"));

    let code = page.line();
    let address = format!("{origin}/sse?channel=news&channel=weather&id=me");
    assert!(code[0].as_str().unwrap().contains(&format!("EventSource(\"{address}\")")), "{code}");
    assert_eq!(code[1], format!("curl -N '{address}'"));

    assert_eq!(page.line(), json!([1, true]), "a typed event reaches the snippet");
    assert_eq!(page.line()[0], true, "the text is selected");
}

#[test]
fn the_version_the_documentation_and_an_icon_are_on_the_page() {
    let (_server, mut page) = play("words", &[]);
    let words = page.line();
    assert_eq!(words["version"], env!("CARGO_PKG_VERSION"));
    let footer = words["footer"].as_str().unwrap();
    assert!(footer.contains(env!("CARGO_PKG_VERSION")) && footer.contains("README.md"), "{footer}");
    assert_eq!(words["icon"], true);
}

#[test]
fn a_page_whose_server_is_killed_and_started_again_misses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (server, address) = serve(directory.path(), "127.0.0.1:0".parse().unwrap());
    let mut page = script("restart", &format!("http://{address}"));
    assert_eq!(page.line(), "restart");
    server.kill();
    let _server = started_again(directory.path(), address);
    let mut expected: Vec<_> = (0..=20).rev().map(|number| number.to_string()).collect();
    expected.insert(0, "last".into());
    assert_eq!(page.line(), json!(expected));
}

/// Starts the server again, with the events that the page may have missed.
fn started_again(journal: &Path, address: SocketAddr) -> Process {
    let (server, _) = serve(journal, address);
    let mut requests = Requests::open(address).unwrap();
    let numbers = (1..=20).map(|number: u32| number.to_string());
    for data in numbers.chain(["last".into()]) {
        assert_eq!(requests.post("/channels/news", &[], &data).unwrap().status, 202);
    }
    server
}
