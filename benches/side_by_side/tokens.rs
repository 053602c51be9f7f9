//! Tokens of a granted user, each unlike the others.

use portvakt::{clock::Clock, demo::DemoIssuer};
use serde_json::json;

use crate::Failure;

/// The host of the sample API.
pub const HOST: &str = "orders.localhost";
/// Its client id.
pub const AUDIENCE: &str = "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";
/// Seconds for which a token holds, as Entra ID has it.
const LIFETIME: u64 = 3900;

/// A token with eight caller headers or more to it, about as long as Entra ID's.
pub fn token(issuer: &DemoIssuer, number: usize) -> Result<String, Failure> {
    issued_at(issuer, Clock::system().now(), number)
}

/// A token that expired an hour ago.
pub fn expired(issuer: &DemoIssuer) -> Result<String, Failure> {
    issued_at(issuer, Clock::system().now() - LIFETIME - 3600, 0)
}

fn issued_at(issuer: &DemoIssuer, now: u64, number: usize) -> Result<String, Failure> {
    let claims = json!({
        "aud": AUDIENCE,
        "azp": "b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52",
        "azp_name": "demo:team-orders:webshop",
        "azpacr": "2",
        "aio": "AVQAq/8VAAAAmZ5T3Yx0mRkq1c4v9tJ2bKfL7wQe6uNn3dPz8sHgA1XyCoBiEjWl0MVrUtSa",
        "iat": now, "nbf": now, "exp": now + LIFETIME,
        "scp": "defaultaccess",
        "groups": ["0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11", "5e7c9b1a-3d84-4f60-8a2e-9c6b0d1f4a37"],
        "name": "Kari Nordmann", "preferred_username": "kari.nordmann@example.com",
        "NAVident": "Z990002",
        "oid": "4c6e8a0b-1f37-4d52-9b84-6e2d0f5a7c91",
        "rh": "1.AUcAPlxbfRSfi0qm0FLhyPc6lNHA9KJ-Wzpb.",
        "sub": "k3N1pJq7VbX2cRz9LmT5yWd8sGf4hAe6uOiPnBvQxUo",
        "uti": format!("{number:022}"),
    });
    issuer.token(claims).map_err(|_| "there is no randomness".into())
}
