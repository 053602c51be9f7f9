//! What several commands are told in the same words.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::identifiers::{NotAName, is_name};

// Clap takes doc comments of these structs for those of the commands.

// Where the documents are that a command reads.
#[derive(Debug, Args)]
pub struct Paths {
    /// Files and folders: configuration, documents, lists of further consumers.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub cluster: Cluster,
}

// What documents do not tell by themselves.
#[derive(Debug, Args)]
pub struct Cluster {
    /// The documents' cluster, where no configuration is among the files.
    #[arg(long = "cluster", default_value = "cluster", value_name = "CLUSTER", value_parser = name)]
    pub name: String,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

fn name(text: &str) -> Result<String, NotAName> {
    is_name(text).then(|| text.to_owned()).ok_or(NotAName)
}
