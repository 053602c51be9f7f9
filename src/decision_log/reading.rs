//! A log, line by line, of whatever length and origin.

use std::io::{self, BufRead, Read as _};

/// The longest line that is read, in bytes: records are far shorter.
const LONGEST_LINE: u64 = 1 << 20;

/// Reads the lines of a log, and keeps no more than one.
#[derive(Debug)]
pub struct LogReader<R> {
    log: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> LogReader<R> {
    /// A reader that is before the first line.
    pub fn new(log: R) -> Self {
        Self { log, line: Vec::new(), number: 0 }
    }

    /// The next line with its number, the first being 1; `None` at the end. Of a line that is longer
    /// than any record, only its beginning.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn next_line(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.line.clear();
        if self.log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if !self.line.ends_with(b"\n") && self.line.len() as u64 == LONGEST_LINE {
            self.log.skip_until(b'\n')?;
        }
        self.number += 1;
        Ok(Some((self.number, &self.line)))
    }

    /// How many lines were read.
    pub fn count(&self) -> u64 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_too_long_ones_are_one_each_whatever_they_hold() {
        let longest = usize::try_from(LONGEST_LINE).unwrap();
        let lines = [
            b"one".to_vec(),
            vec![b'x'; longest - 1],
            vec![b'x'; longest],
            vec![b'x'; 3 * longest],
            vec![],
            vec![0xff, 0],
        ];
        let mut reader = LogReader::new(io::Cursor::new(lines.join(&b'\n')));
        for (number, line) in (1..).zip(&lines) {
            let (found, text) = reader.next_line().unwrap().unwrap();
            assert_eq!(found, number);
            assert_eq!(text.trim_ascii_end(), &line[..line.len().min(longest)], "line {number}");
        }
        assert!(reader.next_line().unwrap().is_none());
        assert_eq!(reader.count(), 6);
    }
}
