//! The hook of examples/react, in a browser, with React in strict mode, which mounts everything twice.

use std::fs;

use crate::{
    browser::Browser,
    desk::{Desk, need_programs_of},
    network::alone,
    site::run,
    support::{PATIENCE, Process, settings::limits},
    tree::{parts, root},
};

const BUNDLE: &str = "esbuild examples/react/main.jsx --bundle --jsx=automatic --outfile=/tmp/react/bundle.js";
/// Has the page take its state from the server, but use it only when it is released.
const HOLD_THE_STATE: &str = "const held = new Promise((go) => { globalThis.release = go; }); const load = fetch; \
    globalThis.taken = new Promise((is) => { \
    globalThis.fetch = async (url) => { const state = await (await load(url)).json(); is(); \
    return { ok: true, json: () => held.then(() => state) }; }; }); undefined";

/// Starts a server with so little history that an absent page misses events.
fn serve() -> String {
    let limits = limits(&["retry-min = '20ms'", "retry-max = '60ms'"]);
    format!("exec fanfare serve {limits} --history-events 3 --read-origin null")
}

#[test]
fn the_hook_follows_a_stream_comes_back_tells_gaps_and_closes() {
    need_programs_of("node esbuild");
    let is_there = parts().join("node_modules/react-dom").exists();
    assert!(is_there, "React is missing: run `cargo xtask test`, which installs what the tests need");
    alone("react::the_hook_follows_a_stream_comes_back_tells_gaps_and_closes", || {
        let desk = Desk::new();
        let (code, output) = run(&desk, &mut desk.shell(BUNDLE), PATIENCE).unwrap();
        assert_eq!(code, 0, "{output}");
        fs::copy(root().join("examples/react/index.html"), "/tmp/react/index.html").unwrap();
        let mut fanfare = Process::start(&mut desk.shell(&serve()));
        fanfare.url();

        publish(&desk, "before the page");
        let mut page = Browser::open(&desk, "file:///tmp/react/index.html", None);
        shows(&mut page, &["before the page"]);
        assert_eq!(page.value("document.querySelector('[role=status]').textContent"), "\"open\"");
        publish(&desk, "live");
        shell(&desk, "curl -sS -d typed 'http://127.0.0.1:3000/channels/news?event=tick'");
        shows(&mut page, &["before the page", "live", "typed"]);
        assert_eq!(streams(&desk), 1, "strict mode has mounted it twice");

        // A server that is started anew without a journal knows nothing of what was.
        page.value(HOLD_THE_STATE);
        fanfare.kill();
        fanfare = Process::start(&mut desk.shell(&serve()));
        fanfare.url();
        page.says("events are missing (restart)");
        // What comes behind the gap is not lost to a state that was taken before it.
        page.value("taken");
        publish(&desk, "after the restart");
        shows(&mut page, &["before the page", "live", "typed", "after the restart"]);
        page.value("release()");
        shell(&desk, "curl -sS -d again 'http://127.0.0.1:3000/channels/news?event=tick'");
        shows(&mut page, &["after the restart", "again"]);

        page.value("unmount()");
        crate::support::until("the stream has ended with the component", || streams(&desk) == 0);
    });
}

fn publish(desk: &Desk, text: &str) {
    shell(desk, &format!("curl -sS -d '{text}' http://127.0.0.1:3000/channels/news"));
}

/// Number of streams that an event on the channel reaches. No page shows this event, because nobody listens for its
/// type.
fn streams(desk: &Desk) -> usize {
    let answer = shell(desk, "curl -sS -d '' 'http://127.0.0.1:3000/channels/news?event=count&keep=no'");
    answer.split("\"matched\":").nth(1).and_then(|rest| rest.split('}').next()?.parse().ok()).expect("a count")
}

#[track_caller]
fn shows(page: &mut Browser, items: &[&str]) {
    let text = items.join("|");
    let now = "[...document.querySelectorAll('li')].map((item) => item.textContent).join('|')";
    page.value(&format!("new Promise((done) => setInterval(() => {now} === '{text}' && done(), 5))"));
}

#[track_caller]
fn shell(desk: &Desk, text: &str) -> String {
    let (code, output) = run(desk, &mut desk.shell(text), PATIENCE).unwrap();
    assert_eq!(code, 0, "{text}: {output}");
    output
}
