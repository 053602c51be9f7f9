//! What a process wrote, kept for assertions and shown when a test fails.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use super::until;

/// The oldest half goes when there are as many: long runs write more than memory should hold.
const MAX_LINES: usize = 200_000;

/// The lines so far; printed where the test fails.
pub struct Log {
    title: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    /// Reads until the process ends.
    pub fn of(title: &str, output: impl Read + Send + 'static) -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let shared = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let mut lines = shared.lock().unwrap();
                if lines.len() >= MAX_LINES {
                    lines.drain(..MAX_LINES / 2);
                }
                lines.push(line);
            }
        });
        Self { title: title.to_owned(), lines }
    }

    /// The lines that are JSON.
    pub fn events(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The first line that has a member of this value, waited for.
    pub async fn event(&self, name: &str, value: &str) -> Value {
        let wanted = async || self.events().into_iter().find(|event| event[name] == value);
        until(&format!("a line of {} with {name}: {value}", self.title), wanted).await
    }

    /// Everything as one text.
    pub fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- {}\n{}\n---", self.title, self.text());
        }
    }
}
