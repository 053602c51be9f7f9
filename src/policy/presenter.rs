//! The workload that presents a token, as mutual TLS proves it.

use crate::{config::BindTokens, identifiers::ApplicationId, spiffe::WorkloadId};

/// Who presents the token, and whether that must be the application it was issued to.
#[derive(Debug, Clone, Copy)]
pub struct Presenter<'a> {
    /// `None` without mutual TLS, and for gateways, which present everybody's tokens.
    pub workload: Option<WorkloadId<'a>>,
    pub bind_tokens: BindTokens,
}

impl Presenter<'_> {
    /// Whether another workload than the token's application presents it.
    pub(super) fn contradicts(&self, consumer: Option<&ApplicationId>) -> bool {
        let (Some(workload), Some(consumer)) = (self.workload, consumer) else { return false };
        self.bind_tokens != BindTokens::Off
            && (workload.namespace, workload.service_account)
                != (consumer.namespace(), consumer.name())
    }

    /// Whether that is a reason to refuse.
    pub(super) fn is_binding(&self) -> bool {
        self.bind_tokens == BindTokens::Enforce
    }
}
