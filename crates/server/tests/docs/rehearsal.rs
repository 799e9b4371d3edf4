//! All blocks of code of all pages. Each is run or checked as the comment above it says. A block without a comment or a
//! known language is a fault.

use std::{fs, sync::Mutex, thread, time::Duration};

use crate::{
    claims::{is_covered, stands_in},
    desk::Desk,
    network,
    page::{Block, Directive, Page, Step},
    site::{Site, run},
    support::PATIENCE,
    tree::documentation,
};

const NAME: &str = "rehearsal::every_command_of_every_page_does_what_the_page_says";

/// Most pages at a time. Pages mostly wait, but never for each other's servers.
const PAGES_AT_A_TIME: usize = 4;

/// The kinds, with the values that each may have.
const KINDS: &[(&str, &[&str])] = &[
    ("server", &["port", "without", "reason"]),
    ("stream", &["expects", "expects-1", "expects-2", "expects-3"]),
    ("run", &["expects", "exit", "within"]),
    ("page", &["expects", "at"]),
    ("config", &[]),
    ("file", &["name"]),
    ("excerpt", &["of"]),
    ("covered", &["by", "as"]),
    ("shown", &["reason"]),
];

const HELP: &str =
    "say above it what it is, for instance <!-- test: run expects=\"...\" -->; docs/README.md has all kinds";

#[test]
fn every_command_of_every_page_does_what_the_page_says() {
    if let Some(path) = network::part() {
        if let Err(fault) = rehearse(&Page::read(&path)) {
            panic!("{path}:{fault}");
        }
        return;
    }
    let pages = Mutex::new(documentation());
    let faults = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..PAGES_AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(path) = pages.lock().unwrap().pop() else { return };
                    let page = Page::read(&path);
                    if page.blocks().next().is_none() {
                        continue;
                    }
                    if let Err(complaint) = network::run(NAME, &path) {
                        faults.lock().unwrap().push(complaint);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} pages do not do what they say:\n{}", faults.len(), faults.join("\n"));
}

fn rehearse(page: &Page) -> Result<(), String> {
    let (desk, mut site) = (Desk::new(), Site::default());
    for step in &page.steps {
        match step {
            Step::End => site.end(),
            Step::First { of } => {
                serve_as_in(&desk, &mut site, of).map_err(|fault| format!("the servers of {of}: {fault}"))?;
            }
            Step::Block(block) => {
                step_through(&desk, &mut site, block).map_err(|fault| format!("{}: {fault}", block.line))?;
            }
        }
    }
    site.end();
    Ok(())
}

fn step_through(desk: &Desk, site: &mut Site, block: &Block) -> Result<(), String> {
    let Some(directive) = &block.directive else { return by_language(desk, block) };
    check_names(directive)?;
    if ["stream", "page"].contains(&&*directive.kind) && !directive.names().any(|name| name.starts_with("expects")) {
        return Err(format!("what does it print? Add expects=\"...\" to the {} above it", directive.kind));
    }
    match &*directive.kind {
        "server" => site.serve(desk, &left(block, directive)?, directive),
        "stream" => {
            site.listen(desk, &block.commands(), directive);
            Ok(())
        }
        "page" => {
            site.open_page(desk, block, directive);
            Ok(())
        }
        "run" => run_block(desk, block, directive),
        "config" => is_configuration(desk, block),
        "file" => {
            desk.write(directive.value("name").ok_or("what is the file's name?")?, &block.text);
            if block.language == "toml" { is_configuration(desk, block) } else { Ok(()) }
        }
        "excerpt" => stands_in(block, directive.value("of").ok_or("of which file?")?),
        "covered" => is_covered(block, directive),
        _ => directive.value("reason").map(drop).ok_or("for what reason is it not run?".to_owned()),
    }
}

/// Checks a block without a comment by its language.
fn by_language(desk: &Desk, block: &Block) -> Result<(), String> {
    match &*block.language {
        "toml" => is_configuration(desk, block),
        "json" => serde_json::from_str::<serde_json::Value>(&block.text).map(drop).map_err(|error| error.to_string()),
        // What a program prints.
        "" | "text" => Ok(()),
        language => Err(format!("nothing says how this block of {language} is tested: {HELP}")),
    }
}

fn check_names(directive: &Directive) -> Result<(), String> {
    let (_, values) = KINDS.iter().find(|(kind, _)| *kind == directive.kind).ok_or_else(|| {
        let kinds: Vec<_> = KINDS.iter().map(|(kind, _)| *kind).collect();
        format!("{:?} is no kind of block; these are: {}", directive.kind, kinds.join(", "))
    })?;
    let unknown = directive.names().find(|name| !values.contains(name));
    unknown
        .map_or(Ok(()), |name| Err(format!("{} has no {name:?}; it may have: {}", directive.kind, values.join(", "))))
}

/// The commands of a block, without the one that is not run.
fn left(block: &Block, directive: &Directive) -> Result<Vec<String>, String> {
    let mut commands = block.commands();
    if let Some(without) = directive.value("without") {
        directive.value("reason").ok_or("for what reason is it not run?")?;
        let before = commands.len();
        commands.retain(|command| !command.starts_with(without));
        if commands.len() == before {
            return Err(format!("no command begins with {without:?}"));
        }
    }
    Ok(commands)
}

/// Starts the servers of the first block of servers on that page.
fn serve_as_in(desk: &Desk, site: &mut Site, path: &str) -> Result<(), String> {
    let page = Page::read(path);
    let servers = page.blocks().find_map(|block| {
        let directive = block.directive.as_ref().filter(|directive| directive.kind == "server")?;
        Some((block, directive))
    });
    let (block, directive) = servers.ok_or(format!("{path} starts no server"))?;
    site.serve(desk, &left(block, directive)?, directive)
}

fn run_block(desk: &Desk, block: &Block, directive: &Directive) -> Result<(), String> {
    let seconds = directive.value("within").map_or(Ok(0), str::parse).map_err(|_| "within needs seconds")?;
    let mut shell = desk.shell(&block.text);
    if !directive.all("expects").any(is_error_status) {
        desk.fail_at_error_statuses(&mut shell);
    }
    let (code, output) = run(desk, &mut shell, PATIENCE.max(Duration::from_secs(seconds)))?;
    let expected = directive.value("exit").map_or(Ok(0), str::parse).map_err(|_| "exit needs a number")?;
    if code != expected {
        return Err(format!("it exits with {code}; it printed:\n{output}"));
    }
    for text in directive.all("expects") {
        if !output.contains(text) {
            return Err(format!("{text:?} is not in what it printed:\n{output}"));
        }
    }
    match unexpected_problem(&output, directive) {
        Some(status) => Err(format!("an error {status} came that no expects=\"...\" names; it printed:\n{output}")),
        None => Ok(()),
    }
}

/// Whether this text expects an answer that is an error: `"status":401`, or `401` alone.
fn is_error_status(text: &str) -> bool {
    let digits = text.strip_prefix("\"status\":").unwrap_or(text);
    digits.len() == 3 && digits.parse().is_ok_and(|status: u16| (400..600).contains(&status))
}

/// The error status of a problem document (RFC 9457) that the directive does not expect.
fn unexpected_problem(output: &str, directive: &Directive) -> Option<String> {
    let statuses = output.split("about:blank").skip(1).map(|rest| {
        let digits = rest.split_once("status").map_or("", |(_, rest)| rest);
        let digits = digits.trim_start_matches(|character: char| !character.is_ascii_digit());
        digits.chars().take_while(char::is_ascii_digit).collect::<String>()
    });
    let is_expected =
        |status: &String| directive.all("expects").any(|text| is_error_status(text) && text.ends_with(status.as_str()));
    statuses.into_iter().find(|status| status.is_empty() || !is_expected(status))
}

/// Checks that `fanfare serve` accepts the file.
fn is_configuration(desk: &Desk, block: &Block) -> Result<(), String> {
    let path = desk.path("checked.toml");
    fs::write(&path, &block.text).unwrap();
    let check = desk.program("fanfare", &["serve", "--check", "--config", path.to_str().unwrap()]);
    let (code, output) = run(desk, &mut { check }, PATIENCE)?;
    if code == 0 { Ok(()) } else { Err(output) }
}

#[test]
fn a_block_that_nothing_is_said_about_is_a_fault_that_says_what_to_add() {
    let block = Block { line: 1, language: "sh".to_owned(), text: "true\n".to_owned(), directive: None };
    let fault = by_language(&Desk::new(), &block).unwrap_err();
    assert!(fault.contains("<!-- test: run expects=\"...\" -->"), "{fault}");
}

#[test]
fn an_error_is_refused_unless_its_status_is_expected() {
    let problem = r#"{"id":"7-0","matched":1}{"type":"about:blank","title":"Unauthorized","status":401}"#;
    let unexpected = |directive: &str| unexpected_problem(problem, &Directive::parse(directive).unwrap());
    assert_eq!(unexpected("run"), Some("401".to_owned()));
    assert_eq!(unexpected("run expects='\"matched\":1'"), Some("401".to_owned()));
    assert_eq!(unexpected("run expects='\"status\":400'"), Some("401".to_owned()));
    assert_eq!(unexpected("run expects='\"status\":401'"), None);
    assert_eq!(unexpected_problem("{\"matched\":1}", &Directive::parse("run").unwrap()), None);
}

#[test]
fn a_block_whose_first_curl_gets_an_error_fails() {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
    };

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = thread::spawn(move || {
        for _ in 0..2 {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.read(&mut [0; 1024]).unwrap();
            socket.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    let block = Block { line: 1, language: "sh".to_owned(), text: format!("curl {url}\ntrue\n"), directive: None };
    let result = |directive: &str| run_block(&Desk::new(), &block, &Directive::parse(directive).unwrap());
    assert!(result("run").unwrap_err().contains("it exits with 22"));
    assert!(result("run expects=\"502\"").unwrap_err().contains("\"502\" is not in what it printed"));
    answering.join().unwrap();
}
