//! Portvakt decides, for Envoy, which applications and users may call an API.

pub mod applications;
pub mod config;
pub mod finding;
pub mod identifiers;
pub mod policy;
pub mod target;
