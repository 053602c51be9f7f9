//! Keys of an issuer, published or not: signing for the cases, verifying for the oracle.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

pub struct Key {
    pub kid: String,
    pair: KeyPair,
}

impl Key {
    pub fn generate(kid: &str, size: KeySize) -> Self {
        Self { kid: kid.to_owned(), pair: KeyPair::generate(size).unwrap() }
    }

    /// As a key set publishes it.
    pub fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        json!({
            "kty": "RSA", "use": "sig", "kid": self.kid,
            "n": encode(n.big_endian_without_leading_zero()),
            "e": encode(e.big_endian_without_leading_zero()),
        })
    }

    /// RS256.
    pub fn sign(&self, text: &str) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
        signature
    }

    /// HS256, with the public half as the secret.
    pub fn sign_with_public_half(&self, text: &str) -> Vec<u8> {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, self.pair.public_key().as_ref());
        hmac::sign(&secret, text.as_bytes()).as_ref().to_vec()
    }

    /// Whether a signature is its own: of the modulus' length, and by RSASSA-PKCS1-v1_5.
    pub fn fits(&self, text: &str, signature: &[u8]) -> bool {
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key());
        signature.len() == self.pair.public_modulus_len()
            && public.verify(text.as_bytes(), signature).is_ok()
    }
}

/// Base64url without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
