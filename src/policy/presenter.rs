//! The workload that presents a token, as mutual TLS proves it.

use crate::{config::BindTokens, decision::Inputs, identifiers::ApplicationId, spiffe::WorkloadId};

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

    /// Who it is, for explanations.
    pub(super) fn described(&self) -> Inputs {
        let workload = self.workload.map_or_else(
            || "unknown, or a gateway".to_owned(),
            |workload| format!("{}/{}", workload.namespace, workload.service_account),
        );
        vec![("presented by", workload), ("bind_tokens", self.bind_tokens.as_str().to_owned())]
    }

    /// Whether that is a reason to refuse.
    pub(super) fn is_binding(&self) -> bool {
        self.bind_tokens == BindTokens::Enforce
    }
}
