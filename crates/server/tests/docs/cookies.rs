//! The example of examples/tokens in a browser: a page reads with a token in a cookie, also when an old token has ended, and a page of
//! another site does not read a server on its visitor's machine.

use crate::{
    browser::Browser,
    desk::{Desk, need_programs_of},
    network::alone,
    support::Process,
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn a_page_reads_and_publishes_with_a_token_in_a_cookie() {
    need_programs_of("node");
    alone("cookies::a_page_reads_and_publishes_with_a_token_in_a_cookie", || {
        let desk = Desk::new();
        let key = format!("FANFARE_TOKEN_KEY=HS256:{SECRET}");
        let serve = format!("{key} exec fanfare serve --cors-origin http://127.0.0.1:4000");
        let mut fanfare = Process::start(&mut desk.shell(&serve));
        fanfare.url();
        let mut login =
            Process::start(&mut desk.shell(&format!("SECRET={SECRET} exec node examples/tokens/login.mjs")));
        login.line_with("listening on");
        let publish = |data: &str| {
            let mint = format!("{key} fanfare token mint --publish news");
            let text = format!("FANFARE_TOKEN=$({mint}) fanfare publish http://127.0.0.1:3000/channels/news '{data}'");
            let mut publisher = Process::start(&mut desk.shell(&text));
            assert!(publisher.exit().success(), "{:#?}", publisher.remaining_lines());
        };

        let mut page = Browser::open(&desk, "http://127.0.0.1:4000/", None);
        page.value("new Promise((done) => setInterval(() => events?.readyState === 1 && done(), 5))");
        publish("first");
        let shown = |page: &mut Browser, text: &str| {
            let is_there = format!("list.textContent.includes('{text}')");
            page.value(&format!("new Promise((done) => setInterval(() => {is_there} && done(), 5))"));
        };
        shown(&mut page, "first");

        // A token that grants no publish, and one that does.
        let post = "fetch('http://127.0.0.1:3000/channels/news', { method: 'POST', body: 'by the page', credentials: 'include' })";
        assert_eq!(page.value(&format!("{post}.then((answer) => answer.status)")), "403");
        let mut mint =
            Process::start(&mut desk.shell(&format!("{key} fanfare token mint --publish news --subscribe news")));
        let token = mint.line_with(".");
        page.value(&format!("void (document.cookie = 'fanfare_token={token}; path=/channels')"));
        assert_eq!(page.value(&format!("{post}.then((answer) => answer.status)")), "202");
        shown(&mut page, "by the page");

        // Without a valid token the EventSource gives up, and the page makes another one.
        fanfare.kill();
        page.value("void (document.cookie = 'fanfare_token=old; path=/channels')");
        let mut fanfare = Process::start(&mut desk.shell(&serve));
        fanfare.url();
        fanfare.line_with("refused status=401");
        page.value("void (document.cookie = 'fanfare_token=; path=/channels; max-age=0')");
        fanfare.line_with("open connection=");
        publish("after all");
        shown(&mut page, "after all");
    });
}

#[test]
fn a_page_of_another_site_does_not_read_a_server_on_the_machine_of_its_visitor() {
    need_programs_of("node");
    alone("cookies::a_page_of_another_site_does_not_read_a_server_on_the_machine_of_its_visitor", || {
        let desk = Desk::new();
        let fetch = |page: &mut Browser| {
            page.value(
                "fetch('http://127.0.0.1:3000/channels/news/history').then((answer) => answer.status, () => 'refused')",
            )
        };
        let open = || Browser::open(&desk, "https://elsewhere.example/", Some("console.log('it runs')"));
        let mut fanfare = Process::start(&mut desk.shell("exec fanfare serve"));
        fanfare.url();
        let mut page = open();
        assert_eq!(fetch(&mut page), "\"refused\"");
        let line = fanfare.line_with("refused status=403");
        assert!(line.contains("rule=\"page\"") && line.contains("may not read here"), "{line}");
        drop(page);
        fanfare.kill();

        let mut fanfare = Process::start(&mut desk.shell("exec fanfare serve --read-origin https://elsewhere.example"));
        fanfare.url();
        assert_eq!(fetch(&mut open()), "200");
    });
}
