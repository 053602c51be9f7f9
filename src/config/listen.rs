//! Where Portvakt listens, and what those who ask there are believed.

use std::{fmt, net::SocketAddr, path::PathBuf};

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

impl fmt::Display for Address {
    /// As in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
