//! The configuration: what was meant, after reading, defaults and checks.
//!
//! Only [`read`] knows YAML and environment variables. Everything else takes these types, in
//! which what cannot work cannot be written.

mod applications;
mod decision_log;
mod document;
mod entra;
mod environment;
mod graph;
mod keys;
mod listen;
mod read;
mod url;

use std::{path::PathBuf, time::Duration};

pub use self::{
    applications::{
        ApplicationSources, DocumentPath, EnvironmentApplication, Namespaces, PreAuthorized,
    },
    decision_log::{DecisionLog, Decisions, Destination, LogFile, PersonalData},
    entra::{Entra, KeySource, Keys, Proxy, Tenant},
    environment::Environment,
    graph::{ClientCredentials, ClientProof, Graph, Membership},
    keys::{KEYS, Key, top_level_keys},
    listen::{Address, AskedBy, Console, Listen, Listener, Tls, Trust},
    read::{Read, defaults, read},
    url::is_secure,
};

use crate::{
    identifiers::ApplicationId,
    policy::{Fact, Mode},
    target::PathPattern,
};

/// Everything that an operator decides.
#[derive(Debug, Clone)]
pub struct Config {
    /// Fills in rules and documents that name no cluster.
    pub cluster: String,
    pub listen: Listen,
    pub entra: Entra,
    pub applications: ApplicationSources,
    /// Of applications whose documents state none, and of requests that no application answers for.
    pub default_mode: Mode,
    pub target: Target,
    /// Paths that need no token at any application, besides those that documents name.
    pub unauthenticated_paths: Vec<PathPattern>,
    /// Whether a CORS preflight request needs no token.
    pub allow_cors_preflight: bool,
    pub headers: Headers,
    pub mesh: Mesh,
    /// RFC 9728: the URL put into challenges as `resource_metadata`.
    pub resource_metadata: Option<::url::Url>,
    pub token_cache: TokenCache,
    pub limits: Limits,
    pub shutdown: Shutdown,
    pub log: Log,
    pub decision_log: DecisionLog,
    pub usage: Usage,
}

/// How the target of a request is found.
#[derive(Debug, Clone)]
pub struct Target {
    /// Consulted in the order of the contract, whatever the order in the file.
    pub context_extension: bool,
    pub destination_principal: bool,
    pub host: bool,
    /// SPIFFE trust domains whose principals are believed.
    pub trust_domains: Vec<String>,
    /// `namespace/service account` of gateways.
    pub gateways: Vec<Workload>,
    /// For a sidecar in front of one application.
    pub default_application: Option<ApplicationId>,
}

/// A Kubernetes workload by its service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    pub namespace: String,
    pub service_account: String,
}

/// What upstreams learn of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headers {
    /// Lower case; begins the name of every header that is ours. Default `x-caller-`.
    pub prefix: String,
    /// Facts that go out under another name (`Some`) or not at all (`None`): fact → header name.
    /// Facts that are not named go out as the prefix and their own name.
    pub names: Vec<(Fact, Option<String>)>,
    /// Whether the upstream gets no Authorization header.
    pub strip_authorization: bool,
}

/// What the mesh itself tells of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mesh {
    pub bind_tokens: BindTokens,
}

/// Whether a token must be presented by the workload of its application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BindTokens {
    Off,
    /// Mismatches are logged and counted.
    #[default]
    Report,
    /// Mismatches are denied.
    Enforce,
}

impl BindTokens {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Off, Self::Report, Self::Enforce];

    /// As in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Enforce => "enforce",
        }
    }
}

/// The cache of verified tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenCache {
    /// Upper bound of its contents in bytes; 0 switches it off. Default 64 MiB.
    pub max_bytes: u64,
}

/// What one instance takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Checks under way at once, over all connections; more are denied as `overloaded`.
    /// Default 1024.
    pub concurrent_checks: usize,
    /// The longest that one check may take, whatever Envoy's timeout. Default 150 ms.
    pub deadline: Duration,
    /// Connections that may be open at once, over all listeners of `ext_authz`. Default 1024.
    pub connections: usize,
    /// HTTP/2 streams that one connection may have open. Default 1024.
    pub streams_per_connection: u32,
    /// Largest `CheckRequest` that is read, in bytes. Default 256 KiB.
    pub message_bytes: usize,
    /// The longest that a connection lives, so that load spreads over replicas. Default 15 min.
    pub connection_age: Duration,
}

/// What happens at SIGTERM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shutdown {
    /// Between "not serving" and the end of accepting. Default 5 s.
    pub delay: Duration,
    /// For requests under way, after that. Default 20 s.
    pub grace: Duration,
}

/// Counting which rules, groups and applications are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Where the counts are kept over restarts; `None` where they are not.
    pub file: Option<PathBuf>,
}

/// How much is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// A `tracing` filter, for instance `info` or `portvakt=debug`. Default `info`.
    pub filter: String,
    pub format: LogFormat,
}

/// The shape of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    Json,
    Text,
}
