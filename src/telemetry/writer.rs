//! Lines, written by a thread of their own: a reader that stalls, a pipe or a disk that is full, must
//! never keep a check waiting.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use prometheus::IntCounter;
use tracing_subscriber::fmt::MakeWriter;

/// How long the end of the process waits for the last lines to be written.
const PATIENCE: Duration = Duration::from_secs(2);

/// How lines wait to be written.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// The name of the thread that writes.
    pub thread: &'static str,
    /// How many may wait, in bytes; further ones are dropped.
    pub max_bytes: usize,
    /// How long a line waits for further ones: under load, waking the thread for each costs as much
    /// as making the line.
    pub gather: Duration,
}

/// Takes lines and never waits.
#[derive(Debug, Clone)]
pub struct Lines {
    queue: Arc<Queue>,
    max_bytes: usize,
    dropped: IntCounter,
}

/// Waits at its end until the lines that are pending are written, but not for a reader that does
/// not read.
#[derive(Debug)]
#[must_use = "the last lines are lost where it is dropped early"]
pub struct Flush(Arc<Queue>);

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<u8>,
    is_writing: bool,
}

impl Lines {
    /// Starts the thread that writes to `output`. Lines for which there is no room are counted.
    ///
    /// # Errors
    /// Where the system lets no further thread begin.
    pub fn to(
        output: impl Write + Send + 'static,
        waiting: Waiting,
        dropped: IntCounter,
    ) -> io::Result<(Self, Flush)> {
        let Waiting { thread, max_bytes, gather } = waiting;
        let queue = Arc::<Queue>::default();
        let of_thread = Arc::clone(&queue);
        let write = move || of_thread.write_to(output, gather);
        thread::Builder::new().name(thread.to_owned()).spawn(write)?;
        Ok((Self { queue: Arc::clone(&queue), max_bytes, dropped }, Flush(queue)))
    }

    /// Takes a line, its end included, or drops and counts it.
    pub fn take(&self, line: &[u8]) {
        let mut state = self.queue.lock();
        if state.pending.len() + line.len() > self.max_bytes {
            self.dropped.inc();
            return;
        }
        let is_first = state.pending.is_empty();
        state.pending.extend_from_slice(line);
        drop(state);
        // The thread takes all that is there when it has woken up.
        if is_first {
            self.queue.changed.notify_all();
        }
    }
}

impl Queue {
    /// A thread that panicked in between left nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is pending, as much as there is at once, for ever.
    fn write_to(&self, mut output: impl Write, gather: Duration) {
        let mut lines = Vec::new();
        loop {
            let mut state = self.lock();
            state.is_writing = false;
            self.changed.notify_all();
            let nothing = |state: &mut State| state.pending.is_empty();
            drop(self.changed.wait_while(state, nothing));
            thread::sleep(gather);
            let mut state = self.lock();
            std::mem::swap(&mut state.pending, &mut lines);
            state.is_writing = true;
            drop(state);
            // There is nobody left to tell of an error.
            let _ = output.write_all(&lines).and_then(|()| output.flush());
            lines.clear();
        }
    }
}

/// One call is one line: `tracing_subscriber` writes an event at once.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.take(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let unwritten = |state: &mut State| state.is_writing || !state.pending.is_empty();
        let state = self.0.lock();
        // Whatever it returns, there is nothing more to be done about it.
        let _ = self.0.changed.wait_timeout_while(state, PATIENCE, unwritten);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Writes only what it is allowed to.
    struct Gate {
        open: mpsc::Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.open.recv().map_err(io::Error::other)?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const WAITING: Waiting =
        Waiting { thread: "lines", max_bytes: 1 << 20, gather: Duration::from_millis(5) };

    fn dropped() -> IntCounter {
        IntCounter::new("dropped", "Lines.").unwrap()
    }

    #[test]
    fn what_is_pending_is_written_before_the_end() {
        let (open, gate) = mpsc::channel();
        let written = Arc::default();
        let gate = Gate { open: gate, written: Arc::clone(&written) };
        let (mut lines, flush) = Lines::to(gate, WAITING, dropped()).unwrap();
        for line in ["one\n", "two\n", "three\n"] {
            lines.write_all(line.as_bytes()).unwrap();
            open.send(()).unwrap();
        }
        drop(flush);
        assert_eq!(*written.lock().unwrap(), b"one\ntwo\nthree\n");
        assert_eq!(lines.dropped.get(), 0);
    }

    #[test]
    fn lines_that_nobody_takes_are_dropped_and_counted_and_keep_nobody_waiting() {
        let (_open, gate) = mpsc::channel();
        let gate = Gate { open: gate, written: Arc::default() };
        let (mut lines, _flush) = Lines::to(gate, WAITING, dropped()).unwrap();
        let line = vec![b'x'; WAITING.max_bytes / 4];
        // Four are pending; four more may be with the thread that writes.
        for _ in 0..10 {
            lines.write_all(&line).unwrap();
        }
        assert!((2..=6).contains(&lines.dropped.get()), "{}", lines.dropped.get());
        assert!(lines.queue.lock().pending.len() <= WAITING.max_bytes);
    }
}
