//! Figures of several runs, by row and column.

use std::collections::BTreeMap;

use ferric_harness::report::{Report, median};

/// A table that fills up.
pub struct Results {
    columns: Vec<String>,
    /// Names of the rows, in the order in which they came.
    rows: Vec<String>,
    figures: BTreeMap<(usize, usize), Vec<f64>>,
}

impl Results {
    /// An empty table.
    pub fn new<C: Into<String>>(columns: impl IntoIterator<Item = C>) -> Results {
        let columns = columns.into_iter().map(Into::into).collect();
        Results { columns, rows: Vec::new(), figures: BTreeMap::new() }
    }

    /// Adds the figure of one run.
    pub fn add(&mut self, row: &str, column: &str, figure: f64) {
        eprintln!("{row}: {column}: {figure:.2}");
        let row = position(&mut self.rows, row);
        let column = position(&mut self.columns, column);
        self.figures.entry((row, column)).or_default().push(figure);
    }

    /// Adds the table of all medians to a report.
    pub fn publish(&self, report: &mut Report, show: fn(f64) -> String) {
        let mut heading = vec!["store"];
        heading.extend(self.columns.iter().map(String::as_str));
        let rows: Vec<Vec<String>> = (0..self.rows.len())
            .map(|row| {
                let cell = |column| {
                    let figures = self.figures.get(&(row, column)).cloned().unwrap_or_default();
                    show(median(figures))
                };
                let cells = (0..self.columns.len()).map(cell);
                std::iter::once(self.rows[row].clone()).chain(cells).collect()
            })
            .collect();
        report.table(&heading, &rows);
    }
}

/// Where `name` is in `names`; at the end, if it was not there.
fn position(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}
