//! Outbound HTTP to issuers: limited in time, size, and where it may go.

use std::time::Duration;

use reqwest::{Proxy as HttpProxy, redirect};
use url::Url;

use crate::config::Proxy;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// An HTTP client for metadata documents and key sets.
#[derive(Debug, Clone)]
pub struct Client(reqwest::Client);

/// Where metadata documents and key sets come from.
pub trait Source: Sync {
    /// The body of a successful answer. That the URL may be asked at all was checked where it
    /// came from.
    fn get(&self, url: &Url) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send;
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for issuers cannot be set up")]
pub struct ClientError(#[from] reqwest::Error);

/// A document could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{0}")]
    Http(String),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("the answer is larger than 1 MiB")]
    TooLarge,
}

impl From<reqwest::Error> for FetchError {
    /// The whole chain of causes: the outermost alone says little.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self::Http(text)
    }
}

impl Client {
    /// # Errors
    /// Where the machine has no usable trust anchors, or the proxy's URL cannot be used.
    pub fn new(proxy: &Proxy) -> Result<Self, ClientError> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("portvakt/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .redirect(redirect::Policy::none());
        let builder = match proxy {
            Proxy::Environment => builder,
            Proxy::Url(url) => builder.proxy(HttpProxy::all(url.as_str())?),
        };
        Ok(Self(builder.build()?))
    }
}

impl Source for Client {
    async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let mut response = self.0.get(url.clone()).send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
