//! The example of examples/token-streams in a browser: an answer comes whole, even if the server is killed in the
//! middle. At its end the page closes its stream.

use crate::{
    browser::Browser,
    desk::Desk,
    network::alone,
    page::Directive,
    site::Site,
    support::{Process, settings::limits},
};

const ANSWER: &str =
    "You asked: why?\\nFirst, an event is a few lines of text. Second, a browser reads it as it comes. That is all.";

/// Starts a server with a journal, so that after a kill it knows the events that it had taken.
fn serve() -> String {
    let limits = limits(&["retry-min = '20ms'", "retry-max = '60ms'"]);
    format!("exec fanfare serve --journal /tmp/journal {limits}")
}

#[test]
fn an_answer_is_whole_though_the_server_is_killed_in_the_middle_of_it() {
    crate::desk::need_programs_of("node");
    alone("tokens::an_answer_is_whole_though_the_server_is_killed_in_the_middle_of_it", || {
        let desk = Desk::new();
        let mut site = Site::default();
        let port = Directive::parse("server port=\"4000\"").unwrap();
        site.serve(&desk, &["PAUSE_MS=30 node examples/token-streams/server.mjs".to_owned()], &port).unwrap();
        let mut fanfare = Process::start(&mut desk.shell(&serve()));
        fanfare.url();

        let mut page = Browser::open(&desk, "http://127.0.0.1:4000/", None);
        page.value("question.value = 'why?', form.requestSubmit()");
        for words in ["First", "Second"] {
            page.value(&format!(
                "new Promise((done) => setInterval(() => answer.textContent.includes('{words}') && done(), 5))"
            ));
            fanfare.kill();
            fanfare = Process::start(&mut desk.shell(&serve()));
            fanfare.url();
        }
        let end = "new Promise((done) => setInterval(() => source.readyState === 2 && done(state.textContent), 5))";
        assert_eq!(page.value(end), "\"done\"");
        assert_eq!(page.value("answer.textContent"), format!("\"{ANSWER}\""));
    });
}
