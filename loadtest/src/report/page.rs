//! A report as one self-contained HTML file: its style and its charts are in it.
//!
//! The page needs no script and loads nothing, and its policy forbids both to the browser. Any given text is shown as
//! text.

use crate::report::chart::{Chart, Escaped};

const STYLE: &str = include_str!("page.css");

/// Nothing is loaded, run or sent: only the style of the page itself counts.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A table of more rows may be divided between two sheets of paper.
const ROWS_TOGETHER_MAX: usize = 25;

/// The parts of a page, from top to bottom.
#[derive(Debug)]
pub(crate) struct Page {
    title: String,
    sections: Vec<Section>,
}

#[derive(Debug)]
enum Section {
    Text(String),
    Command(String),
    Faults(Vec<String>),
    Clean(String),
    Table { heading: String, header: Vec<String>, rows: Vec<Vec<String>> },
    Chart { heading: String, svg: String },
}

impl Page {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), sections: Vec::new() }
    }

    /// A paragraph.
    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.sections.push(Section::Text(text.into()));
    }

    /// Adds a command line, which one click selects.
    pub(crate) fn command(&mut self, command_line: impl Into<String>) {
        self.sections.push(Section::Command(command_line.into()));
    }

    /// A red box with a line for each fault. With none there is no box: that nothing is wrong, `clean` says.
    pub(crate) fn faults(&mut self, faults: &[String]) {
        if !faults.is_empty() {
            self.sections.push(Section::Faults(faults.to_vec()));
        }
    }

    /// Adds a green line, for a caller that has checked its text.
    pub(crate) fn clean(&mut self, text: impl Into<String>) {
        self.sections.push(Section::Clean(text.into()));
    }

    /// The first cell of a row is its name. Columns of numbers are aligned to the right.
    pub(crate) fn table(&mut self, heading: impl Into<String>, header: &[&str], rows: &[Vec<String>]) {
        let header = header.iter().map(|&cell| cell.to_owned()).collect();
        self.sections.push(Section::Table { heading: heading.into(), header, rows: rows.to_vec() });
    }

    pub(crate) fn chart(&mut self, heading: impl Into<String>, chart: &Chart) {
        let heading = heading.into();
        let svg = chart.svg(&heading);
        self.sections.push(Section::Chart { heading, svg });
    }

    /// The whole file.
    pub(crate) fn html(&self) -> String {
        let title = Escaped(&self.title);
        let sections: String = self.sections.iter().map(Section::html).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n{sections}</main>\n</body>\n</html>\n"
        )
    }
}

impl Section {
    fn html(&self) -> String {
        match self {
            Self::Text(text) => format!("<p>{}</p>\n", Escaped(text)),
            Self::Command(line) => {
                // Each word is a box of its own, or a line would break within `--name`, after a hyphen.
                let words = line.split(' ').map(|word| format!("<span>{}</span>", Escaped(word)));
                let words = words.collect::<Vec<_>>().join(" ");
                format!("<pre class=\"command\"><code>{words}</code></pre>\n")
            }
            Self::Faults(faults) => {
                let count = faults.len();
                let said = if count == 1 { "1 fault".to_owned() } else { format!("{count} faults") };
                let faults: String = faults.iter().map(|fault| format!("<li>{}</li>\n", Escaped(fault))).collect();
                format!("<section class=\"faults\"><strong>{said}</strong>\n<ul>\n{faults}</ul></section>\n")
            }
            Self::Clean(text) => format!("<p class=\"clean\">{}</p>\n", Escaped(text)),
            Self::Table { heading, header, rows } => table(heading, header, rows),
            Self::Chart { heading, svg } => {
                let heading = Escaped(heading);
                // It scrolls sideways where the window is too narrow for its labels: reachable without a mouse, too.
                let figure = format!("<figure class=\"wide\" tabindex=\"0\">\n{svg}</figure>");
                format!("<section>\n<h2>{heading}</h2>\n{figure}\n</section>\n")
            }
        }
    }
}

fn table(heading: &str, header: &[String], rows: &[Vec<String>]) -> String {
    let class = |column: usize| if is_numbers(rows, column) { " class=\"number\"" } else { "" };
    let cells = header.iter().enumerate().map(|(column, cell)| {
        let (class, cell) = (class(column), Escaped(cell));
        format!("<th scope=\"col\"{class}>{cell}</th>")
    });
    let head: String = cells.collect();
    let row = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| match (class(column), Escaped(cell)) {
            (class, cell) if column == 0 => format!("<th scope=\"row\"{class}>{cell}</th>"),
            (class, cell) => format!("<td{class}>{cell}</td>"),
        });
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let body: String = rows.iter().map(row).collect();
    let (heading, long) = (Escaped(heading), if rows.len() > ROWS_TOGETHER_MAX { " class=\"long\"" } else { "" });
    let scrolls = format!("class=\"wide\" role=\"region\" aria-label=\"{heading}\" tabindex=\"0\"");
    format!(
        "<section{long}>\n<h2>{heading}</h2>\n<div {scrolls}>\n<table aria-label=\"{heading}\">\n\
         <thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}</tbody>\n</table>\n</div>\n</section>\n"
    )
}

/// Whether each cell of the column is a number, with or without a unit, or says that there is none.
fn is_numbers(rows: &[Vec<String>], column: usize) -> bool {
    let is_number = |cell: &str| cell.starts_with(|first: char| first.is_ascii_digit());
    let cells =
        || rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.trim_start_matches(['-', '+', '−', '<']));
    let mut texts = cells().filter(|cell| !is_number(cell) && !["", "none", "–"].contains(cell));
    cells().any(is_number) && texts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::{Axis, Series};
    use crate::report::scale::Scale;

    const EVIL: &str = "</title></style><script src='x'>&\"";

    fn full_page() -> String {
        let mut page = Page::new(EVIL);
        page.text(EVIL);
        page.command(EVIL);
        page.faults(&[EVIL.to_owned(), "lost 1 of 2 deliveries".to_owned()]);
        page.clean(EVIL);
        page.table(EVIL, &["name", EVIL], &[vec![EVIL.to_owned(), "1.5 ms".to_owned()], vec![]]);
        let series = || Series::new(EVIL, vec![(0.0, 1.0), (0.99, 3.0)]);
        let lines =
            Chart::lines(Axis::new(EVIL, Scale::Quantile), Axis::new("ms", Scale::Log), vec![series(), series()]);
        page.chart(EVIL, &lines);
        page.chart("bars", &Chart::bars("/s", vec![(EVIL.to_owned(), 3.0), ("b".to_owned(), f64::NAN)]));
        page.html()
    }

    /// The elements that are left open, perhaps none. Panics at an end without its beginning.
    fn open_elements(html: &str) -> Vec<&str> {
        let mut open = Vec::new();
        for tag in html.split('<').skip(1) {
            let (tag, _text) = tag.split_once('>').expect("a tag ends");
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let name = tag.split_ascii_whitespace().next().expect("a tag has a name");
            match name.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop(), Some(name), "</{name}>"),
                None if tag.ends_with('/') || ["!doctype", "meta"].contains(&name) => {}
                None => open.push(name),
            }
        }
        open
    }

    #[test]
    fn each_element_ends_and_no_text_becomes_one() {
        let html = full_page();
        assert_eq!(open_elements(&html), [] as [&str; 0]);
        assert!(!html.contains("<script"));
        assert_eq!((html.matches("<svg").count(), html.matches("<title>").count()), (2, 1 + 4 + 2));
    }

    #[test]
    fn nothing_is_loaded_from_anywhere() {
        let mut page = Page::new("a run");
        page.chart("bars", &Chart::bars("/s", vec![("a".to_owned(), 3.0)]));
        let html = page.html();
        for reference in ["http:", "https:", "//", "src=", "href", "url(", "@import", "<script", "<link"] {
            assert!(!html.contains(reference), "{reference}");
        }
        assert!(html.contains("default-src 'none'"));
    }

    #[test]
    fn a_clean_run_is_clean_only_when_it_is_said() {
        let mut page = Page::new("a run");
        page.faults(&[]);
        assert!(!page.html().contains("class=\"faults\"") && !page.html().contains("class=\"clean\""));
        page.clean("nothing lost");
        assert!(page.html().contains("<p class=\"clean\">nothing lost</p>"));
        page.faults(&["lost 1 of 2".to_owned()]);
        assert!(page.html().contains("<strong>1 fault</strong>\n<ul>\n<li>lost 1 of 2</li>"));
    }

    #[test]
    fn a_column_of_numbers_is_aligned_as_one() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["p50", "1.5 ms", "a"]), row(["max", "none", "2"])];
        assert_eq!([0, 1, 2, 3].map(|column| is_numbers(&rows, column)), [false, true, false, false]);
        let mut page = Page::new("a run");
        page.table("latency", &["quantile", "time", "note"], &rows);
        assert!(page.html().contains("<tr><th scope=\"row\">p50</th><td class=\"number\">1.5 ms</td><td>a</td></tr>"));
    }
}
