//! Where the claims of a caller come from.

use std::sync::Arc;

use tokio::time::Instant;

use super::described;
use crate::{
    decision::{Denial, Step, Trace},
    request::Request,
    token::{Audience, Claims, Verifier, bearer_token},
};

/// Tells who calls. Production believes a verified token and nothing else.
pub trait Evidence: Sync {
    /// The claims of the caller of `request`, as an application with that `audience` may believe
    /// them.
    ///
    /// `place` is given back before anything is waited for, and nothing longer than `deadline`.
    ///
    /// # Errors
    /// Every reason from `token_missing` to `token_claims_invalid`, and `deadline_exceeded`.
    fn claims(
        &self,
        request: &Request<'_>,
        audience: &Audience<'_>,
        deadline: Instant,
        place: impl Send,
        trace: &mut impl Trace,
    ) -> impl Future<Output = Result<Arc<Claims>, Denial>> + Send;
}

impl Evidence for Verifier {
    async fn claims(
        &self,
        request: &Request<'_>,
        audience: &Audience<'_>,
        deadline: Instant,
        place: impl Send,
        trace: &mut impl Trace,
    ) -> Result<Arc<Claims>, Denial> {
        let token = bearer_token(request.authorization);
        trace.step(Step::Credentials, &token, || described::credentials(request.authorization));
        self.verify(token?, audience, deadline, place, trace).await
    }
}

/// Claims that are taken as if a token had proven them: for rehearsals, where there is no token.
#[derive(Debug, Clone)]
pub struct Presumed(pub Result<Arc<Claims>, Denial>);

impl Evidence for Presumed {
    async fn claims(
        &self,
        _: &Request<'_>,
        _: &Audience<'_>,
        _: Instant,
        _: impl Send,
        trace: &mut impl Trace,
    ) -> Result<Arc<Claims>, Denial> {
        trace.step(Step::Claims, &self.0, || vec![("presumed", "without a token".to_owned())]);
        self.0.clone()
    }
}
