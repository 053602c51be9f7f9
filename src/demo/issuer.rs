//! An issuer that stands for one tenant of Entra ID: a metadata document, a key set, and tokens.

use std::{io, net::SocketAddr, sync::Arc};

use aws_lc_rs::error::Unspecified;
use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::SigningKey;

/// The tenant of the sample documents.
pub const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";

/// An issuer on loopback.
#[derive(Debug)]
pub struct DemoIssuer {
    address: SocketAddr,
    tenant: String,
    key: Arc<SigningKey>,
}

impl DemoIssuer {
    /// Starts to serve; ends with the process.
    ///
    /// # Errors
    /// Where no port is free or there is no randomness for a key.
    pub async fn start(tenant: &str) -> io::Result<Self> {
        let no_randomness = |_| io::Error::other("there is no randomness for a key");
        let key = Arc::new(SigningKey::generate("demo-key").map_err(no_randomness)?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = Self { address: listener.local_addr()?, tenant: tenant.to_owned(), key };
        let metadata = json!({"issuer": issuer.name(), "jwks_uri": issuer.jwks_uri()});
        let keys = json!({"keys": [issuer.key.public_jwk()]});
        let router = Router::new()
            .route(&format!("/{tenant}/v2.0/.well-known/openid-configuration"), fixed(metadata))
            .route(&format!("/{tenant}/discovery/v2.0/keys"), fixed(keys));
        tokio::spawn(async { axum::serve(listener, router).await });
        Ok(issuer)
    }

    /// `iss` of its tokens.
    pub fn name(&self) -> String {
        format!("http://{}/{}/v2.0", self.address, self.tenant)
    }

    /// Where its metadata document is found.
    pub fn well_known_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.name())
    }

    fn jwks_uri(&self) -> String {
        format!("http://{}/{}/discovery/v2.0/keys", self.address, self.tenant)
    }

    /// A token with these claims beside those that name the issuer.
    ///
    /// # Errors
    /// Where the machine has no randomness.
    pub fn token(&self, mut claims: Value) -> Result<String, Unspecified> {
        claims["iss"] = self.name().into();
        claims["tid"] = self.tenant.as_str().into();
        claims["ver"] = "2.0".into();
        self.key.token(&claims)
    }
}

fn fixed(document: Value) -> axum::routing::MethodRouter {
    get(async move || Json(document.clone()))
}
