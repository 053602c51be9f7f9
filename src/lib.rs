//! Portvakt decides, for Envoy, which applications and users may call an API.

pub mod admin;
pub mod applications;
pub mod authorizer;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decision;
pub mod demo;
pub mod finding;
pub mod frontend;
pub mod identifiers;
pub mod keys;
pub mod policy;
mod proto;
pub mod request;
pub mod service;
mod spiffe;
mod suggest;
pub mod target;
pub mod telemetry;
pub mod token;
pub mod yaml;
