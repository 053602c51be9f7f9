//! The configuration: what was meant, after reading, defaults and checks.
//!
//! Only [`read`] knows YAML and environment variables. Everything else takes these types, in
//! which what cannot work cannot be written.

mod decision_log;
mod document;
mod environment;
mod graph;
mod keys;
mod read;
mod url;

use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, time::Duration};

pub use self::{
    decision_log::{DecisionLog, Decisions, Destination, LogFile, PersonalData},
    environment::Environment,
    graph::{ClientCredentials, ClientProof, Graph, Membership},
    keys::{KEYS, Key, top_level_keys},
    read::{Read, defaults, read},
    url::is_secure,
};

use crate::{
    identifiers::{ApplicationId, ClientId, TenantId},
    policy::Mode,
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

/// Where Portvakt listens.
#[derive(Debug, Clone)]
pub struct Listen {
    /// At least one.
    pub ext_authz: Vec<Listener>,
    /// `/livez`, `/readyz`, `/metrics` and `/usage`.
    pub admin: SocketAddr,
    /// Pages for people; `None` where they are off.
    pub console: Option<Console>,
    /// TLS for every TCP listener of `ext_authz`.
    pub tls: Option<Tls>,
}

/// Where the console listens, and by which names it may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    pub address: SocketAddr,
    /// In lower case and without ports, beside loopback names and the address itself.
    pub hosts: Vec<String>,
}

/// One address that Envoys ask at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub address: Address,
    pub trust: Trust,
}

/// What the proxies that ask at a listener are believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trust {
    pub asked_by: AskedBy,
    /// That the last element of `x-forwarded-client-cert` is theirs, and names their client.
    pub forwarded_client_cert: bool,
}

impl From<AskedBy> for Trust {
    /// No forwarded client.
    fn from(asked_by: AskedBy) -> Self {
        Self { asked_by, forwarded_client_cert: false }
    }
}

/// A TCP address or a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    /// As in the configuration.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What kind of proxy asks at a listener; decides what it is believed about the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AskedBy {
    /// Unknown: every configured source of the target counts.
    #[default]
    Any,
    /// Sidecars and waypoints: the Host header never names the target.
    Workloads,
    /// Gateways, which route by Host: the destination principal is ignored.
    Gateways,
}

impl AskedBy {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Any, Self::Workloads, Self::Gateways];

    /// As in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Workloads => "workloads",
            Self::Gateways => "gateways",
        }
    }
}

/// Files of a server certificate, and of the authority of client certificates for mTLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub certificate: PathBuf,
    pub private_key: PathBuf,
    pub client_ca: Option<PathBuf>,
}

/// The issuers of tokens, and what tokens must carry.
#[derive(Debug, Clone)]
pub struct Entra {
    /// At least one; the first is that of documents which name none.
    pub tenants: Vec<Tenant>,
    /// What a token of an application must carry in `roles`.
    pub required_role: String,
    /// What a token of a user through another application must carry in `scp`.
    pub required_scope: String,
    /// The longest lifetime of a token that is accepted. Default 24 h; tokens of continuous access
    /// evaluation live up to 28 h.
    pub max_token_lifetime: Duration,
    /// Whether every application takes v1.0 tokens, and not only those whose documents ask for it.
    pub accept_v1_tokens: bool,
    pub proxy: Proxy,
    pub keys: Keys,
    /// Looking up groups that tokens do not list; `None` where that is off.
    pub graph: Option<Graph>,
}

/// One Entra ID tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub id: TenantId,
    /// What documents call this tenant, for instance `trygdeetaten.no`.
    pub name: Option<String>,
    /// `iss` of its tokens; where not stated, the metadata document tells.
    pub issuer: Option<String>,
    pub key_source: KeySource,
}

impl Tenant {
    /// What its issuer is called in metrics: the issuer as stated, or as the location of its
    /// metadata document tells (OpenID Connect Discovery 1.0, section 4).
    pub fn label(&self) -> String {
        const METADATA_PATH: &str = "/.well-known/openid-configuration";
        match (&self.issuer, &self.key_source) {
            (Some(issuer), _) => issuer.clone(),
            (None, KeySource::Discovery { well_known_url: url }) => {
                url.as_str().trim_end_matches(METADATA_PATH).to_owned()
            }
            (None, KeySource::Stated { .. }) => self.id.to_string(),
        }
    }
}

/// Where a tenant's keys are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The metadata document tells (`jwks_uri`), and the issuer where that is not stated.
    Discovery { well_known_url: ::url::Url },
    /// Stated by hand, together with the issuer.
    Stated { jwks_uri: ::url::Url },
}

/// Through which proxy issuers and Graph are reached.
#[derive(Clone, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in both cases.
    Environment,
    /// This one, whatever the environment says. It may hold a password.
    Url(::url::Url),
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Url(_) => "Url(…)",
        })
    }
}

/// How key sets are kept fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Between refreshes that nothing asked for. Default 1 h.
    pub refresh_interval: Duration,
    /// The least time between two refreshes that unknown keys asked for. Default 60 s.
    pub cooldown: Duration,
    /// After this long without a successful refresh the keys are no longer trusted. Default 24 h.
    pub max_age: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            refresh_interval: Duration::from_secs(3600),
            cooldown: Duration::from_secs(60),
            max_age: Duration::from_secs(24 * 3600),
        }
    }
}

/// Where documents come from.
#[derive(Debug, Clone, Default)]
pub struct ApplicationSources {
    /// Files and folders of YAML documents, watched.
    pub paths: Vec<DocumentPath>,
    /// Those of documents that are tried beside them, in the same way.
    pub candidate_paths: Vec<DocumentPath>,
    /// Files of further consumers, in the shape of `AZURE_APP_PRE_AUTHORIZED_APPS`, watched.
    pub pre_authorized: Vec<PathBuf>,
    /// The namespaces of the cluster whose documents are read; `None` where it is not asked.
    pub kubernetes: Option<Namespaces>,
    /// The one application that the NAIS environment variables describe.
    pub environment: Option<EnvironmentApplication>,
}

/// A file or folder, and for whom its documents may speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentPath {
    pub path: PathBuf,
    pub namespaces: Namespaces,
}

impl From<PathBuf> for DocumentPath {
    /// One that is trusted with every namespace.
    fn from(path: PathBuf) -> Self {
        Self { path, namespaces: Namespaces::Any }
    }
}

/// The namespaces whose applications documents may describe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Namespaces {
    #[default]
    Any,
    Only(BTreeSet<String>),
}

impl Namespaces {
    /// Whether an application of that namespace may be described.
    pub fn allow(&self, namespace: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(namespaces) => namespaces.contains(namespace),
        }
    }
}

/// The application that the variables of a NAIS pod describe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentApplication {
    pub id: ApplicationId,
    pub client_id: ClientId,
    pub tenant: TenantId,
    /// `AZURE_APP_PRE_AUTHORIZED_APPS`, read.
    pub consumers: Vec<PreAuthorized>,
}

/// One entry of `AZURE_APP_PRE_AUTHORIZED_APPS` or of a file of that shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreAuthorized {
    pub id: ApplicationId,
    pub client_id: ClientId,
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
    pub names: Vec<(crate::policy::Fact, Option<String>)>,
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
