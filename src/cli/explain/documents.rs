//! What a request is explained by: settings and documents.

use std::path::PathBuf;

use crate::{
    cli::given::{Given, Unusable, errors},
    config::Config,
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

impl Documents {
    /// Reads all of it.
    ///
    /// # Errors
    /// [`Unusable`] where the configuration has an error, or no application is described.
    pub fn read(paths: &[PathBuf], cluster: &str) -> Result<Self, Unusable> {
        let read = Given::below(paths)?.read(cluster)?.with_applications()?;
        Ok(Self {
            config: read.config_or_defaults(cluster)?,
            has_configuration: read.config.is_some(),
            errors: errors(&read.snapshot.findings).cloned().collect(),
            index: read.snapshot.index,
        })
    }
}
