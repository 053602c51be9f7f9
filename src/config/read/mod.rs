//! From file and environment to [`Config`], with every fault found at once.

mod decision_log;
mod documents;
mod entra;
mod graph;
mod headers;
mod listen;
mod nais;
mod risks;
mod target;
mod values;

use std::path::Path;

use tracing_subscriber::EnvFilter;

use super::{
    ApplicationSources, BindTokens, Config, Environment, EnvironmentApplication, Limits, Log,
    LogFormat, Mesh, Shutdown, TokenCache, Usage, document::Document,
};
use crate::{
    finding::{Finding, Severity},
    yaml::Reader,
};
use nais::Nais;
use values::Values;

/// A configuration that can be used, and what is doubtful about it.
#[derive(Debug)]
pub struct Read {
    pub config: Config,
    pub warnings: Vec<Finding>,
}

/// Reads the configuration: the file, the variables that override its keys, and those that NAIS
/// gives an application.
///
/// # Errors
/// Every finding, as soon as one of them is an error.
pub fn read(file: Option<&Path>, environment: &Environment) -> Result<Read, Vec<Finding>> {
    let mut reader = Reader::default();
    let document = Document::read(file, environment, &mut reader);
    let config = document.and_then(|document| {
        let nais = Nais::read(environment, &document, &mut reader);
        let config = assemble(&mut Values::new(&document, file, &mut reader), nais)?;
        risks::warn(&config, &document, &mut reader);
        Some(config)
    });
    let mut findings = reader.into_findings();
    findings.sort_by(|one, other| one.place.cmp(&other.place));
    let is_usable = findings.iter().all(|finding| finding.severity != Severity::Error);
    match config.filter(|_| is_usable) {
        Some(config) => Ok(Read { config, warnings: findings }),
        None => Err(findings),
    }
}

/// What a configuration comes to that states a cluster and nothing else: for those who look at
/// documents without serving. No issuer stands behind its tenant.
///
/// # Errors
/// A finding where that cannot be a cluster's name.
pub fn defaults(cluster: &str) -> Result<Config, Vec<Finding>> {
    const TENANT: &str = "[{issuer: 'https://issuer.invalid', jwks_uri: 'https://issuer.invalid', \
                          tenant_id: 00000000-0000-0000-0000-000000000000}]";
    let variables = [("PORTVAKT_CLUSTER", cluster), ("PORTVAKT_ENTRA__TENANTS", TENANT)];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    read(None, &variables.into_iter().collect()).map(|read| read.config)
}

/// `None` where something that has no default is missing or unusable; findings tell.
fn assemble(values: &mut Values<'_>, nais: Nais) -> Option<Config> {
    let cluster = values.name("cluster").or(nais.cluster);
    if cluster.is_none() {
        values.missing("cluster", "State it, or set PORTVAKT_CLUSTER or NAIS_CLUSTER_NAME: it is the cluster of documents and rules that name none.");
    }
    let listen = listen::read(values);
    let entra = entra::read(values, nais.tenant, nais.graph);
    let target = target::read(values, nais.application.as_ref().map(|own| own.id.clone()));
    let applications = applications(values, nais.application);
    let unauthenticated_paths = values.list("unauthenticated_paths");
    let allow_cors_preflight = values.boolean("allow_cors_preflight", false);
    let headers = headers::read(values);
    let mesh = Mesh { bind_tokens: bind_tokens(values) };
    let resource_metadata = values.secure_url("resource_metadata");
    let max_bytes = values.number("token_cache.max_bytes", 0..=1 << 40, 64 << 20);
    let (limits, shutdown, log) = (limits(values), shutdown(values), log(values));
    let (decision_log, usage) =
        (decision_log::read(values), Usage { file: values.path("usage.file") });
    // Everything is read before the first that is missing ends it: all faults are told at once.
    Some(Config {
        cluster: cluster?,
        listen: listen?,
        entra: entra?,
        applications,
        target,
        unauthenticated_paths,
        allow_cors_preflight,
        headers,
        mesh,
        resource_metadata,
        token_cache: TokenCache { max_bytes },
        limits,
        shutdown,
        log,
        decision_log,
        usage,
    })
}

fn applications(
    values: &mut Values<'_>,
    environment: Option<EnvironmentApplication>,
) -> ApplicationSources {
    ApplicationSources {
        paths: documents::paths(values),
        pre_authorized: values.paths("applications.pre_authorized"),
        kubernetes: documents::kubernetes(values),
        environment,
    }
}

fn shutdown(values: &mut Values<'_>) -> Shutdown {
    Shutdown {
        delay: values.duration("shutdown.delay", "0s", "10m", "5s"),
        grace: values.duration("shutdown.grace", "0s", "1h", "20s"),
    }
}

fn limits(values: &mut Values<'_>) -> Limits {
    Limits {
        concurrent_checks: values.number("limits.concurrent_checks", 1..=1 << 20, 1024),
        deadline: values.duration("limits.deadline", "1ms", "1m", "150ms"),
        connections: values.number("limits.connections", 1..=1 << 20, 1024),
        streams_per_connection: values.number("limits.streams_per_connection", 1..=1 << 20, 1024),
        message_bytes: values.number("limits.message_bytes", 1024..=64 << 20, 256 << 10),
        connection_age: values.duration("limits.connection_age", "1s", "24h", "15m"),
    }
}

fn log(values: &mut Values<'_>) -> Log {
    const FORMATS: [(&str, LogFormat); 3] =
        [("auto", LogFormat::Auto), ("json", LogFormat::Json), ("text", LogFormat::Text)];
    let filter = values.text("log.filter").unwrap_or("info").to_owned();
    if let Some(node) = values.node("log.filter") {
        values.reader.parsed::<EnvFilter>(node, "log.filter");
    }
    Log { filter, format: values.choice("log.format", &FORMATS) }
}

fn bind_tokens(values: &mut Values<'_>) -> BindTokens {
    let choices = BindTokens::ALL.map(|choice| (choice.as_str(), choice));
    values.choice("mesh.bind_tokens", &choices)
}

#[cfg(test)]
mod tests;
