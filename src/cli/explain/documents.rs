//! What a request is explained by: settings and documents.

use std::path::PathBuf;

use crate::{
    cli::{
        given::{Given, NothingGiven},
        say,
    },
    config::{self, Config},
    finding::{Finding, Severity},
    target::Index,
};

/// The configuration and the documents that were given.
#[derive(Debug)]
pub struct Documents {
    pub config: Config,
    /// Whether it was given, and is not made of defaults.
    pub has_configuration: bool,
    pub index: Index,
    /// Whether nothing in it has an error.
    pub is_whole: bool,
}

/// There is nothing to explain anything by.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error(transparent)]
    Given(#[from] NothingGiven),
    #[error("the configuration cannot be used: {}", .0.join("; "))]
    Configuration(Vec<String>),
}

impl Documents {
    /// Reads all of it; errors in it are told on standard error.
    ///
    /// # Errors
    /// [`Unusable`] where the configuration has an error, or no application is described.
    pub fn read(paths: &[PathBuf], cluster: &str) -> Result<Self, Unusable> {
        let given = Given::below(paths)?;
        let has_configuration = given.has_configuration();
        let read = given.read(cluster);
        let errors: Vec<&Finding> = (read.snapshot.findings.iter())
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        let texts = |findings: &mut dyn Iterator<Item = &Finding>| {
            Unusable::Configuration(findings.map(ToString::to_string).collect())
        };
        let config = match (read.config, has_configuration) {
            (Some(config), _) => config,
            (None, true) => return Err(texts(&mut errors.into_iter())),
            (None, false) => {
                config::defaults(cluster).map_err(|findings| texts(&mut findings.iter()))?
            }
        };
        for error in &errors {
            say(format_args!("{error}\n"));
        }
        let is_whole = errors.is_empty();
        let index = read.snapshot.index;
        match index.is_empty() && is_whole {
            true => Err(NothingGiven::NoApplication.into()),
            false => Ok(Self { config, has_configuration, index, is_whole }),
        }
    }
}
