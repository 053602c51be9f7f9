//! What one signature costs by itself.

use std::hint::black_box;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256},
};

use crate::{Failure, process::thread_cpu};

const TIMES: u32 = 2_000;

/// One RS256 verification, with the service's library and a pre-parsed key, in microseconds.
pub fn micros() -> Result<f64, Failure> {
    let message = [b'a'; 900];
    let pair = KeyPair::generate(KeySize::Rsa2048)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature)?;
    let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())?;
    let before = thread_cpu()?;
    for _ in 0..TIMES {
        key.verify_sig(black_box(&message), &signature)?;
    }
    Ok((thread_cpu()? - before).as_secs_f64() * 1e6 / f64::from(TIMES))
}
