//! The part of the configuration that decisions depend on.

use std::time::Duration;

use crate::{
    config::{Config, Mesh, Target},
    policy::{Mode, Presenter, Requirements},
    request::Request,
    spiffe::WorkloadId,
    target::PathPattern,
};

/// What an operator decides about all applications.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) cluster: String,
    pub(crate) target: Target,
    pub(crate) open_paths: Vec<PathPattern>,
    pub(super) allow_cors_preflight: bool,
    pub(super) accept_v1_tokens: bool,
    pub(crate) requirements: Requirements,
    pub(crate) mesh: Mesh,
    pub(super) deadline: Duration,
    /// Of requests whose application is not known.
    pub(super) mode: Mode,
}

impl Settings {
    /// Those that a configuration states.
    pub fn of(config: &Config) -> Self {
        Self {
            cluster: config.cluster.clone(),
            target: config.target.clone(),
            open_paths: config.unauthenticated_paths.clone(),
            allow_cors_preflight: config.allow_cors_preflight,
            accept_v1_tokens: config.entra.accept_v1_tokens,
            requirements: Requirements {
                role: config.entra.required_role.clone(),
                scope: config.entra.required_scope.clone(),
            },
            mesh: config.mesh,
            deadline: config.limits.deadline,
            mode: config.default_mode,
        }
    }

    /// The same, for whoever asks about an application by its name, however proxies name it: cases,
    /// records, and people.
    #[must_use]
    pub fn with_named_targets(mut self) -> Self {
        self.target.context_extension = true;
        self
    }

    /// The workload that presents a request's token, and whether that matters.
    pub(crate) fn presenter<'a>(&self, request: &Request<'a>) -> Presenter<'a> {
        let Target { trust_domains, gateways, .. } = &self.target;
        let workload = WorkloadId::parse(request.presented_by(), trust_domains)
            .filter(|workload| !workload.is_among(gateways));
        Presenter { workload, bind_tokens: self.mesh.bind_tokens }
    }
}
