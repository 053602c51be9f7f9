//! An output whose errors harm nobody: they are counted, and told once.

use std::io::{self, ErrorKind, Write};

use prometheus::IntCounter;
use tracing::{error, info};

/// Takes everything; what cannot be written is lost.
#[derive(Debug)]
pub struct Output<W> {
    inner: W,
    lost: IntCounter,
    is_failing: bool,
}

impl<W: Write> Output<W> {
    /// Counts the lines that `inner` does not take.
    pub fn to(inner: W, lost: IntCounter) -> Self {
        Self { inner, lost, is_failing: false }
    }

    /// How many bytes were written before an error, if there was one.
    fn write_whole(&mut self, lines: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        while written < lines.len() {
            match self.inner.write(&lines[written..]) {
                Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
                Ok(bytes) => written += bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return (written, Err(error)),
            }
        }
        (written, self.inner.flush())
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let (written, result) = self.write_whole(lines);
        let lost = lines[written..].iter().filter(|byte| **byte == b'\n').count();
        self.lost.inc_by(u64::try_from(lost).unwrap_or(u64::MAX));
        match (&result, self.is_failing) {
            (Err(error), false) => {
                error!(%error, "the decision log cannot be written; its lines are lost")
            }
            (Ok(()), true) => info!("the decision log is written again"),
            _ => {}
        }
        self.is_failing = result.is_err();
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, three at a time, and then none.
    struct Disk(usize, Vec<u8>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.min(bytes.len()).min(3) {
                0 => Err(ErrorKind::StorageFull.into()),
                some => {
                    self.0 -= some;
                    self.1.extend_from_slice(&bytes[..some]);
                    Ok(some)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_full_disk_does_not_take_is_counted_and_no_error() {
        let lost = IntCounter::new("lost", "Lines.").unwrap();
        let mut output = Output::to(Disk(6, Vec::new()), lost.clone());
        for (lines, lost_by_then) in [("aa\nbb\n", 0), ("cc\ndd\n", 2), ("ee\n", 3)] {
            output.write_all(lines.as_bytes()).unwrap();
            assert_eq!((lost.get(), output.is_failing), (lost_by_then, lost_by_then > 0));
        }
        output.inner.0 = 100;
        output.write_all(b"ff\n").unwrap();
        assert_eq!((lost.get(), output.is_failing), (3, false));
        assert_eq!(output.inner.1, b"aa\nbb\nff\n");
    }
}
