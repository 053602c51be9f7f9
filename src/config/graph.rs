//! How group memberships that a token does not list are looked up in Microsoft Graph.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use url::Url;

use crate::{
    identifiers::{ClientId, TenantId},
    secret::Secret,
};

/// Looking up memberships in Microsoft Graph.
#[derive(Debug, Clone)]
pub struct Graph {
    /// As whom Graph is asked, for each tenant that is asked about; one at least.
    pub credentials: HashMap<TenantId, ClientCredentials>,
    pub membership: Membership,
    /// How long an answer counts. Default 5 min.
    pub cache_lifetime: Duration,
    /// Look-ups under way at once. Default 16.
    pub concurrency: usize,
    /// Where Graph is found, without the version.
    pub url: Url,
    /// Where access tokens for Graph are had: the part of the URL before the tenant.
    pub login_url: Url,
}

/// Which memberships count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Membership {
    /// Of the group itself, as NAIS counts it.
    #[default]
    Direct,
    /// Also of groups that are members of it.
    Transitive,
}

/// What an application proves itself by to Entra ID (OAuth 2.0 client credentials).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    pub client_id: ClientId,
    pub proof: ClientProof,
}

/// The proof itself. Files are read each time that an access token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientProof {
    /// A secret from an environment variable.
    Secret(Secret),
    /// A file that holds nothing but a secret.
    SecretFile(PathBuf),
    /// PEM files of a certificate and of its RSA key.
    Certificate { certificate: PathBuf, private_key: PathBuf },
}
