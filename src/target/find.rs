//! From what Envoy tells of a request to the application that it is for.

use std::sync::Arc;

use super::{Index, normalise_host};
use crate::{
    applications::Application,
    config::{AskedBy, Target},
    identifiers::ApplicationId,
    request::Request,
    spiffe::WorkloadId,
};

/// No application is found.
#[derive(Debug, Default, PartialEq)]
pub struct NotFound<'a> {
    /// Those that claim the host, which for that is nobody's.
    pub rivals: Vec<&'a Arc<Application>>,
}

/// Finds the application that a request is for.
///
/// A context extension or a trusted destination principal decides even if no such application is
/// known: a weaker source never stands in for a stronger one. Who asks decides which sources are
/// believed. Behind a sidecar the Host header is the caller's to choose and the destination
/// principal may be missing, so that neither Host nor the default may name the target; behind a
/// gateway the destination principal is the gateway's own.
///
/// # Errors
/// [`NotFound`] where no document describes it, or several claim its host.
pub fn find<'a>(
    index: &'a Index,
    request: &Request<'_>,
    settings: &Target,
    local_cluster: &str,
) -> Result<&'a Arc<Application>, NotFound<'a>> {
    let by_id = |id: Option<ApplicationId>| {
        id.and_then(|id| index.by_id(&id)).ok_or_else(NotFound::default)
    };
    let asked_by = request.asked_by;
    if settings.context_extension
        && let Some(name) = request.context_application
    {
        return by_id(name.parse().ok());
    }
    if settings.destination_principal
        && asked_by != AskedBy::Gateways
        && let Some(workload) =
            WorkloadId::parse(request.destination_principal, &settings.trust_domains)
        && !(asked_by == AskedBy::Any && workload.is_among(&settings.gateways))
    {
        let WorkloadId { namespace, service_account } = workload;
        return by_id(ApplicationId::new(local_cluster, namespace, service_account).ok());
    }
    if settings.host
        && asked_by != AskedBy::Workloads
        && let Some(host) = normalise_host(request.host)
    {
        if let Some(found) = index.by_host(&host) {
            return Ok(found);
        }
        // Were a contested host the default's, a claim would put one policy in place of another.
        let rivals = index.rivals(&host);
        if !rivals.is_empty() {
            return Err(NotFound { rivals });
        }
    }
    match asked_by {
        AskedBy::Workloads => Err(NotFound::default()),
        AskedBy::Any | AskedBy::Gateways => by_id(settings.default_application.clone()),
    }
}

#[cfg(test)]
mod tests {
    use AskedBy::{Any, Gateways, Workloads};

    use super::*;
    use crate::{applications::DisabledBecause, config::Workload};

    const API: &str = "spiffe://cluster.local/ns/team-a/sa/api";
    const OTHER: &str = "spiffe://cluster.local/ns/team-b/sa/other";
    const MISSING: &str = "spiffe://cluster.local/ns/team-a/sa/missing";
    const GATEWAY: &str = "spiffe://cluster.local/ns/istio-system/sa/gateway";
    const FOREIGN: &str = "spiffe://other.local/ns/team-a/sa/api";

    fn application(id: &str, hosts: &[&str]) -> Arc<Application> {
        Arc::new(Application {
            hosts: hosts.iter().map(ToString::to_string).collect(),
            ..Application::disabled(id.parse().unwrap(), DisabledBecause::NoClientId)
        })
    }

    fn index() -> Index {
        let applications = [
            application("prod:team-a:api", &["api.example.com", "shared.example.com"]),
            application("prod:team-b:other", &["other.example.com", "shared.example.com"]),
            application("dev:team-c:remote", &["remote.example.com"]),
        ];
        let mut index = Index::new("prod");
        applications.into_iter().for_each(|application| {
            index.insert(application);
        });
        index
    }

    fn settings(default: Option<&str>) -> Target {
        Target {
            context_extension: true,
            destination_principal: true,
            host: true,
            trust_domains: vec!["cluster.local".into()],
            gateways: vec![Workload {
                namespace: "istio-system".into(),
                service_account: "gateway".into(),
            }],
            default_application: default.map(|id| id.parse().unwrap()),
        }
    }

    #[test]
    fn who_asks_decides_what_is_believed() {
        let index = index();
        let default = Some("dev:team-c:remote");
        for (asked_by, context, principal, host, default, expected) in [
            // A context extension decides everywhere, even if it names nothing that is known.
            (
                Any,
                Some("prod:team-a:api"),
                OTHER,
                "other.example.com",
                None,
                Some("prod:team-a:api"),
            ),
            (Workloads, Some("prod:team-a:api"), OTHER, "", None, Some("prod:team-a:api")),
            (
                Gateways,
                Some("prod:team-a:api"),
                "",
                "other.example.com",
                None,
                Some("prod:team-a:api"),
            ),
            (Any, Some("prod:team-a:missing"), API, "api.example.com", default, None),
            (Any, Some("api"), API, "api.example.com", default, None),
            (Any, Some(""), API, "api.example.com", default, None),
            // The destination principal wins over Host, except at gateways.
            (Any, None, API, "other.example.com", None, Some("prod:team-a:api")),
            (Any, None, MISSING, "other.example.com", default, None),
            (Any, None, GATEWAY, "other.example.com", None, Some("prod:team-b:other")),
            (Any, None, FOREIGN, "other.example.com", None, Some("prod:team-b:other")),
            (Workloads, None, API, "other.example.com", None, Some("prod:team-a:api")),
            (Workloads, None, GATEWAY, "other.example.com", default, None),
            (Gateways, None, API, "other.example.com", None, Some("prod:team-b:other")),
            (
                Gateways,
                None,
                "api.example.com",
                "other.example.com",
                None,
                Some("prod:team-b:other"),
            ),
            // A sidecar in plaintext: neither Host nor the default may name another application.
            (Workloads, None, "", "other.example.com", None, None),
            (Workloads, None, "", "other.example.com", default, None),
            (Workloads, None, FOREIGN, "api.example.com", default, None),
            // Host, by ingress and by service name.
            (Any, None, "", "API.example.com:443", None, Some("prod:team-a:api")),
            (Any, None, "", "api.team-a", None, Some("prod:team-a:api")),
            (Any, None, "", "api.team-a.svc", None, Some("prod:team-a:api")),
            (Any, None, "", "api.team-a.svc.cluster.local:80", None, Some("prod:team-a:api")),
            (Any, None, "", "remote.example.com", None, Some("dev:team-c:remote")),
            (Any, None, "", "remote.team-c", None, None),
            (Any, None, "", "api", None, None),
            // A host that two claim is nobody's, and not the default's either.
            (Any, None, "", "shared.example.com", None, None),
            (Any, None, "", "shared.example.com", default, None),
            (Gateways, None, API, "shared.example.com", default, None),
            // The default, last.
            (Any, None, "", "", None, None),
            (Any, None, "", "unknown.example.com", default, default),
            (Gateways, None, API, "unknown.example.com", default, default),
        ] {
            let request = Request {
                asked_by,
                context_application: context,
                destination_principal: principal,
                host,
                ..Request::default()
            };
            let found = find(&index, &request, &settings(default), "prod").ok();
            let found = found.map(|application| application.id.as_str());
            assert_eq!(found, expected, "{asked_by:?} {context:?} {principal} {host} {default:?}");
        }
    }

    #[test]
    fn a_source_that_is_switched_off_is_not_consulted() {
        let index = index();
        let settings = Target {
            context_extension: false,
            destination_principal: false,
            host: false,
            ..settings(None)
        };
        let request = Request {
            context_application: Some("prod:team-a:api"),
            destination_principal: API,
            host: "api.example.com",
            ..Request::default()
        };
        assert!(find(&index, &request, &settings, "prod").is_err());
    }
}
