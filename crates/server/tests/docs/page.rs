//! [`Page`]: a Markdown file as the tests see it: its blocks of code, and the comment above each.
//!
//! Readers of the page do not see the comments. docs/README.md explains them under "Writing these pages".

use std::fs;

use crate::tree::root;

/// A file of the documentation.
pub(crate) struct Page {
    pub(crate) steps: Vec<Step>,
}

/// A part of a page. The parts are in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Block(Block),
    /// `<!-- test: end -->`: all streams and servers end.
    End,
    /// `<!-- test: first of="path" -->`: the reader has started the servers of that page.
    First {
        of: String,
    },
}

/// A block between two lines of backticks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The number of its first line in the file.
    pub(crate) line: usize,
    /// The word behind the backticks.
    pub(crate) language: String,
    pub(crate) text: String,
    pub(crate) directive: Option<Directive>,
}

/// `<!-- test: KIND name="value" name='value' -->`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) kind: String,
    values: Vec<(String, String)>,
}

impl Page {
    /// Reads a page by its path from the root of the repository.
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let steps = steps(&text).unwrap_or_else(|fault| panic!("{path}:{fault}"));
        Self { steps }
    }

    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.steps.iter().filter_map(|step| if let Step::Block(block) = step { Some(block) } else { None })
    }
}

impl Block {
    /// The commands as a shell would run them. Comments are left out, and a line that ends in a backslash goes on.
    pub(crate) fn commands(&self) -> Vec<String> {
        let (mut commands, mut begun) = (Vec::new(), String::new());
        for line in self.text.lines().map(str::trim) {
            if begun.is_empty() && (line.is_empty() || line.starts_with('#')) {
                continue;
            }
            match line.strip_suffix('\\') {
                Some(part) => begun.push_str(part),
                None => commands.push(std::mem::take(&mut begun) + line),
            }
        }
        commands
    }
}

impl Directive {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (kind, mut rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let mut values = Vec::new();
        while !rest.trim().is_empty() {
            let (name, value) = rest.trim_start().split_once('=').ok_or(format!("{rest:?} is no name=\"value\""))?;
            let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote));
            let quote = quote.ok_or(format!("the value of {name} needs quotes"))?;
            let (value, after) = value[1..].split_once(quote).ok_or(format!("the value of {name} has no end"))?;
            values.push((name.to_owned(), value.to_owned()));
            rest = after;
        }
        Ok(Self { kind: kind.to_owned(), values })
    }

    /// The value of this name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// All values of a name that may be given several times.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| &**name)
    }
}

fn steps(text: &str) -> Result<Vec<Step>, String> {
    let (mut steps, mut directive) = (Vec::new(), None);
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim_start();
        if let Some(comment) = trimmed.strip_prefix("<!-- test:") {
            let mut comment = comment.to_owned();
            while !comment.contains("-->") {
                let (_, more) = lines.next().ok_or(format!("{}: a comment without an end", index + 1))?;
                comment = comment + " " + more;
            }
            let comment = comment.split("-->").next().unwrap_or_default();
            let parsed = Directive::parse(comment).map_err(|fault| format!("{}: {fault}", index + 1))?;
            if parsed.kind == "end" {
                steps.push(Step::End);
            } else if parsed.kind == "first" {
                let of = parsed.value("of").ok_or(format!("{}: first needs of=\"path\"", index + 1))?;
                steps.push(Step::First { of: of.to_owned() });
            } else if directive.replace(parsed).is_some() {
                return Err(format!("{}: the comment above this one has no block", index + 1));
            }
            continue;
        }
        if let Some(language) = trimmed.strip_prefix("```") {
            let indentation = line.len() - trimmed.len();
            let mut text = String::new();
            loop {
                let (_, line) = lines.next().ok_or(format!("{}: a block without an end", index + 1))?;
                if line.trim() == "```" {
                    break;
                }
                text += line.get(indentation..).unwrap_or_default();
                text += "\n";
            }
            let language = language.trim().to_owned();
            steps.push(Step::Block(Block { line: index + 1, language, text, directive: directive.take() }));
        } else if !trimmed.is_empty() && directive.is_some() {
            return Err(format!("{}: a comment for the tests has to stand right above a block of code", index + 1));
        }
    }
    Ok(steps)
}

#[test]
fn a_comment_says_what_the_block_below_it_is() {
    let page = "# A\n\n<!-- test: run expects='\"id\":' expects=\"b\" -->\n\n```sh\ncurl \\\n  a # b\n\n# c\nd\n```\n<!-- test: end -->\n";
    let steps = steps(page).unwrap();
    let [Step::Block(block), Step::End] = &*steps else { panic!("{steps:?}") };
    assert_eq!((block.line, &*block.language), (5, "sh"));
    assert_eq!(block.commands(), ["curl a # b", "d"]);
    let directive = block.directive.as_ref().unwrap();
    assert_eq!(directive.kind, "run");
    assert_eq!(directive.all("expects").collect::<Vec<_>>(), ["\"id\":", "b"]);
}

#[test]
fn a_comment_that_cannot_be_read_is_named_by_its_line() {
    for (page, fault) in [
        ("<!-- test: run expects=a -->\n", "1: the value of expects needs quotes"),
        ("<!-- test: run\nexpects=\"a -->\n", "1: the value of expects has no end"),
        ("<!-- test: run -->\ntext\n", "2: a comment for the tests has to stand right above a block of code"),
        ("\n```sh\na\n", "2: a block without an end"),
    ] {
        assert_eq!(steps(page).unwrap_err(), fault);
    }
}
