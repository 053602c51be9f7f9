//! stub
use super::Config;
use crate::finding::Finding;
use std::{collections::BTreeMap, path::Path};
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);
impl Environment {
    pub fn of_process() -> Self {
        Self(std::env::vars().collect())
    }
}
#[derive(Debug)]
pub struct Read {
    pub config: Config,
    pub warnings: Vec<Finding>,
}
pub fn read(_file: Option<&Path>, _environment: &Environment) -> Result<Read, Vec<Finding>> {
    Err(vec![])
}
