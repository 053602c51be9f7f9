//! What both sides know: names, the time, the keys that are published.

use aws_lc_rs::rsa::KeySize;
use serde_json::{Value, json};

use super::{
    keys::Key,
    oracle::{self, Expected, Grants},
};

pub const ISSUER: &str = "https://login.example/7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94/v2.0";
pub const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
/// orders-api, as its document has it.
pub const AUDIENCE: &str = "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";
pub const WEBSHOP: &str = "b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52";
pub const REPORTS: &str = "c9d1e7b5-4a63-4e2f-8b17-6d0c5f9a2e83";
pub const ORDER_DESK: &str = "0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11";
const AUDIT: &str = "3b8d2f64-70c1-4e9a-a5b7-9d1c6e8f0a23";
/// Seconds since 1970.
pub const NOW: u64 = 1_800_000_000;

const EXPECTED: Expected<'_> =
    Expected { issuer: ISSUER, tenant: TENANT, audience: AUDIENCE, now: NOW };

const GRANTS: Grants<'_> = Grants {
    consumers: &[WEBSHOP, REPORTS, AUDIENCE],
    groups: &[ORDER_DESK, AUDIT],
    role: "access_as_application",
    scope: "defaultaccess",
};

/// The keys of the issuer, and one that it never published.
pub struct Trusted {
    pub published: Vec<Key>,
    pub foreign: Key,
}

impl Trusted {
    pub fn generate() -> Self {
        let published = vec![
            Key::generate("first", KeySize::Rsa2048),
            Key::generate("second \u{e6}/\"", KeySize::Rsa2048),
            Key::generate("large", KeySize::Rsa3072),
        ];
        Self { published, foreign: Key::generate("foreign", KeySize::Rsa2048) }
    }

    pub fn key_set(&self) -> Value {
        let keys: Vec<_> = self.published.iter().map(Key::jwk).collect();
        json!({ "keys": keys })
    }

    /// Whether the bearer of a token may be let through.
    pub fn allows(&self, token: &str) -> bool {
        let Some(form) = oracle::form(token) else { return false };
        let Some(key) = self.published.iter().find(|key| key.kid == form.kid) else {
            return false;
        };
        key.fits(form.signed, &form.signature)
            && oracle::claims_hold(&form.payload, &EXPECTED)
            && oracle::may_call(&form.payload, AUDIENCE, &GRANTS)
    }
}
