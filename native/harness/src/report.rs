//! Results as Markdown, in words and tables.

use std::fs;
use std::io;
use std::path::Path;

/// A report that grows.
#[derive(Debug, Default)]
pub struct Report {
    text: String,
}

impl Report {
    /// Begins with a title.
    pub fn new(title: &str) -> Report {
        Report { text: format!("# {title}\n") }
    }

    /// Begins a section.
    pub fn section(&mut self, title: &str) {
        self.text.push_str(&format!("\n## {title}\n"));
    }

    /// Adds a paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.text.push_str(&format!("\n{text}\n"));
    }

    /// Adds a table. The first column is of words, the others are of numbers.
    pub fn table<C: AsRef<str>>(&mut self, heading: &[&str], rows: &[Vec<C>]) {
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        self.text.push('\n');
        self.text.push_str(&line(&mut heading.iter().copied()));
        self.text.push_str(&format!("|---|{}\n", "--:|".repeat(heading.len().saturating_sub(1))));
        for row in rows {
            self.text.push_str(&line(&mut row.iter().map(AsRef::as_ref)));
        }
    }

    /// Prints everything, and writes it to `out` if there is such a place.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn publish(&self, out: Option<&str>) -> io::Result<()> {
        println!("{}", self.text);
        let Some(out) = out else { return Ok(()) };
        if let Some(parent) = Path::new(out).parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(out, &self.text)?;
        println!("written to {out}");
        Ok(())
    }
}

/// The middle of some figures, NaN without any.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => figures[len / 2],
        len => f64::midpoint(figures[len / 2 - 1], figures[len / 2]),
    }
}

/// A figure with three significant digits, and with a letter for thousands (K) or millions (M).
pub fn short(figure: f64) -> String {
    match figure {
        _ if !figure.is_finite() => "–".to_owned(),
        _ if figure >= 999_500.0 => format!("{} M", digits(figure / 1e6)),
        _ if figure >= 9_995.0 => format!("{} K", digits(figure / 1e3)),
        _ => digits(figure),
    }
}

/// A number of bytes in MiB or GiB.
pub fn size(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes >= 1024.0 {
        format!("{} GiB", digits(mebibytes / 1024.0))
    } else {
        format!("{} MiB", digits(mebibytes))
    }
}

fn digits(figure: f64) -> String {
    match figure.abs() {
        large if large >= 99.95 => format!("{figure:.0}"),
        medium if medium >= 9.995 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let shown = [0.5, 12.345, 999.4, 9_994.0, 12_345.0, 1_234_567.0].map(short);
        assert_eq!(shown, ["0.50", "12.3", "999", "9994", "12.3 K", "1.23 M"]);
        assert_eq!((short(f64::NAN).as_str(), size(3 << 29).as_str()), ("–", "1.50 GiB"));
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!((median([3.0, 1.0, 2.0]), median([4.0, 1.0])), (2.0, 2.5));
        assert!(median([]).is_nan());
    }

    #[test]
    fn tables_are_markdown() {
        let mut report = Report::new("T");
        report.table(&["a", "b"], &[vec!["x", "1"]]);
        assert_eq!(report.text, "# T\n\n| a | b |\n|---|--:|\n| x | 1 |\n");
    }
}
