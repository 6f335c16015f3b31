//! Tables for a person: aligned, coloured where that helps, cut to the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a text says about a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
    Quiet,
    Heading,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Good => "\u{1b}[32m",
            Tone::Warning => "\u{1b}[33m",
            Tone::Bad => "\u{1b}[1;31m",
            Tone::Quiet => "\u{1b}[2m",
            Tone::Heading => "\u{1b}[1m",
        }
    }

    pub(crate) fn paint(self, text: &str, colour: bool) -> String {
        if colour && self != Tone::Plain { format!("{}{text}\u{1b}[0m", self.code()) } else { text.to_owned() }
    }
}

/// Columns between columns.
const GAP: usize = 2;
/// The first column is cut to no less.
const NARROWEST: usize = 16;

/// One cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Cell { text: text.into(), tone: Tone::Plain }
    }

    pub(crate) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Cell { text: text.into(), tone }
    }
}

/// Rows beneath headings.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
    /// How many columns are of words; the others are of numbers, set to the right.
    words: usize,
}

impl Table {
    pub(crate) fn new(headings: &[&str], words: usize) -> Self {
        let row = headings.iter().map(|heading| Cell::toned(*heading, Tone::Heading)).collect();
        Table { rows: vec![row], words }
    }

    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// The lines, cut to `width` columns if that is given: the first column gives way first.
    pub(crate) fn lines(&self, width: Option<usize>, colour: bool) -> Vec<String> {
        let mut widths = vec![0; self.rows[0].len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        if let (Some(width), Some((first, others))) = (width, widths.split_first_mut()) {
            let taken: usize = others.iter().map(|other| other + GAP).sum();
            *first = (*first).min(width.saturating_sub(taken).max(NARROWEST));
        }
        self.rows.iter().map(|row| self.line(row, &widths, width.unwrap_or(usize::MAX), colour)).collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize], mut left: usize, colour: bool) -> String {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = if column == 0 { 0 } else { GAP };
            let text = cut(&cell.text, widths[column]);
            let padding = widths[column] - text.width();
            let (before, after) = if column >= self.words { (gap + padding, 0) } else { (gap, padding) };
            let before = before.min(left);
            line.extend(std::iter::repeat_n(' ', before));
            let text = cut(&text, left - before);
            left -= before + text.width();
            line.push_str(&cell.tone.paint(&text, colour && !text.is_empty()));
            let after = after.min(left);
            line.extend(std::iter::repeat_n(' ', after));
            left -= after;
        }
        line.truncate(line.trim_end_matches(' ').len());
        line
    }
}

/// The text in at most so many columns; an ellipsis says that some is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 0;
    let kept = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used < width
    });
    let kept: String = kept.collect();
    if width == 0 { kept } else { kept + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_by_what_a_terminal_shows() {
        let mut table = Table::new(&["NAME", "CALLS"], 1);
        table.push(vec![Cell::new("支払い"), Cell::new("7")]);
        table.push(vec![Cell::new("quotes"), Cell::new("1042")]);
        assert_eq!(table.lines(None, false), ["NAME    CALLS", "支払い      7", "quotes   1042"]);
    }

    #[test]
    fn a_line_is_cut_at_the_width_and_closes_its_colours() {
        let mut table = Table::new(&["NAME", "STATE"], 2);
        table.push(vec![Cell::new("payments"), Cell::toned("open", Tone::Bad)]);
        for width in 0..20 {
            let line = &table.lines(Some(width), true)[1];
            let plain = line.replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", "");
            assert!(plain.width() <= width, "{width}: {line:?}");
            assert_eq!(line.matches("\u{1b}[1;31m").count(), line.matches("\u{1b}[0m").count(), "{width}: {line:?}");
        }
        assert_eq!(table.lines(Some(9), false)[1], "payments");
        assert_eq!(table.lines(Some(12), false)[1], "payments  o…");
        table.push(vec![Cell::new("a name that is far too long"), Cell::new("closed")]);
        assert_eq!(table.lines(Some(24), false)[2], "a name that is …  closed");
    }
}
