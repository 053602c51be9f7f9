//! Figures beside their bars.

use std::fmt;

/// What was measured of several things, one in each row.
pub struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Row>,
}

/// What was measured of one thing.
pub struct Row {
    cells: Vec<String>,
    is_met: bool,
}

impl Table {
    pub fn new(heads: &[&'static str]) -> Self {
        Self { heads: heads.to_vec(), rows: Vec::new() }
    }

    pub fn add(&mut self, row: Row) {
        assert_eq!(row.cells.len(), self.heads.len());
        self.rows.push(row);
    }

    /// Whether no bar was missed.
    pub fn is_met(&self) -> bool {
        self.rows.iter().all(|row| row.is_met)
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row.cells[column].chars().count());
        cells.chain([self.heads[column].chars().count()]).max().unwrap_or(0)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, cells: &[&str]) -> fmt::Result {
        for (column, cell) in cells.iter().enumerate() {
            let width = self.width(column);
            match column {
                0 => write!(f, "{cell:<width$}")?,
                _ => write!(f, "  {cell:>width$}")?,
            }
        }
        Ok(())
    }
}

impl Row {
    pub fn of(name: &str) -> Self {
        Self { cells: vec![name.to_owned()], is_met: true }
    }

    /// Whatever is worth telling.
    pub fn text(mut self, text: impl ToString) -> Self {
        self.cells.push(text.to_string());
        self
    }

    /// A figure without a bar.
    pub fn figure(self, figure: f64, decimals: usize) -> Self {
        self.text(format!("{figure:.decimals$}"))
    }

    /// A figure that must not be above its bar.
    pub fn bar(mut self, figure: f64, most: f64, decimals: usize) -> Self {
        let is_met = figure <= most;
        self.is_met &= is_met;
        let relation = if is_met { '≤' } else { '>' };
        self.text(format!("{figure:.decimals$} {relation} {most:.decimals$}"))
    }

    /// Something that must not happen.
    pub fn none(mut self, count: usize) -> Self {
        self.is_met &= count == 0;
        self.text(count)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &self.heads)?;
        for row in &self.rows {
            writeln!(f)?;
            self.write(f, &row.cells.iter().map(|cell| &**cell).collect::<Vec<_>>())?;
            f.write_str(if row.is_met { "  met" } else { "  MISSED" })?;
        }
        Ok(())
    }
}
