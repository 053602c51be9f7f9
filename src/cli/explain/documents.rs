//! What a request is explained by: settings and documents.

use std::path::PathBuf;

use crate::{
    cli::given::{Given, NothingGiven, errors},
    config::{self, Config},
    finding::Finding,
    target::Index,
};

/// The configuration and the documents that were given.
#[derive(Debug)]
pub struct Documents {
    pub config: Config,
    /// Whether it was given, and is not made of defaults.
    pub has_configuration: bool,
    pub index: Index,
    /// What is wrong with it: without that, the service may answer otherwise.
    pub errors: Vec<Finding>,
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
    /// Reads all of it.
    ///
    /// # Errors
    /// [`Unusable`] where the configuration has an error, or no application is described.
    pub fn read(paths: &[PathBuf], cluster: &str) -> Result<Self, Unusable> {
        let given = Given::below(paths)?;
        let has_configuration = given.has_configuration();
        let read = given.read(cluster);
        let errors: Vec<_> = errors(&read.snapshot.findings).cloned().collect();
        let unusable = |findings: &[Finding]| {
            Unusable::Configuration(findings.iter().map(ToString::to_string).collect())
        };
        let config = match (read.config, has_configuration) {
            (Some(config), _) => config,
            (None, true) => return Err(unusable(&errors)),
            (None, false) => config::defaults(cluster).map_err(|findings| unusable(&findings))?,
        };
        let index = read.snapshot.index;
        match index.is_empty() && errors.is_empty() {
            true => Err(NothingGiven::NoApplication.into()),
            false => Ok(Self { config, has_configuration, index, errors }),
        }
    }
}
