//! Remedies where no application is found, where it lets nobody in, and where nothing is decided.

use super::{
    situation::{Situation, short},
    why::{By, Ground, Remedy, Why},
};
use crate::{
    applications::{DisabledBecause, Protection},
    config::AskedBy,
    identifiers::ApplicationId,
    spiffe::WorkloadId,
    target::normalise_host,
};

/// `application_unknown`, by what may have named the application.
pub fn unknown(situation: &Situation<'_>) -> Why {
    let Situation { request, settings, .. } = situation;
    let workload = || {
        let named =
            WorkloadId::parse(request.destination_principal, &settings.target.trust_domains)?;
        let is_believed = request.asked_by != AskedBy::Gateways
            && !(request.asked_by == AskedBy::Any && named.is_among(&settings.target.gateways));
        let WorkloadId { namespace, service_account } = named;
        is_believed.then(|| format!("{}:{namespace}:{service_account}", settings.cluster))
    };
    match request.context_application.map(str::to_owned).or_else(workload) {
        Some(name) => without_document(&name),
        None if request.asked_by == AskedBy::Workloads => unnamed(),
        None => without_host(request.host),
    }
}

fn without_document(name: &str) -> Why {
    let is_name = name.parse::<ApplicationId>().is_ok();
    let ground = match is_name {
        true => format!("No document describes {name}."),
        false => format!("\"{name}\" is not of the form cluster:namespace:application."),
    };
    let remedies = vec![
        Remedy::new(
            By::Team,
            "Add the application's document (kind Application, apiVersion nais.io/v1alpha1) where Portvakt reads documents.",
        ),
        Remedy::new(
            By::Operator,
            "Or name another application: in the route's context extension portvakt.application, or by the service account of the workload that is asked.",
        ),
    ];
    Why { grounds: vec![Ground::new(ground)], remedies }
}

fn unnamed() -> Why {
    let ground = "Nothing that a sidecar is believed names the application: there is no context \
                  extension and no destination principal of a trusted domain. Host does not count.";
    let what = "Turn mutual TLS on for the workload (the destination principal then names it), or \
                name the application in the context extension portvakt.application; if a gateway \
                asks, use a listener with asked_by: gateways.";
    Why { grounds: vec![Ground::new(ground)], remedies: vec![Remedy::new(By::Operator, what)] }
}

fn without_host(host: &str) -> Why {
    let Some(host) = normalise_host(host) else {
        let what = "Send a Host header with the host of one of the API's ingresses.";
        let ground = Ground::new("The request names no host.");
        return Why { grounds: vec![ground], remedies: vec![Remedy::new(By::Caller, what)] };
    };
    let ground = format!("No application is found by the host {host}: none has it, or several.");
    let what = "Add the host to spec.ingresses of the application's document. Where lint reports \
                host_claimed_twice, take it from the other application.";
    let remedies = vec![
        Remedy::new(By::Team, what).text(format!("- https://{host}")),
        Remedy::new(
            By::Operator,
            "Or name the application in the route's context extension portvakt.application.",
        ),
    ];
    Why { grounds: vec![Ground::new(ground)], remedies }
}

/// `application_disabled`, by its cause.
pub fn disabled(situation: &Situation<'_>) -> Why {
    let Some(application) = situation.application() else { return look_at_lint().into() };
    let because = match application.protection {
        Protection::Disabled(because) => because,
        Protection::Enforced { .. } => return look_at_lint().into(),
    };
    let name = short(&application.id);
    let team = |what: String| Remedy::new(By::Team, what).at([&application.stated.place]);
    let remedy = match because {
        DisabledBecause::EntraNotEnabled => {
            team(format!("Switch Entra ID on for {name}:"))
                .text("spec:\n  azure:\n    application:\n      enabled: true")
        }
        DisabledBecause::NoClientId => team(format!(
            "Let the client id of {name} be known: by its AzureAdApplication (status.clientId), \
             which NAIS keeps, or by an annotation of its document:"
        ))
        .text("metadata:\n  annotations:\n    portvakt.dev/client-id: <client id>"),
        DisabledBecause::ClientIdClaimedTwice => team(format!(
            "Give {name} a client id of its own: `portvakt lint` names the other application that \
             claims it (client_id_claimed_twice)."
        )),
        DisabledBecause::UnknownTenant => Remedy::new(
            By::Operator,
            format!("Add the tenant of {name} to entra.tenants, or correct it in the document:"),
        )
        .at([&application.stated.place])
        .text("entra:\n  tenants:\n    - well_known_url: https://login.microsoftonline.com/<tenant id>/v2.0/.well-known/openid-configuration"),
        DisabledBecause::DuplicateDocument => team(format!(
            "Remove one of the two documents of {name}: `portvakt lint` names both \
             (duplicate_document)."
        )),
        DisabledBecause::BrokenDocument => team(format!(
            "Repair the document of {name}: `portvakt lint` names each error of it."
        )),
    };
    let ground = Ground::at(format!("The document of {name}."), &application.stated.place);
    Why { grounds: vec![ground], remedies: vec![remedy] }
}

fn look_at_lint() -> Vec<Remedy> {
    vec![Remedy::new(By::Team, "See what `portvakt lint` says about the application's documents.")]
}

/// `deadline_exceeded`.
pub fn deadline() -> Why {
    vec![
        Remedy::new(By::Caller, "Try again."),
        Remedy::new(By::Operator, "See which issuer or Graph hangs (portvakt_jwks_refreshes_total, portvakt_graph_requests_total); raise limits.deadline and Envoy's timeout if they are too short."),
    ]
    .into()
}

/// `overloaded`.
pub fn overloaded() -> Why {
    vec![
        Remedy::new(By::Caller, "Try again, later each time."),
        Remedy::new(By::Operator, "Add replicas, or raise limits.concurrent_checks."),
    ]
    .into()
}

/// `internal_error`.
pub fn internal_error() -> Why {
    let what = "Look for the log line with the decision's id: the check could not be read (too \
                large, cut off, malformed) or there is a defect. The detail tells which.";
    vec![Remedy::new(By::Operator, what)].into()
}
