//! Outbound HTTP to Entra ID and Microsoft Graph: limited in time, size, and where it may go.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::{
    Method, Proxy as HttpProxy, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
};
use url::Url;

use crate::{clock::UnixSeconds, config::Proxy};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// An HTTP client that follows no redirect and reads no endless body.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    max_body_bytes: usize,
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
    #[error("the answer is larger than {} MiB", .0 >> 20)]
    TooLarge(usize),
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
    pub retry_after: Option<RetryAfter>,
    pub body: Vec<u8>,
}

/// When to ask again (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    Seconds(u64),
    Date(UnixSeconds),
}

impl RetryAfter {
    /// How long to wait from now on: no time at all for a date that is past.
    pub fn wait(self, now: UnixSeconds) -> Duration {
        Duration::from_secs(match self {
            Self::Seconds(seconds) => seconds,
            Self::Date(date) => date.saturating_sub(now),
        })
    }
}

impl Client {
    /// One that keeps its connections for further requests.
    ///
    /// # Errors
    /// Where the machine has no usable trust anchors, or the proxy's URL cannot be used.
    pub fn new(proxy: &Proxy) -> Result<Self, ClientError> {
        Ok(builder(proxy)?.build()?.into())
    }

    /// One with a connection for each request, for those who are asked once an hour. A connection
    /// that is dead without anybody having noticed cannot hold up the next request; with HTTP/2 it
    /// would be that of all requests.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_new_connections(proxy: &Proxy) -> Result<Self, ClientError> {
        Ok(builder(proxy)?.pool_max_idle_per_host(0).build()?.into())
    }

    /// The same, for answers of up to so many bytes; 1 MiB unless stated.
    pub fn with_answers_up_to(self, max_body_bytes: usize) -> Self {
        Self { max_body_bytes, ..self }
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
        let request = self.inner.request(method, url).headers(headers);
        let request = if body.is_empty() { request } else { request.body(body) };
        let mut response = request.send().await?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > self.max_body_bytes {
                return Err(FetchError::TooLarge(self.max_body_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after, body })
    }
}

impl From<reqwest::Client> for Client {
    fn from(inner: reqwest::Client) -> Self {
        Self { inner, max_body_bytes: MAX_BODY_BYTES }
    }
}

fn builder(proxy: &Proxy) -> Result<reqwest::ClientBuilder, ClientError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("portvakt/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .redirect(redirect::Policy::none());
    Ok(match proxy {
        Proxy::Environment => builder,
        Proxy::Url(url) => builder.proxy(HttpProxy::all(url.as_str())?),
    })
}

fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(RetryAfter::Seconds(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(RetryAfter::Date(date.duration_since(UNIX_EPOCH).ok()?.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// Answers whatever comes on a connection, for as long as the client keeps it.
    async fn answer_all(mut connection: TcpStream) {
        while connection.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            connection.write_all(answer).await.unwrap();
        }
    }

    #[tokio::test]
    async fn each_request_has_its_own_connection_where_that_is_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer_all(connection));
            }
        });
        let client = Client::with_new_connections(&Proxy::Environment).unwrap();
        for number in 1..=3 {
            client.get(&url).await.unwrap();
            assert_eq!(accepted.load(Ordering::SeqCst), number);
        }
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        let date = Some(RetryAfter::Date(1_792_567_680));
        for (value, expected) in [
            ("0", Some(RetryAfter::Seconds(0))),
            (" 120 ", Some(RetryAfter::Seconds(120))),
            ("Wed, 21 Oct 2026 07:28:00 GMT", date),
            ("Wednesday, 21-Oct-26 07:28:00 GMT", date),
            ("Wed Oct 21 07:28:00 2026", date),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("tomorrow", None),
            ("Wed, 21 Oct 2026 07:28:00 CEST", None),
            ("Wed, 21 Oct 2026 27:28:00 GMT", None),
            ("2026-10-21T07:28:00Z", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers), expected, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_date_is_a_time_from_now_on_or_now() {
        let date = RetryAfter::Date(1_000_000);
        for (now, seconds) in [(999_880, 120), (1_000_000, 0), (1_000_120, 0), (u64::MAX, 0)] {
            assert_eq!(date.wait(now), Duration::from_secs(seconds), "{now}");
        }
        assert_eq!(RetryAfter::Seconds(7).wait(u64::MAX), Duration::from_secs(7));
    }
}
