//! Every link from one page to another leads to a file that is there, and to a heading that is there.

use std::{collections::HashMap, fs, path::Path};

use crate::tree::{documentation, linked, root};

#[test]
fn every_relative_link_leads_somewhere() {
    let mut faults = Vec::new();
    for path in linked() {
        let text = read(&path);
        for (line, target) in links(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if let Err(fault) = follow(&path, &target) {
                faults.push(format!("{path}:{line}: {target}: {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
}

#[test]
fn every_page_is_in_an_index() {
    let indexes = ["docs/README.md", "docs/decisions/README.md"];
    let linked =
        |index: &str| links(&read(index)).iter().filter_map(|(_, to)| beside(index, to).ok()).collect::<Vec<_>>();
    let known: Vec<String> = indexes.into_iter().flat_map(linked).collect();
    for page in documentation().iter().filter(|page| page.starts_with("docs/") && *page != indexes[0]) {
        assert!(known.contains(page), "no index links to {page}");
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn follow(from: &str, target: &str) -> Result<(), String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() { from.to_owned() } else { beside(from, file)? };
    if !root().join(&file).exists() {
        return Err(format!("there is no {file}"));
    }
    if anchor.is_empty() || anchors(&read(&file)).iter().any(|known| known == anchor) {
        return Ok(());
    }
    Err(format!("{file} has no heading #{anchor}"))
}

/// The path of a link, from the root of the repository. A link must not leave it.
fn beside(from: &str, file: &str) -> Result<String, String> {
    let mut parts: Vec<&str> = Path::new(from).parent().unwrap().iter().map(|part| part.to_str().unwrap()).collect();
    for part in file.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop().ok_or("it leaves the repository")?;
        } else {
            parts.push(part);
        }
    }
    Ok(parts.join("/"))
}

/// The lines outside of code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((index + 1, line))
    })
}

fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        // Every other piece is between backticks.
        let pieces = line.split('`').enumerate();
        let words: String = pieces.map(|(index, piece)| if index % 2 == 0 { piece } else { "code" }).collect();
        let targets = words.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        links.extend(targets.map(|target| (number, target.to_owned())));
    }
    links
}

/// The anchors that GitHub makes from headings, and those that are given in HTML.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut anchors = Vec::new();
    for (_, line) in prose(text) {
        anchors.extend(line.split("id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        let Some(heading) = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')) else { continue };
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|character| character.is_alphanumeric() || [' ', '-', '_'].contains(character));
        let anchor = kept.collect::<String>().replace(' ', "-");
        let before = seen.entry(anchor.clone()).or_default();
        anchors.push(if *before == 0 { anchor } else { format!("{anchor}-{before}") });
        *before += 1;
    }
    anchors
}

#[test]
fn headings_have_the_anchors_that_github_gives_them() {
    let text = "# The `stream`, and *more*\n## Twice\n## Twice\n```sh\n# no heading\n```\n<a id=\"own\"></a>\n";
    assert_eq!(anchors(text), ["the-stream-and-more", "twice", "twice-1", "own"]);
}

#[test]
fn a_link_is_found_in_prose_alone() {
    let text = "[a](b.md#c), `[no](x)` and ![d](e/f.png)\n```sh\n[no](y)\n```\n";
    assert_eq!(links(text), [(1, "b.md#c".to_owned()), (1, "e/f.png".to_owned())]);
    assert_eq!(beside("docs/guide/a.md", "../../README.md").unwrap(), "README.md");
}
