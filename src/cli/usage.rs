//! `portvakt usage`.

use std::{
    fmt::Write as _,
    io,
    path::Path,
    process::ExitCode,
    time::{Duration, UNIX_EPOCH},
};

use clap::Args;
use humantime::format_rfc3339_seconds;
use serde_json::{Value, json};
use url::Url;

use super::{
    FAILURE, WRONG_USAGE,
    given::{Given, errors, not_whole},
    input::{Input, Unreadable},
    options::{Format, Paths},
    print, say, wrong_usage,
};
use crate::{
    clock::UnixSeconds,
    config::Proxy,
    file::{self, MOST_OF_A_TEXT},
    finding::Finding,
    http::{Client, ClientError, FetchError},
    usage::{self, DEFAULT_DAYS, Export, Patch, Review, SECONDS_PER_DAY, Unused, What},
};

/// List the rules and groups that nobody has used, with the patch that takes them out.
///
/// What is used, the service counts: `/usage` of `listen.admin`, or the file `usage.file`. Of
/// several instances, give all of them: what one did not see, another may have.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portvakt usage --from http://127.0.0.1:9090/usage portvakt.yaml applications/
  portvakt usage --days 90 --cluster prod-gcp --from one.json --from two.json applications/ |
    patch -p0

Something is unused where it was counted for so many days and let nobody in. An unused application
is listed, and never in the patch. Where documents have errors, there is no patch.
Exit codes: 0 nothing is unused, 1 something is, 2 wrong usage, something cannot be read, or nothing
was counted for so long.")]
pub struct Usage {
    /// What was counted: a file, - for standard input, or the URL of an instance. Can be repeated.
    #[arg(long, required = true, value_name = "FILE|URL")]
    from: Vec<String>,
    /// For how many days something must not have been used.
    #[arg(long, default_value_t = DEFAULT_DAYS, value_parser = clap::value_parser!(u64).range(1..))]
    days: u64,
    /// How it is printed: a line for each and then the patch, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    given: Paths,
}

/// What was counted cannot be had.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{from}: {error}")]
    Fetch { from: String, error: FetchError },
    #[error("{from}: is not what /usage answers: {error}")]
    Content { from: String, error: serde_json::Error },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("nobody can be asked: {0}")]
    Runtime(io::Error),
}

impl Usage {
    pub fn run(self) -> ExitCode {
        let export = match self.export() {
            Ok(export) => export,
            Err(error) => return wrong_usage(&error),
        };
        let given = Given::below(&self.given.paths)
            .and_then(|given| given.read(&self.given.cluster.name)?.with_applications());
        let snapshot = match given {
            Ok(read) => read.snapshot,
            Err(error) => return wrong_usage(&error),
        };
        let errors: Vec<_> = errors(&snapshot.findings).collect();
        let days = self.days;
        let review = Review::of(&snapshot.applications, &export, days);
        // What documents with errors state, a patch could not be held against.
        let read = |path: &str| file::text(Path::new(path), MOST_OF_A_TEXT).ok();
        let patch = errors.is_empty().then(|| Patch::of(&review.unused, read));
        let text = match self.format {
            Format::Text => as_text(&review.unused, patch.as_ref()),
            Format::Json => {
                format!("{:#}\n", as_json(&review, patch.as_ref(), &export, days))
            }
        };
        let is_answered = review.counted > 0 || review.uncounted == 0;
        let code = match (is_answered && errors.is_empty(), review.unused.is_empty()) {
            (false, _) => WRONG_USAGE,
            (true, true) => 0,
            (true, false) => FAILURE,
        };
        let ended = print(&text, code);
        self.tell_what_is_missing(&review, &export, &errors);
        ended
    }

    /// Everything that was counted, together.
    fn export(&self) -> Result<Export, SourceError> {
        let mut merged: Option<Export> = None;
        for from in &self.from {
            let text = read(from)?;
            let export: Export = serde_json::from_slice(&text)
                .map_err(|error| SourceError::Content { from: from.clone(), error })?;
            merged = Some(match merged {
                Some(merged) => merged.merge(export),
                None => export,
            });
        }
        Ok(merged.unwrap_or_default())
    }

    /// Says what the answer does not cover.
    fn tell_what_is_missing(&self, review: &Review, export: &Export, errors: &[&Finding]) {
        let Self { days, .. } = self;
        let Review { unused, counted, uncounted } = review;
        let unused = unused.len();
        say(format_args!("counted for {days} days: {counted}, unused of them: {unused}\n"));
        if *uncounted > 0 {
            say(format_args!("not counted, or not for {days} days: {uncounted}\n"));
        }
        if *counted == 0 && *uncounted > 0 {
            say(format_args!("portvakt: {}\n", self.why_nothing(export)));
        }
        say(not_whole(errors));
        if !errors.is_empty() {
            say("portvakt: no patch is made of documents with errors: mend those above first\n");
        }
    }

    /// Why nothing at all can be called unused.
    fn why_nothing(&self, export: &Export) -> String {
        let days = self.days;
        match export.since() {
            Some(since)
                if export.at.saturating_sub(since) < days.saturating_mul(SECONDS_PER_DAY) =>
            {
                format!(
                    "counting began {}, less than {days} days before: nothing can be called unused yet",
                    time(since)
                )
            }
            _ => "nothing that the documents state was counted for so long; is --cluster theirs?"
                .to_owned(),
        }
    }
}

fn read(from: &str) -> Result<Vec<u8>, SourceError> {
    let url = Url::parse(from).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match url {
        Some(url) => fetch(from, &url),
        None => Ok(Input::open(Path::new(from))?.read_all(usage::MOST_BYTES)?),
    }
}

fn fetch(from: &str, url: &Url) -> Result<Vec<u8>, SourceError> {
    let most = usize::try_from(usage::MOST_BYTES).unwrap_or(usize::MAX);
    let client = Client::new(&Proxy::Environment)?.with_answers_up_to(most);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let fetched = runtime.map_err(SourceError::Runtime)?.block_on(client.get(url));
    fetched.map_err(|error| SourceError::Fetch { from: from.to_owned(), error })
}

fn as_text(unused: &[Unused], patch: Option<&Patch>) -> String {
    let mut text = String::new();
    for found in unused {
        let Unused { application, place, count, .. } = found;
        let since = time(count.since);
        let used = match count.last {
            None => format!("never used since {since}"),
            Some(last) => format!("last used {}, times since {since}: {}", time(last), count.times),
        };
        let is_left = patch.is_some_and(|patch| patch.leaves(found));
        let by_hand = if is_left { "; edit by hand" } else { "" };
        let what = match &found.what {
            What::Application => "application".to_owned(),
            What::Rule(consumer) => format!("rule {consumer} of"),
            What::Group(group) => format!("group {group} of"),
            What::Everyone => "allowAllUsers of".to_owned(),
        };
        // Writing to memory does not fail.
        let _ = writeln!(text, "{place}: {what} {application}: {used}{by_hand}");
    }
    if let Some(patch) = patch.filter(|patch| !patch.text.is_empty()) {
        text.push('\n');
        text.push_str(&patch.text);
    }
    text
}

fn as_json(review: &Review, patch: Option<&Patch>, export: &Export, days: u64) -> Value {
    let found = |found: &Unused| {
        let Unused { application, what, place, count } = found;
        let (kind, name) = match what {
            What::Application => ("application", None),
            What::Rule(consumer) => ("rule", Some(consumer.to_string())),
            What::Group(group) => ("group", Some(group.to_string())),
            What::Everyone => ("allow_all_users", None),
        };
        json!({
            "place": place,
            "application": application, "kind": kind, "name": name,
            "since": count.since, "last": count.last, "times": count.times,
            "by_hand": patch.map(|patch| patch.leaves(found)),
        })
    };
    let unused: Vec<_> = review.unused.iter().map(found).collect();
    let (at, since) = (export.at, export.since());
    let (counted, uncounted) = (review.counted, review.uncounted);
    let patch = patch.map(|patch| &patch.text);
    json!({
        "at": at, "days": days, "since": since, "counted": counted, "uncounted": uncounted,
        "unused": unused, "patch": patch,
    })
}

fn time(seconds: UnixSeconds) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH);
    format_rfc3339_seconds(at).to_string()
}
