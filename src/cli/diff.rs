//! `portvakt diff`.

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};

use super::{
    FAILURE, WRONG_USAGE,
    given::{GivenRead, Unusable, errors, not_whole},
    input::{Input, Unreadable},
    options::{Cluster, Format},
    print, say,
    side::Side,
    wrong_usage,
};
use crate::{
    comparison::{self, Change, Effect, Replay, as_json, as_lines, between},
    config::Config,
};

/// Tell what a change of documents means: who gains access, and who loses it.
///
/// OLD and NEW are files, folders, or revisions of git: git:REV, git:REV:PATH, or just REV where no
/// file is called that; a name of both is refused. PATHs are within both. With a decision log, its
/// records are decided by both sides, and the callers are told whose answer is another one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portvakt diff main . deploy/
  portvakt diff --allow losses git:origin/main git:HEAD .nais/
  portvakt diff old/ new/ --decisions decisions.jsonl --format json

A line is + who → what for a gain, - for a loss, ~ for what else is different, and the place.
Exit codes: 0 nothing changes but what is allowed to, 1 something does, 2 wrong usage, or something
cannot be read.")]
pub struct Diff {
    /// Documents as they are: a file, a folder, or a revision.
    #[arg(value_name = "OLD")]
    old: String,
    /// Documents as they will be: a file, a folder, or a revision.
    #[arg(value_name = "NEW")]
    new: String,
    /// Files and folders within both.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A decision log, one JSON record a line; - for standard input.
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Changes that are no failure; several separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CHANGES")]
    allow: Vec<Allowed>,
    /// How changes are printed: a line for each, or one JSON object.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    cluster: Cluster,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Allowed {
    /// Somebody gets in who did not.
    Gains,
    /// Somebody does not get in any more.
    Losses,
    /// What else is different: hosts, client ids, settings.
    Other,
}

/// Both sides, read.
struct Sides {
    old: (Config, GivenRead),
    new: (Config, GivenRead),
}

impl Diff {
    pub fn run(self) -> ExitCode {
        match self.compare() {
            Ok(code) => code,
            Err(error) => wrong_usage(&*error),
        }
    }

    fn compare(&self) -> Result<ExitCode, Box<dyn Error>> {
        let Sides { old, new } = self.read()?;
        let findings = [&old, &new].map(|(_, read)| &read.snapshot.findings);
        let errors: Vec<_> = findings.into_iter().flat_map(|found| errors(found)).collect();
        let changes =
            between((&old.0, &old.1.snapshot.applications), (&new.0, &new.1.snapshot.applications));
        let replay = match &self.decisions {
            Some(file) => {
                let sides = [&old, &new]
                    .map(|(config, read)| comparison::Side::new(config, &read.snapshot.index));
                let Input { name, reader } = Input::open(file)?;
                let replay = match Replay::of(reader, &sides[0], &sides[1]) {
                    Ok(replay) => replay,
                    Err(error) => return Err(Unreadable { name, error }.into()),
                };
                if replay.records == 0 && replay.foreign.count > 0 {
                    return Err(NoLog(name).into());
                }
                if replay.rehearsed == 0 && replay.withheld > 0 {
                    return Err(Withheld(name).into());
                }
                Some(replay)
            }
            None => None,
        };
        let text = match self.format {
            Format::Text => as_lines(&changes, replay.as_ref()),
            Format::Json => format!("{:#}\n", as_json(&changes, replay.as_ref())),
        };
        let code = match (errors.is_empty(), self.is_failure(&changes, replay.as_ref())) {
            (false, _) => WRONG_USAGE,
            (true, true) => FAILURE,
            (true, false) => 0,
        };
        let ended = print(&text, code);
        say(not_whole(&errors));
        Ok(ended)
    }

    /// Where one side alone has a configuration, its cluster is the other side's too.
    fn read(&self) -> Result<Sides, Box<dyn Error>> {
        if let Some(path) = self.paths.iter().find(|path| path.is_absolute()) {
            return Err(format!("{}: a PATH is within OLD and NEW", path.display()).into());
        }
        let old = Side::named(&self.old, &self.paths)?;
        let new = Side::named(&self.new, &self.paths)?;
        let cluster_of = |read: &GivenRead| {
            read.config
                .as_ref()
                .map_or_else(|| self.cluster.name.clone(), |config| config.cluster.clone())
        };
        let mut new_read = new.read(&self.cluster.name)?;
        let old_read = old.read(&cluster_of(&new_read))?;
        if new_read.config.is_none() && old_read.config.is_some() {
            new_read = new.read(&cluster_of(&old_read))?;
        }
        let is_empty = |read: &GivenRead| {
            read.snapshot.applications.is_empty() && read.snapshot.findings.is_empty()
        };
        for (name, read) in [(&self.old, &old_read), (&self.new, &new_read)] {
            if is_empty(read) {
                say(format_args!("portvakt: {name}: there are no documents\n"));
            }
        }
        if is_empty(&old_read) && is_empty(&new_read) {
            return Err("there is nothing to compare".into());
        }
        let old_config = self.config_of(&old_read, &new_read)?;
        let new_config = self.config_of(&new_read, &old_read)?;
        Ok(Sides { old: (old_config, old_read), new: (new_config, new_read) })
    }

    /// A side without a configuration decides as the other does.
    fn config_of(&self, side: &GivenRead, other: &GivenRead) -> Result<Config, Unusable> {
        let stated = if side.config.is_some() { side } else { other };
        stated.config_or_defaults(&self.cluster.name)
    }

    fn is_failure(&self, changes: &[Change], replay: Option<&Replay>) -> bool {
        let is_allowed = |effect| {
            self.allow.contains(&match effect {
                Effect::Gain => Allowed::Gains,
                Effect::Loss => Allowed::Losses,
                Effect::Other => Allowed::Other,
            })
        };
        let mut flips = replay.into_iter().flat_map(Replay::flips);
        changes.iter().any(|change| !is_allowed(change.effect))
            || flips.any(|flip| !is_allowed(flip.effect))
    }
}

/// What was taken for a decision log is something else.
#[derive(Debug, thiserror::Error)]
#[error("{0}: none of its lines is a record of a decision log")]
struct NoLog(String);

/// What would decide is left out in all of a decision log.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}: none of its records can be decided: they tell of nobody but users, and nothing of these \
     (decision_log.personal_data: omitted)"
)]
struct Withheld(String);
