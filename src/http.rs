//! Outbound HTTP to Entra ID and Microsoft Graph: limited in time, size, and where it may go.

use std::time::Duration;

use reqwest::{
    Method, Proxy as HttpProxy, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use url::Url;

use crate::config::Proxy;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// An HTTP client that follows no redirect and reads no endless body.
#[derive(Debug, Clone)]
pub struct Client(reqwest::Client);

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

/// A request under construction. That its URL may be asked at all was checked where it came from.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: String,
}

/// A whole answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    /// `Retry-After` where it is a number of seconds (RFC 9110, section 10.2.3); a date is not
    /// read.
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
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

    /// The body of a successful answer to GET.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let (method, url) = (Method::GET, url.clone());
        let request = Request { method, url, headers: HeaderMap::new(), body: String::new() };
        let answer = self.send(request).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.body),
            other => Err(FetchError::Status(other.as_u16())),
        }
    }

    /// The answer to a request, which may be an error's.
    ///
    /// # Errors
    /// Where none came in time, or one that is too large.
    pub async fn send(&self, request: Request) -> Result<Answer, FetchError> {
        let Request { method, url, headers, body } = request;
        let request = self.0.request(method, url).headers(headers);
        let request = if body.is_empty() { request } else { request.body(body) };
        let mut response = request.send().await?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after, body })
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_a_number_of_seconds() {
        for (value, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("-1", None),
            ("1.5", None),
            ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
