//! The checks that are sent over and over, and what each must come to.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use portvakt::demo::DemoIssuer;
use serde_json::json;

use crate::{Failure, capture, load, process::Server, tokens};

/// One check, as h2load sends it.
pub struct Case {
    pub body: PathBuf,
    pub request: CheckRequest,
    reason: &'static str,
}

/// One for each way that a decision can go, all from the same request of a real Envoy.
pub struct Cases {
    /// A user whose token is remembered; eight caller headers and more.
    pub seen: Case,
    /// A token without a signature part.
    pub malformed: Case,
    /// A token that was verified before, and has expired.
    pub expired: Case,
    /// A token that names a key which nobody publishes.
    pub unknown_key: Case,
    /// A token whose signature was changed: it is verified each time.
    pub bad_signature: Case,
}

impl Cases {
    /// Writes the bodies below `folder`.
    pub fn write(
        folder: &Path,
        issuer: &DemoIssuer,
        request: &CheckRequest,
    ) -> Result<Self, Failure> {
        let token = tokens::token(issuer, 0)?;
        let (signed, signature) = token.rsplit_once('.').ok_or("no token")?;
        let (_, payload) = signed.split_once('.').ok_or("no token")?;
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": "a key that nobody publishes"});
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let (first, rest) = signature.split_at(1);
        let changed = if first == "A" { "B" } else { "A" };
        let case = |reason: &'static str, token: &str| {
            let request = capture::with_token(request, token);
            let body = folder.join(reason);
            load::write_body(&body, &request)?;
            Ok::<_, Failure>(Case { body, request, reason })
        };
        Ok(Self {
            malformed: case("token_malformed", signed)?,
            expired: case("token_expired", &tokens::expired(issuer)?)?,
            unknown_key: case("token_key_unknown", &format!("{header}.{payload}.{signature}"))?,
            bad_signature: case("token_signature_invalid", &format!("{signed}.{changed}{rest}"))?,
            seen: case("user_granted", &token)?,
        })
    }

    /// Asks each of them once: what is measured must be what it is called.
    pub async fn prove(&self, server: &Server) -> Result<(), Failure> {
        let Self { seen, malformed, expired, unknown_key, bad_signature } = self;
        for case in [seen, malformed, expired, unknown_key, bad_signature] {
            let reason = load::reason(server, &case.request).await?;
            if reason != case.reason {
                return Err(format!("{reason} where it should be {}", case.reason).into());
            }
        }
        Ok(())
    }
}
