//! From a token's text to claims that are proven to be its issuer's.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use signature::Verifier as _;
use tokio::time::Instant;

use super::{
    Claims, Expected, TokenCache, V1Audiences,
    cache::{Proven, TokenHash},
    compact::{ALGORITHM, Unverified},
};
use crate::{
    clock::Clock,
    decision::{Denial, DenyReason, Inputs, Step, Trace},
    identifiers::{ClientId, TenantId},
    keys::{Issuer, Key, KeyLookup, PreparedKey},
    telemetry::Metrics,
};

/// Verifies tokens of every configured tenant.
#[derive(Debug)]
pub struct Verifier {
    issuers: HashMap<TenantId, Arc<Issuer>>,
    cache: TokenCache,
    max_lifetime: Duration,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// The application that a token must be for.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    pub tenant: TenantId,
    pub client_id: ClientId,
    /// `None` where it does not take v1.0 tokens.
    pub v1: Option<V1Audiences<'a>>,
}

impl Verifier {
    /// A verifier of tokens from these issuers that live no longer than `max_lifetime`.
    pub fn new(
        issuers: &[Arc<Issuer>],
        cache: TokenCache,
        max_lifetime: Duration,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let issuers = issuers.iter().map(|issuer| (issuer.tenant(), Arc::clone(issuer))).collect();
        Self { issuers, cache, max_lifetime, clock, metrics }
    }

    /// The claims of a token that the audience's tenant issued for it and that holds now.
    ///
    /// Waits only for a key that is being fetched, and no longer than until `deadline`. The check's
    /// `place` among those under way is given back before: a flood of tokens with unknown keys
    /// must not keep others from being decided.
    ///
    /// # Errors
    /// Every reason from `token_malformed` to `token_claims_invalid`, and `deadline_exceeded`.
    pub async fn verify(
        &self,
        token: &str,
        audience: &Audience<'_>,
        deadline: Instant,
        place: impl Send,
        trace: &mut impl Trace,
    ) -> Result<Arc<Claims>, Denial> {
        let Audience { tenant, client_id, v1 } = *audience;
        let issuer = self.issuers.get(&tenant).ok_or(DenyReason::InternalError)?;
        let hash = TokenHash::of(token);
        let remembered = self.proven_before(&hash, issuer);
        self.metrics.token_cache_request(remembered.is_some());
        let claims = match remembered {
            Some(claims) => {
                trace.step(Step::Signature, &Ok(()), || vec![("verified", "before".to_owned())]);
                claims
            }
            None => {
                let (key, claims) = prove(token, issuer, deadline, place, trace).await?;
                // What is proven stays so, whether the claims hold or not: who goes on sending an
                // expired token is refused without another verification.
                self.cache.insert(hash, Proven { tenant, key, claims: Arc::clone(&claims) });
                claims
            }
        };
        let issuer_name = issuer.name().ok_or(DenyReason::KeysUnavailable)?;
        let (now, max_lifetime) = (self.clock.now(), self.max_lifetime.as_secs());
        let issuer = &issuer_name;
        let expected = Expected { issuer, tenant, audience: client_id, v1, max_lifetime, now };
        let checked = claims.check(&expected);
        trace.step(Step::Claims, &checked, || claims.checked_against(&expected));
        checked?;
        Ok(claims)
    }

    /// How many verified tokens are remembered.
    pub fn cached_tokens(&self) -> u64 {
        self.cache.len()
    }

    /// Claims that were proven before, by a key that the issuer still publishes.
    fn proven_before(&self, hash: &TokenHash, issuer: &Issuer) -> Option<Arc<Claims>> {
        let proven = self.cache.get(hash)?;
        let KeyLookup::Found(current) = issuer.known_key(proven.key.kid()) else { return None };
        let is_current = Arc::ptr_eq(&current, &proven.key) || *current == *proven.key;
        (proven.tenant == issuer.tenant() && is_current).then(|| Arc::clone(&proven.claims))
    }
}

async fn prove(
    token: &str,
    issuer: &Issuer,
    deadline: Instant,
    place: impl Send,
    trace: &mut impl Trace,
) -> Result<(Arc<Key>, Arc<Claims>), Denial> {
    let unverified = Unverified::parse(token);
    trace.step(Step::TokenForm, &unverified, || match unverified.is_ok() {
        true => vec![("alg", ALGORITHM.to_owned())],
        false => Inputs::new(),
    });
    let unverified = unverified?;

    let key = key(&unverified.kid, issuer, deadline, place).await;
    trace.step(Step::Key, &key, || {
        let name =
            issuer.name().map_or_else(|| "not known yet".to_owned(), |name| name.to_string());
        vec![("kid", unverified.kid.clone()), ("issuer", name)]
    });
    let key = key?;

    let signature = check_signature(&unverified, &key);
    trace.step(Step::Signature, &signature, || {
        vec![("key", format!("RSA, {} bit", key.modulus_bytes() * 8))]
    });
    signature?;

    let claims = Claims::read(&unverified.payload).inspect_err(|denial| {
        trace.step::<()>(Step::Claims, &Err(denial.clone()), Inputs::new);
    })?;
    Ok((key, Arc::new(claims)))
}

/// The issuer's key of that id, waited for where it is not known yet.
async fn key(
    kid: &str,
    issuer: &Issuer,
    deadline: Instant,
    place: impl Send,
) -> Result<Arc<Key>, Denial> {
    let lookup = match issuer.known_key(kid) {
        KeyLookup::Unknown => {
            drop(place);
            issuer.awaited_key(kid, deadline).await
        }
        known => known,
    };
    match lookup {
        KeyLookup::Found(key) => Ok(key),
        KeyLookup::Unknown => Err(DenyReason::TokenKeyUnknown.into()),
        KeyLookup::Unavailable => Err(DenyReason::KeysUnavailable.into()),
        KeyLookup::TimedOut => Err(DenyReason::DeadlineExceeded.into()),
    }
}

fn check_signature(token: &Unverified<'_>, key: &Key) -> Result<(), Denial> {
    match signature_fits(token, key) {
        true => Ok(()),
        false => Err(DenyReason::TokenSignatureInvalid.into()),
    }
}

fn signature_fits(token: &Unverified<'_>, key: &Key) -> bool {
    token.signature.len() == key.modulus_bytes()
        && key.verifier().verify(token.signing_input.as_bytes(), &token.signature).is_ok()
}

/// The cryptography does not work.
#[derive(Debug, thiserror::Error)]
#[error("the signature library does not verify a known signature as it should")]
pub struct SelfTestFailed;

/// Verifies a known signature and a changed one.
///
/// A library that was built or linked wrongly is found out at start.
///
/// # Errors
/// [`SelfTestFailed`] where either comes out wrong.
pub fn self_test() -> Result<(), SelfTestFailed> {
    // The example of RFC 7515, appendix A.2.
    const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const EXPONENT: &str = "AQAB";
    const SIGNED: &[u8] = b"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| SelfTestFailed);
    let key =
        PreparedKey::new(&decode(MODULUS)?, &decode(EXPONENT)?).map_err(|_| SelfTestFailed)?;
    let signature = decode(SIGNATURE)?;
    let (fits, changed) = (key.verify(SIGNED, &signature), key.verify(&SIGNED[1..], &signature));
    (fits.is_ok() && changed.is_err()).then_some(()).ok_or(SelfTestFailed)
}

#[cfg(test)]
mod tests;
