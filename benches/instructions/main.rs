//! `make instructions`: the instructions of checks and of their parts, counted under valgrind.
//!
//! What is counted depends on the code and hardly on the machine or its load, so that limits can be
//! close. Whoever makes something cheaper lowers its number here.
#![allow(unused_qualifications, reason = "the macros write every path in full")]
#![expect(
    clippy::disallowed_methods,
    reason = "the macro ends the process, which has no other parts"
)]
#![expect(clippy::unwrap_used, reason = "what cannot begin must fail, and has no other way to")]

#[allow(dead_code, reason = "the comparison with a floor uses the rest of it")]
#[path = "../side_by_side/documents.rs"]
mod documents;
#[path = "../../tests/allocations/subject.rs"]
mod subject;
#[allow(dead_code, reason = "the comparison with a floor uses the rest of it")]
#[path = "../side_by_side/tokens.rs"]
mod tokens;

use std::{error::Error, hint::black_box};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use portvakt::{config::AskedBy, decision::Denial, frontend::ext_authz::Check, token::Claims};
use subject::{Subject, Told, message};

/// As in the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn Error + Send + Sync>;

// Counted on x86-64 by valgrind 3.19; other kinds of processors have no limits.

/// Reading a `CheckRequest` of usual size.
const READ: u64 = 8_483;
/// Reading the claims of a user's token, the ids of the groups included.
const CLAIMS: u64 = 15_435;
/// A check that is allowed, with a token that was seen before. Half of it is the token's SHA-256.
const SEEN_BEFORE: u64 = 89_490;
/// A check with a token never seen, up to the verification of its signature.
const NEVER_SEEN: u64 = 112_433;
/// A check that is denied because its token is none. Much of it is the log line.
const MALFORMED: u64 = 44_081;

/// How much more is let pass, in percent: processors differ by half of it.
const MARGIN: u64 = 5;

/// Checks before the one that is counted, so that tables and buffers have their size.
const WARM_UP: usize = 20;

/// Has a benchmark fail that takes more than it did.
fn at_most(counted: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::with_args(["--cache-sim=no"]);
    if cfg!(target_arch = "x86_64") {
        callgrind.hard_limits([(EventKind::Ir, counted + counted * MARGIN / 100)]);
    }
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

/// A service, and a message that it has seen before.
struct Prepared {
    subject: Box<Subject>,
    message: Vec<u8>,
}

impl Prepared {
    fn new(token: impl Fn(&str) -> String, told: &Told) -> Self {
        let subject = Box::new(Subject::start().unwrap());
        let message = message(&token(&subject.token(0).unwrap()));
        for _ in 0..WARM_UP {
            assert_eq!(Told::by(&subject.answer(&message)), *told);
        }
        Self { subject, message }
    }
}

fn seen_before() -> Prepared {
    Prepared::new(str::to_owned, &Told::Allow { headers: 11 })
}

fn never_seen() -> Prepared {
    let without_signature = |token: &str| format!("{}.c2ln", token.rsplit_once('.').unwrap().0);
    Prepared::new(without_signature, &denied("token_signature_invalid"))
}

fn malformed() -> Prepared {
    Prepared::new(|_| "malformed".to_owned(), &denied("token_malformed"))
}

fn denied(reason: &str) -> Told {
    Told::Deny { reason: reason.to_owned() }
}

fn claims() -> Vec<u8> {
    let token = Subject::start().unwrap().token(0).unwrap();
    URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()
}

#[library_benchmark(config = at_most(READ))]
#[bench::of_usual_size(message(&"x".repeat(1500)))]
fn read(message: Vec<u8>) -> bool {
    Check::read(black_box(&message), AskedBy::Any, None, |name| name.starts_with("x-caller-"))
        .is_ok()
}

#[library_benchmark(config = at_most(CLAIMS))]
#[bench::of_a_user(claims())]
fn read_claims(payload: Vec<u8>) -> Result<Claims, Denial> {
    Claims::read(black_box(&payload))
}

#[library_benchmark]
#[bench::seen_before(args = (seen_before()), config = at_most(SEEN_BEFORE))]
#[bench::never_seen(args = (never_seen()), config = at_most(NEVER_SEEN))]
#[bench::malformed(args = (malformed()), config = at_most(MALFORMED))]
fn check(prepared: Prepared) -> (Prepared, Vec<u8>) {
    let answer = prepared.subject.answer(black_box(&prepared.message));
    (prepared, answer)
}

library_benchmark_group!(name = hot_path, benchmarks = [read, read_claims, check]);
main!(library_benchmark_groups = hot_path);
