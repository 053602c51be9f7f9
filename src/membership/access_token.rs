//! Access tokens for Graph, by the client credentials flow.
//!
//! Source: RFC 6749, section 4.4; entra-docs
//! `identity-platform/v2-oauth2-client-creds-grant-flow.md`.

use std::{io, path::Path, time::Duration};

use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use tokio::{sync::Mutex, task::spawn_blocking, time::Instant};
use url::{Url, form_urlencoded};

use super::{
    assertion::{AssertionError, Certificate},
    graph::append,
    throttle,
};
use crate::{
    clock::{Clock, UnixSeconds},
    config::{ClientCredentials, ClientProof, Graph},
    file,
    http::{Answer, Client, FetchError, Request},
    identifiers::TenantId,
    secret::Secret,
};

/// A token is not used any more this long before its end.
const MARGIN: Duration = Duration::from_secs(300);

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The access tokens of one client for Graph: one at a time, fetched by one who needs it while the
/// others wait for it.
#[derive(Debug)]
pub struct AccessTokens {
    endpoint: Url,
    scope: String,
    credentials: ClientCredentials,
    clock: Clock,
    last: Mutex<Option<Last>>,
}

/// What the last attempt gave.
#[derive(Debug)]
enum Last {
    /// An Authorization header; marked as sensitive, so that nothing prints it.
    Token {
        authorization: HeaderValue,
        until: Instant,
    },
    Failure {
        until: Instant,
    },
}

/// There is no access token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("{file}: {error}")]
    File { file: String, error: io::Error },
    #[error("{0} is empty")]
    EmptyFile(String),
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    #[error("the token endpoint: {0}")]
    Fetch(#[from] FetchError),
    #[error("the token endpoint answered with status {status}, {code}")]
    Refused { status: u16, code: String, pause: Duration },
    #[error("the token endpoint's answer is no bearer token with a lifetime")]
    Unreadable,
    #[error("the token endpoint failed a moment ago; it is asked again soon")]
    FailedBefore,
}

impl AccessTokens {
    /// Of a client for the users of one tenant; the first is fetched when it is needed.
    pub fn new(
        settings: &Graph,
        tenant: TenantId,
        credentials: ClientCredentials,
        clock: Clock,
    ) -> Self {
        let tenant = tenant.to_string();
        let endpoint = append(&settings.login_url, &[&tenant, "oauth2", "v2.0", "token"]);
        let scope = format!("{}/.default", settings.url.as_str().trim_end_matches('/'));
        Self { endpoint, scope, credentials, clock, last: Mutex::new(None) }
    }

    /// The value of an Authorization header that holds a token.
    ///
    /// # Errors
    /// Where none can be had; after that nobody is asked for a while.
    pub async fn authorization(&self, client: &Client) -> Result<HeaderValue, TokenError> {
        let mut last = self.last.lock().await;
        match &*last {
            Some(Last::Token { authorization, until }) if *until > Instant::now() => {
                return Ok(authorization.clone());
            }
            Some(Last::Failure { until }) if *until > Instant::now() => {
                return Err(TokenError::FailedBefore);
            }
            _ => {}
        }
        let fetched = self.fetch(client).await;
        let (found, result) = match fetched {
            Ok((authorization, lifetime)) => {
                let until = Instant::now() + lifetime;
                let found = Last::Token { authorization: authorization.clone(), until };
                (found, Ok(authorization))
            }
            Err(error) => {
                let pause = match &error {
                    TokenError::Refused { pause, .. } => *pause,
                    _ => throttle::DEFAULT,
                };
                (Last::Failure { until: Instant::now() + pause }, Err(error))
            }
        };
        *last = Some(found);
        result
    }

    /// Never uses this token again: Graph did not accept it.
    pub async fn forget(&self, refused: &HeaderValue) {
        let mut last = self.last.lock().await;
        if matches!(&*last, Some(Last::Token { authorization, .. }) if authorization == refused) {
            *last = None;
        }
    }

    async fn fetch(&self, client: &Client) -> Result<(HeaderValue, Duration), TokenError> {
        let body = self.form().await?;
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        let (method, url) = (Method::POST, self.endpoint.clone());
        let answer = client.send(Request { method, url, headers, body }).await?;
        read(&answer, self.clock.now())
    }

    async fn form(&self) -> Result<String, TokenError> {
        let ClientCredentials { client_id, proof } = &self.credentials;
        let proof = self.proof(proof).await?;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &client_id.to_string())
            .append_pair("scope", &self.scope);
        match proof {
            Proof::Secret(secret) => form.append_pair("client_secret", secret.expose()),
            Proof::Assertion(assertion) => form
                .append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", assertion.expose()),
        };
        Ok(form.finish())
    }

    /// Read anew each time, so that a secret or a certificate can be replaced at any time.
    async fn proof(&self, proof: &ClientProof) -> Result<Proof, TokenError> {
        Ok(match proof {
            ClientProof::Secret(secret) => Proof::Secret(secret.clone()),
            ClientProof::SecretFile(file) => {
                let text = text_of(file).await?;
                Proof::Secret(Secret::new(text.trim_end_matches(['\r', '\n'])))
            }
            ClientProof::Certificate { certificate, private_key } => {
                let certificate = text_of(certificate).await?;
                let certificate = Certificate::read(&certificate, &text_of(private_key).await?)?;
                let (client, now) = (self.credentials.client_id, self.clock.now());
                Proof::Assertion(certificate.assertion(client, &self.endpoint, now)?)
            }
        })
    }
}

enum Proof {
    Secret(Secret),
    Assertion(Secret),
}

async fn text_of(file: &Path) -> Result<String, TokenError> {
    let name = || file.display().to_string();
    let path = file.to_owned();
    let read = spawn_blocking(move || file::text(&path, file::MOST_OF_A_KEY)).await;
    let text = read.unwrap_or_else(|ended| Err(ended.into()));
    let text = text.map_err(|error| TokenError::File { file: name(), error })?;
    match text.trim().is_empty() {
        true => Err(TokenError::EmptyFile(name())),
        false => Ok(text),
    }
}

/// The Authorization header that an answer of the token endpoint leads to, and for how long.
fn read(answer: &Answer, now: UnixSeconds) -> Result<(HeaderValue, Duration), TokenError> {
    #[derive(Deserialize)]
    struct Issued {
        token_type: String,
        expires_in: u64,
        access_token: String,
    }

    if answer.status != StatusCode::OK {
        return Err(TokenError::Refused {
            status: answer.status.as_u16(),
            code: error_code(&answer.body),
            pause: throttle::pause(answer.retry_after, now),
        });
    }
    let issued: Issued =
        serde_json::from_slice(&answer.body).map_err(|_| TokenError::Unreadable)?;
    if !issued.token_type.eq_ignore_ascii_case("bearer") || issued.access_token.is_empty() {
        return Err(TokenError::Unreadable);
    }
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", issued.access_token))
        .map_err(|_| TokenError::Unreadable)?;
    authorization.set_sensitive(true);
    let lifetime = Duration::from_secs(issued.expires_in.min(24 * 3600));
    Ok((authorization, lifetime.saturating_sub(MARGIN.min(lifetime / 2))))
}

/// What an answer says went wrong, for the log: RFC 6749's code and Entra ID's own number. The
/// rest of the description repeats what was sent.
fn error_code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        #[serde(default)]
        error_description: String,
    }

    let Ok(refusal) = serde_json::from_slice::<Refusal>(body) else {
        return "without a code".to_owned();
    };
    let is_word = |word: &&str| {
        word.len() <= 64 && word.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
    };
    let number = refusal.error_description.split(':').next().unwrap_or_default();
    let words: Vec<_> = [&*refusal.error, number].into_iter().filter(is_word).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = 1_800_000_000;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, retry_after: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        for (expires_in, used) in
            [(3599, 3299), (600, 300), (60, 30), (0, 0), (1_u64 << 60, 86_100)]
        {
            let text = format!(
                r#"{{"token_type":"Bearer","expires_in":{expires_in},"access_token":"abc"}}"#
            );
            let (authorization, lifetime) = read(&answer(200, &text), NOW).unwrap();
            assert_eq!(authorization, "Bearer abc");
            assert_eq!(lifetime, Duration::from_secs(used), "{expires_in}");
            assert!(!format!("{authorization:?}").contains("abc"), "it is never printed");
        }
    }

    #[test]
    fn what_is_no_bearer_token_is_refused() {
        for text in [
            "",
            "<html>",
            "{}",
            r#"{"token_type":"Bearer","access_token":"abc"}"#,
            r#"{"token_type":"pop","expires_in":60,"access_token":"abc"}"#,
            r#"{"token_type":"Bearer","expires_in":60,"access_token":""}"#,
            r#"{"token_type":"Bearer","expires_in":-1,"access_token":"abc"}"#,
            r#"{"token_type":"Bearer","expires_in":60,"access_token":"a\nb"}"#,
        ] {
            assert!(matches!(read(&answer(200, text), NOW), Err(TokenError::Unreadable)), "{text}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_codes_alone() {
        for (body, code) in [
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided: hunter2"}"#,
                "invalid_client AADSTS7000215",
            ),
            (r#"{"error":"invalid_client"}"#, "invalid_client "),
            (r#"{"error":"a b\nc","error_description":"hunter 2"}"#, ""),
            ("<html>", "without a code"),
        ] {
            let error = read(&answer(401, body), NOW).unwrap_err();
            assert!(
                matches!(&error, TokenError::Refused { status: 401, code: found, .. } if found == code),
                "{error}"
            );
        }
    }
}
