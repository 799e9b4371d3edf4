//! Every block of code of every page: what it is, is run or is checked, as the comment above it says. A block that nothing
//! says anything about is a fault.

use std::{fs, sync::Mutex, thread, time::Duration};

use crate::{
    desk::Desk,
    network,
    page::{Block, Directive, Page, Step},
    site::{Site, run},
    support::PATIENCE,
    tree::{documentation, root},
};

const NAME: &str = "rehearsal::every_command_of_every_page_does_what_the_page_says";

/// Pages mostly wait, for each other's servers not at all.
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
    ("covered", &["by", "as", "reason"]),
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
        "covered" => is_covered(directive),
        _ => directive.value("reason").map(drop).ok_or("for what reason is it not run?".to_owned()),
    }
}

/// Without a word above it.
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

/// The commands of a block, but for the one that is not run.
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

fn run_block(desk: &Desk, block: &Block, directive: &Directive) -> Result<(), String> {
    let seconds = directive.value("within").map_or(Ok(0), str::parse).map_err(|_| "within needs seconds")?;
    let (code, output) = run(desk, &mut desk.shell(&block.text), PATIENCE.max(Duration::from_secs(seconds)))?;
    let expected = directive.value("exit").map_or(Ok(0), str::parse).map_err(|_| "exit needs a number")?;
    if code != expected {
        return Err(format!("it exits with {code}; it printed:\n{output}"));
    }
    for text in directive.all("expects") {
        if !output.contains(text) {
            return Err(format!("{text:?} is not in what it printed:\n{output}"));
        }
    }
    if output.contains("\"type\":\"about:blank\"") && directive.all("expects").next().is_none() {
        return Err(format!("an error came, and no error is expected:\n{output}"));
    }
    Ok(())
}

/// `fanfare serve` takes it.
fn is_configuration(desk: &Desk, block: &Block) -> Result<(), String> {
    let path = desk.path("checked.toml");
    fs::write(&path, &block.text).unwrap();
    let check = desk.program("fanfare", &["serve", "--check", "--config", path.to_str().unwrap()]);
    let (code, output) = run(desk, &mut { check }, PATIENCE)?;
    if code == 0 { Ok(()) } else { Err(output) }
}

/// Its lines stand in that file, one behind the other. A line with nothing but three dots leaves some out.
fn stands_in(block: &Block, path: &str) -> Result<(), String> {
    let text = fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let (there, mut from) = (lines(&text), 0);
    let shown = lines(&block.text);
    for part in shown.split(|line| line.trim_start_matches(['/', '#', ' ']) == "...") {
        let part: Vec<_> = part.iter().skip_while(|line| line.is_empty()).cloned().collect();
        let length = part.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let part = &part[..length];
        if part.is_empty() {
            continue;
        }
        let place = there[from..].windows(part.len()).position(|window| window == part);
        from += place.ok_or(format!("these lines are not in {path}:\n{}", part.join("\n")))? + part.len();
    }
    Ok(())
}

/// By a test that is there, and that names it; or by nothing, for a reason.
fn is_covered(directive: &Directive) -> Result<(), String> {
    let Some(path) = directive.value("by") else {
        return directive.value("reason").map(drop).ok_or("by which test, or for what reason by none?".to_owned());
    };
    let text = fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    match directive.value("as") {
        Some(name) if !text.contains(name) => Err(format!("{path} does not name {name}")),
        Some(_) => Ok(()),
        None => directive.value("reason").map(drop).ok_or("how does that test name it? Add as=\"...\"".to_owned()),
    }
}

#[test]
fn a_block_that_nothing_is_said_about_is_a_fault_that_says_what_to_add() {
    let block = Block { line: 1, language: "sh".to_owned(), text: "true\n".to_owned(), directive: None };
    let fault = by_language(&Desk::new(), &block).unwrap_err();
    assert!(fault.contains("<!-- test: run expects=\"...\" -->"), "{fault}");
}
