//! A public key that is prepared once, behind jsonwebtoken's own door for verifiers.
//!
//! jsonwebtoken's own verifier builds the library's key anew for each signature.

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use jsonwebtoken::{Algorithm, crypto::JwtVerifier};
use signature::{Error, Verifier};

/// Verifies RS256 signatures of one key.
#[derive(Debug)]
pub struct PreparedKey(ParsedPublicKey);

/// The numbers make no RSA key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the numbers make no RSA key")]
pub struct NoKey;

impl PreparedKey {
    /// From modulus and exponent, big-endian and without leading zeros.
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, NoKey> {
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).map(Self).map_err(|_| NoKey)
    }
}

impl Verifier<Vec<u8>> for PreparedKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        self.0.verify_sig(message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for PreparedKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}
