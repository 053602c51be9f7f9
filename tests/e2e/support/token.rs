//! Tokens, right ones and wrong ones.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{
    documents::{ORDER_DESK, ORDERS_API, USER},
    signing_key::{SigningKey, encode},
};

/// A token before it is signed.
#[derive(Debug, Clone)]
pub struct Token {
    pub header: Value,
    pub claims: Value,
}

impl Token {
    /// An application's own token for orders-api.
    pub fn of_application(client_id: &str) -> Self {
        let subject = "8b1d4f7a-2e95-4c30-b6d8-7f0a3c5e9b12";
        Self::of(json!({
            "azp": client_id, "azp_name": "test:somewhere:else", "idtyp": "app",
            "roles": ["access_as_application"], "oid": subject, "sub": subject,
        }))
    }

    /// A user's token for orders-api, through an application; of the group order desk.
    pub fn of_user(client_id: &str) -> Self {
        Self::of(json!({
            "azp": client_id, "scp": "defaultaccess", "groups": [ORDER_DESK],
            "oid": USER, "sub": "k3N1-pairwise",
            "name": "Bjørn Sørensen", "preferred_username": "bjorn@example.com",
            "NAVident": "Z990001",
        }))
    }

    /// Such a token of a user with more groups than a token lists.
    pub fn of_user_with_many_groups(client_id: &str) -> Self {
        // Where Entra ID sends the curious; nobody may ever go there.
        let sources = json!({"src1": {"endpoint": "http://127.0.0.1:1/getMemberObjects"}});
        Self::of_user(client_id)
            .without("groups")
            .claim("_claim_names", json!({"groups": "src1"}))
            .claim("_claim_sources", sources)
    }

    fn of(claims: Value) -> Self {
        let now = now();
        let token = Self { header: json!({"typ": "JWT", "alg": "RS256"}), claims };
        token
            .claim("aud", ORDERS_API)
            .claim("ver", "2.0")
            .claim("iat", now)
            .claim("nbf", now)
            .claim("exp", now + 3600)
    }

    /// With another value of a claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// Without a claim.
    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    /// With another value of a member of the header.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// Header and payload as they are signed.
    pub fn signing_input(&self) -> String {
        format!("{}.{}", encode(self.header.to_string()), encode(self.claims.to_string()))
    }

    /// Signed, with whatever the header says.
    pub fn sign(&self, key: &SigningKey) -> String {
        let signed = self.signing_input();
        format!("{signed}.{}", key.sign(&signed))
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
