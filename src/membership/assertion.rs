//! The proof of a client by its certificate: a JWT signed with the certificate's key.
//!
//! Source: RFC 7523, section 2.2; entra-docs `identity-platform/certificate-credentials.md`.

use aws_lc_rs::{
    digest, rand,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use url::Url;

use super::pem;
use crate::{clock::UnixSeconds, identifiers::ClientId, secret::Secret};

/// How long an assertion can be used, in seconds. It is used at once.
const LIFETIME: u64 = 300;
/// For a clock of ours that is ahead, in seconds.
const LEEWAY: u64 = 60;

/// The files do not make an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    #[error("certificate_file holds no PEM certificate")]
    Certificate,
    #[error("private_key_file holds no PEM key of RSA with 2048 bits or more")]
    PrivateKey,
    #[error("the machine has no randomness")]
    Randomness,
}

/// A certificate and its key, read.
#[derive(Debug)]
pub struct Certificate {
    /// SHA-256 of its DER form.
    thumbprint: String,
    key: KeyPair,
}

impl Certificate {
    /// Reads two PEM files. Of a chain, the first certificate counts.
    ///
    /// # Errors
    /// Where they hold something else.
    pub fn read(certificate: &str, private_key: &str) -> Result<Self, AssertionError> {
        let der = pem::section(certificate, "CERTIFICATE").ok_or(AssertionError::Certificate)?;
        let pkcs8 = pem::section(private_key, "PRIVATE KEY");
        let pkcs1 = pem::section(private_key, "RSA PRIVATE KEY");
        let key = match (pkcs8, pkcs1) {
            (Some(pkcs8), _) => RsaKeyPair::from_pkcs8(&pkcs8),
            (None, Some(pkcs1)) => RsaKeyPair::from_der(&pkcs1),
            (None, None) => return Err(AssertionError::PrivateKey),
        };
        let key = key.map_err(|_| AssertionError::PrivateKey)?;
        Ok(Self { thumbprint: encode(digest::digest(&digest::SHA256, &der).as_ref()), key })
    }

    /// An assertion that this is `client`, for the token endpoint `audience`.
    ///
    /// # Errors
    /// Where the machine has no randomness.
    pub fn assertion(
        &self,
        client: ClientId,
        audience: &Url,
        now: UnixSeconds,
    ) -> Result<Secret, AssertionError> {
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| AssertionError::Randomness)?;
        let header = json!({"alg": "RS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let client = client.to_string();
        let claims = json!({
            "aud": audience.as_str(),
            "iss": client,
            "sub": client,
            "jti": encode(&id),
            "iat": now,
            "nbf": now.saturating_sub(LEEWAY),
            "exp": now.saturating_add(LIFETIME),
        });
        let signed = [header, claims].map(|part| encode(part.to_string().as_bytes())).join(".");
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = rand::SystemRandom::new();
        self.key
            .sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
            .map_err(|_| AssertionError::Randomness)?;
        Ok(Secret::new(format!("{signed}.{}", encode(&signature))))
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
