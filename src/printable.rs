//! Others' words on a terminal.

use std::fmt::{self, Write as _};

/// A text as one line that a terminal shows and does not obey: names, paths and claims are whatever
/// somebody wrote. What moves the cursor, begins a line or turns the direction of what follows is
/// written as its escape.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match is_obeyed(character) {
            true => write!(f, "{}", character.escape_default()),
            false => f.write_char(character),
        })
    }
}

/// Source: Unicode, "Bidirectional Character Types", explicit formatting; and its line separators.
pub fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        for (text, expected) in [
            ("team:app æøå → 日本", "team:app æøå → 日本"),
            ("a\n::error::b", "a\\n::error::b"),
            ("\u{1b}[2J\r\t", "\\u{1b}[2J\\r\\t"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("\u{202e}nimda\u{2066}\u{2028}", "\\u{202e}nimda\\u{2066}\\u{2028}"),
        ] {
            assert_eq!(Printable(text).to_string(), expected);
        }
    }
}
