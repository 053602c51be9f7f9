//! A check that was answered, as it is told to all who count and write.

use std::time::{Duration, SystemTime};

use crate::{authorizer::Outcome, request::Request};

/// What became of a check, and what is known of its request.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    pub outcome: &'a Outcome,
    /// `None` where the message of the check could not be read.
    pub request: Option<&'a Request<'a>>,
    /// `traceparent` (W3C Trace Context), as received.
    pub traceparent: Option<&'a str>,
    /// When it was answered. Threads differ by what they take to tell.
    pub at: SystemTime,
    /// From the message to the answer.
    pub took: Duration,
}

impl<'a> Answered<'a> {
    /// The trace id of the `traceparent` (W3C Trace Context, section 3.2): 32 hexadecimal digits,
    /// which is also all that a caller can put into a log line by it.
    pub fn trace_id(&self) -> Option<&'a str> {
        trace_id(self.traceparent?)
    }
}

fn trace_id(traceparent: &str) -> Option<&str> {
    // The version before it has two digits, whichever it is.
    let (_version, rest) = traceparent.split_at_checked(2)?;
    let (trace_id, parent) = rest.strip_prefix('-')?.split_at_checked(32)?;
    let is_whole = parent.starts_with('-') && trace_id.bytes().all(|c| c.is_ascii_hexdigit());
    is_whole.then_some(trace_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trace_id_is_taken_from_a_traceparent() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(trace_id(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id));
        for text in [
            "",
            "00",
            "0-",
            "00-short-x-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47360-x-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473\n-x-01",
            "0é4bf92f3577b34da6a3ce929d0e0e4736-x-01",
        ] {
            assert_eq!(trace_id(text), None, "{text}");
        }
    }
}
