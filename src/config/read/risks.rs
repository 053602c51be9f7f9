//! Settings that work, and that most likely are not what was meant.

use super::super::{AskedBy, BindTokens, Config, Tenant, document::Document};
use crate::{
    finding::{Code, Place},
    policy::Mode,
    yaml::Reader,
};

/// Warns of each.
pub fn warn(config: &Config, document: &Document, reader: &mut Reader) {
    let place = |path: &str| -> Place {
        document.get(path).map_or(document.place(), |node| &node.place).clone()
    };
    let asked_by =
        |kind| config.listen.ext_authz.iter().any(|listener| listener.trust.asked_by == kind);
    let is_mesh =
        config.mesh.bind_tokens == BindTokens::Enforce || !config.target.gateways.is_empty();
    if is_mesh && asked_by(AskedBy::Any) {
        let message = "A listener with asked_by: any stands in a mesh. A sidecar without mutual TLS would let callers name another application by Host. Use one listener for workloads and one for gateways.";
        reader.warning(&place("listen.ext_authz"), Code::RiskySetting, message);
    }
    if let Some(console) = &config.listen.console
        && !console.address.ip().is_loopback()
    {
        let message = "The console knows no users of its own: whoever reaches this address sees who may call whom and who is refused. Listen on loopback and reach it by a port forward, or let only a proxy that authenticates reach it.";
        reader.warning(&place("listen.console.address"), Code::RiskySetting, message);
    }
    let sources = &config.applications;
    let is_any_read = !sources.paths.is_empty() || sources.kubernetes.is_some();
    let is_stated = document.get("target.default_application").is_some();
    if is_stated && config.target.host && is_any_read {
        let message = "Host comes before target.default_application: where the proxy forwards to one application whatever Host says, callers could name another one's policy. State target.sources without host there.";
        reader.warning(&place("target.default_application"), Code::RiskySetting, message);
    }
    let believes_default = asked_by(AskedBy::Any) || asked_by(AskedBy::Gateways);
    if is_stated && !believes_default {
        let message =
            "target.default_application is never consulted: every listener is asked by workloads.";
        reader.warning(&place("target.default_application"), Code::RiskySetting, message);
    }
    if config.default_mode == Mode::Shadow {
        let message = "Nobody is kept out but by applications whose documents state the mode enforce: what is refused is let through and reported.";
        reader.warning(&place("applications.default_mode"), Code::RiskySetting, message);
    }
    let has_credentials = |tenant: &Tenant| {
        config.entra.graph.as_ref().is_none_or(|graph| graph.credentials.contains_key(&tenant.id))
    };
    for tenant in config.entra.tenants.iter().filter(|tenant| !has_credentials(tenant)) {
        let message = format!(
            "entra.graph is enabled, but the tenant {} has no credentials: groups of its users are not looked up.",
            tenant.id
        );
        reader.warning(&place("entra.tenants"), Code::RiskySetting, message);
    }
    let opens_all = |pattern: &&crate::target::PathPattern| {
        pattern.matches("/") && pattern.matches("/any/path")
    };
    if config.unauthenticated_paths.iter().any(|pattern| opens_all(&pattern)) {
        let message = "Every path of every application needs no token.";
        reader.warning(&place("unauthenticated_paths"), Code::RiskySetting, message);
    }
    if !is_any_read && sources.environment.is_none() {
        let message = "No document is read, so that every request is denied. Name files or folders in applications.paths, or set applications.kubernetes.enabled.";
        reader.warning(document.place(), Code::RiskySetting, message);
    }
}
