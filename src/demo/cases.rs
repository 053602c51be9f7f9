//! The requests that the demo makes, and what each must answer.

use aws_lc_rs::error::Unspecified;
use serde_json::{Value, json};

use super::DemoIssuer;
use crate::{
    clock::Clock,
    decision::{AllowReason, DenyReason},
};

/// The host of the protected API.
pub const HOST: &str = "orders.localhost";

const ORDERS_API: &str = "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";
const WEBSHOP: &str = "b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52";
const NEWSLETTER: &str = "d3f5a8c7-6b82-4d19-9e34-0b7a4c2f8e65";
const ORDER_DESK: &str = "0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11";
const OTHER_GROUP: &str = "5e7c9b1a-3d84-4f60-8a2e-9c6b0d1f4a37";

/// One request.
#[derive(Debug)]
pub struct Case {
    pub title: &'static str,
    pub token: Option<String>,
    /// HTTP status and reason.
    pub expected: (u16, &'static str),
}

/// All of them, with fresh tokens.
///
/// # Errors
/// Where the machine has no randomness.
pub fn all(issuer: &DemoIssuer) -> Result<Vec<Case>, Unspecified> {
    let now = Clock::system().now();
    let token = |claims: Value| issuer.token(claims).map(Some);
    let deny = |reason: DenyReason| (reason.status() as u16, reason.code());
    let case = |title, token, expected| Case { title, token, expected };
    Ok(vec![
        case(
            "An allowed application: webshop, which orders-api grants",
            token(application(WEBSHOP, now))?,
            (200, AllowReason::ApplicationGranted.code()),
        ),
        case(
            "An allowed user: through webshop, of the group order desk",
            token(user(WEBSHOP, ORDER_DESK, now))?,
            (200, AllowReason::UserGranted.code()),
        ),
        case(
            "A denied application: newsletter, which orders-api does not grant",
            token(application(NEWSLETTER, now))?,
            deny(DenyReason::ConsumerNotGranted),
        ),
        case(
            "A denied user: through webshop, of another group",
            token(user(WEBSHOP, OTHER_GROUP, now))?,
            deny(DenyReason::UserNotGranted),
        ),
        case("No token", None, deny(DenyReason::TokenMissing)),
        case(
            "An expired token",
            token(application(WEBSHOP, now - 7200))?,
            deny(DenyReason::TokenExpired),
        ),
    ])
}

/// An application's own token, valid for an hour from `issued`.
fn application(client_id: &str, issued: u64) -> Value {
    json!({
        "aud": ORDERS_API, "iat": issued, "nbf": issued, "exp": issued + 3600,
        "azp": client_id, "azp_name": "a display name, never evidence",
        "idtyp": "app", "roles": ["access_as_application"],
        "oid": "8b1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12", "sub": "8b1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12",
    })
}

/// A user's token through an application, valid for an hour from `issued`.
fn user(client_id: &str, group: &str, issued: u64) -> Value {
    json!({
        "aud": ORDERS_API, "iat": issued, "nbf": issued, "exp": issued + 3600,
        "azp": client_id, "scp": "defaultaccess", "groups": [group],
        "oid": "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91", "sub": "k3N1-sample-subject",
        "name": "Bjørn Sørensen", "preferred_username": "bjorn.sorensen@example.com",
        "NAVident": "Z990001",
    })
}
