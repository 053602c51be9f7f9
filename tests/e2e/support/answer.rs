//! What a client gets, and what a denial must look like.

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::upstream::Received;

/// An answer as the client sees it.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Reads the whole of it.
    pub async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Self { status, headers, body: response.text().await.unwrap() }
    }

    /// The one value of a header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().unwrap();
        assert!(values.next().is_none(), "{name} is there twice: {self:?}");
        Some(value)
    }

    /// The reason of a denial; `None` for what the upstream answered, or Envoy by itself.
    pub fn reason(&self) -> Option<String> {
        let problem: Value = serde_json::from_str(&self.body).ok()?;
        Some(problem["reason"].as_str()?.to_owned())
    }

    /// What the upstream received.
    pub fn received(&self) -> Received {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not the upstream's: {self:?}"))
    }

    /// That it is a denial for this reason in every respect.
    pub fn assert_denied(&self, reason: &str) {
        let (status, error) = expected(reason);
        assert_eq!((self.reason().as_deref(), self.status), (Some(reason), status), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));

        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:portvakt:reason:{reason}"));
        let text = |member: &str| problem[member].as_str().unwrap().to_owned();
        assert!(!text("title").is_empty());
        assert!(text("decision_id").len() >= 16, "{problem}");

        let challenge = match (status, error) {
            (401, "") => Some("Bearer".to_owned()),
            (_, "") => None,
            (_, error) => {
                Some(format!("Bearer error=\"{error}\", error_description=\"{}\"", text("detail")))
            }
        };
        assert_eq!(self.header("www-authenticate"), challenge.as_deref(), "{self:?}");
    }
}

/// HTTP status and RFC 6750 error of a reason, as the contract has them.
pub fn expected(reason: &str) -> (u16, &'static str) {
    match reason {
        "application_unknown"
        | "application_disabled"
        | "consumer_not_granted"
        | "user_not_granted"
        | "groups_overage"
        | "workload_mismatch" => (403, ""),
        "role_missing" | "scope_missing" => (403, "insufficient_scope"),
        "token_missing" => (401, ""),
        "credentials_malformed" => (400, "invalid_request"),
        "keys_unavailable" | "groups_unavailable" | "deadline_exceeded" | "overloaded"
        | "internal_error" => (503, ""),
        token if token.starts_with("token_") => (401, "invalid_token"),
        unknown => panic!("{unknown} is no reason for a denial"),
    }
}
