//! Heap allocations of one check, from the bytes of its `CheckRequest` to those of its
//! `CheckResponse`, metrics and log included. HTTP/2 and gRPC around them are not ours.

#[allow(dead_code, reason = "the comparison with a floor uses the rest of it")]
#[path = "../../benches/side_by_side/documents.rs"]
mod documents;
mod subject;
#[allow(dead_code, reason = "the comparison with a floor uses the rest of it")]
#[path = "../../benches/side_by_side/tokens.rs"]
mod tokens;

use std::{error::Error, hint::black_box};

use allocation_counter::measure;
use subject::{Subject, Told, message};

type Failure = Box<dyn Error + Send + Sync>;

/// An allowed check whose token was seen before may allocate so often.
const SEEN_BEFORE: u64 = 3;
/// An allowed check whose token was never seen.
const NEVER_SEEN: u64 = 33;
/// A check that is denied before a signature is looked at, log line included.
const DENIED_BEFORE_THE_SIGNATURE: u64 = 5;

/// Checks of each kind. The one with the fewest counts: tables and buffers that grow now and then
/// do not.
const ROUNDS: usize = 9;
/// Tokens that are remembered by then: enough for most parts of the cache to have their tables.
const REMEMBERED: usize = 128;

#[test]
fn no_check_allocates_more_often_than_it_must() {
    let subject = Subject::start().unwrap();
    let granted = |number| message(&subject.token(number).unwrap());
    let remembered: Vec<_> = (0..REMEMBERED).map(granted).collect();
    for message in &remembered {
        subject.answer(message);
    }
    let seen_before = remembered[..ROUNDS].to_vec();
    let never_seen = (REMEMBERED..REMEMBERED + ROUNDS).map(granted).collect();
    let malformed = vec![message("malformed"); ROUNDS];
    let allowed = Told::Allow { headers: 11 };
    let denied = Told::Deny { reason: "token_malformed".to_owned() };
    for (what, messages, expected, most) in [
        ("a token seen before", seen_before, &allowed, SEEN_BEFORE),
        ("a token never seen", never_seen, &allowed, NEVER_SEEN),
        ("a malformed token", malformed, &denied, DENIED_BEFORE_THE_SIGNATURE),
    ] {
        let counts: Vec<_> = messages
            .iter()
            .map(|message| {
                let mut answer = Vec::new();
                let counted = measure(|| answer = subject.answer(black_box(message)));
                assert_eq!(Told::by(&answer), *expected, "{what}");
                counted.count_total
            })
            .collect();
        println!("{what}: {counts:?} allocations, at most {most}");
        assert!(counts.iter().min() <= Some(&most), "{what}: {counts:?}, at most {most}");
    }
}

#[test]
fn what_counts_allocations_is_there() {
    let counted = measure(|| drop(black_box(vec![0_u8; 100])));
    assert_eq!((counted.count_total, counted.bytes_total), (1, 100));
}
