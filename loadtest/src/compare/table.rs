//! Rows and columns, as aligned text for a terminal and as Markdown for a file.

/// A table whose first row is its head.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&name| name.to_owned()).collect()] }
    }

    /// Adds a row with as many cells as the head.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn head(&self) -> Vec<&str> {
        self.rows.first().into_iter().flatten().map(String::as_str).collect()
    }

    /// Without the head.
    pub(crate) fn body(&self) -> &[Vec<String>] {
        self.rows.get(1..).unwrap_or_default()
    }

    /// Columns two spaces apart, each line indented by two.
    pub(crate) fn text(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:<width$}"));
            format!("{}\n", cells.collect::<String>().trim_end())
        };
        self.rows.iter().map(line).collect()
    }

    pub(crate) fn markdown(&self) -> String {
        let line = |row: &Vec<String>| format!("| {} |\n", row.join(" | ").replace('\n', " "));
        let mut lines = self.rows.iter().map(line);
        let head = lines.next().unwrap_or_default();
        let rule = format!("|{}\n", "---|".repeat(self.rows.first().map_or(0, Vec::len)));
        [head, rule].into_iter().chain(lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_two_forms() {
        let mut table = Table::new(&["server", "us"]);
        table.row(vec!["floor".to_owned(), "2.31".to_owned()]);
        assert_eq!(table.text(), "  server  us\n  floor   2.31\n");
        assert_eq!(table.markdown(), "| server | us |\n|---|---|\n| floor | 2.31 |\n");
    }
}
