//! Claims about blocks that are not run: the lines are in a file, or a test covers them.

use std::fs;

use crate::{
    page::{Block, Directive},
    tree::root,
};

/// Checks that the lines of the block are in that file, one behind the other. A line of three dots leaves some out.
pub(crate) fn stands_in(block: &Block, path: &str) -> Result<(), String> {
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

/// Checks that a test covers the block. Each `as` is in both.
pub(crate) fn is_covered(block: &Block, directive: &Directive) -> Result<(), String> {
    let path = directive.value("by").ok_or("by which test? Add by=\"path\"; or is it shown, for a reason?")?;
    let text = fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    if directive.value("as").is_none() {
        return Err("how do the block and the test name it? Add as=\"...\"".to_owned());
    }
    directive.all("as").try_for_each(|name| match (has_words(&block.text, name), has_words(&code, name)) {
        (false, _) => Err(format!("the block does not name {name}")),
        (_, false) => Err(format!("{path} does not name {name}")),
        _ => Ok(()),
    })
}

/// Whether the text has these words, and not only as a part of longer ones.
fn has_words(text: &str, words: &str) -> bool {
    let is_part = |character: Option<char>| character.is_some_and(|it| it.is_alphanumeric() || it == '_');
    let (first, last) = (words.chars().next(), words.chars().next_back());
    text.match_indices(words).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + words.len()..].chars().next());
        !(is_part(before) && is_part(first) || is_part(last) && is_part(after))
    })
}

#[test]
fn what_is_covered_is_named_by_the_block_and_by_the_test() {
    let block = Block { line: 1, language: "sh".to_owned(), text: "caddy run\n".to_owned(), directive: None };
    let fault = |directive: &str| is_covered(&block, &Directive::parse(directive).unwrap()).unwrap_err();
    assert!(fault("covered").contains("by which test?"));
    let by = "covered by=\"crates/server/tests/docs/auth.rs\"";
    assert!(fault(by).contains("Add as="));
    assert_eq!(fault(&format!("{by} as=\"nginx\"")), "the block does not name nginx");
    assert_eq!(fault(&format!("{by} as=\"run\" as=\"add\"")), "the block does not name add");
    assert_eq!(
        fault("covered by=\"crates/server/tests/docs/tls.rs\" as=\"caddy run\""),
        "crates/server/tests/docs/tls.rs does not name caddy run"
    );
    assert_eq!(is_covered(&block, &Directive::parse(&format!("{by} as=\"caddy run\"")).unwrap()), Ok(()));
}
