//! `target`.

use super::{
    super::{Target, Workload},
    values::{Values, choose},
};
use crate::{finding::Code, identifiers::ApplicationId};

#[derive(Clone, Copy, PartialEq)]
enum Source {
    ContextExtension,
    DestinationPrincipal,
    Host,
}

const SOURCES: [(&str, Source); 3] = [
    ("context_extension", Source::ContextExtension),
    ("destination_principal", Source::DestinationPrincipal),
    ("host", Source::Host),
];

/// `own` is the application of the NAIS variables, the default where none is stated. A sidecar in
/// front of it forwards to it whatever Host says, so that Host then names no target unless
/// `sources` says so.
pub fn read(values: &mut Values<'_>, own: Option<ApplicationId>) -> Target {
    const PATH: &str = "target.sources";
    let mut sources: Vec<Source> = Vec::new();
    for node in values.elements(PATH) {
        sources.extend(choose(node, PATH, &SOURCES, values.reader));
    }
    let unstated = values.node(PATH).is_none();
    let is_sidecar = own.is_some() && values.node("target.default_application").is_none();
    let by_default = |source| !(is_sidecar && source == Source::Host);
    let has = |source| if unstated { by_default(source) } else { sources.contains(&source) };
    let (context_extension, destination_principal, host) =
        (has(Source::ContextExtension), has(Source::DestinationPrincipal), has(Source::Host));
    Target {
        context_extension,
        destination_principal,
        host,
        trust_domains: trust_domains(values),
        gateways: gateways(values),
        default_application: match values.node("target.default_application") {
            Some(_) => values.parsed("target.default_application"),
            None => own,
        },
    }
}

fn trust_domains(values: &mut Values<'_>) -> Vec<String> {
    const PATH: &str = "target.trust_domains";
    match values.node(PATH) {
        Some(_) => values.list(PATH),
        None => vec!["cluster.local".to_owned()],
    }
}

fn gateways(values: &mut Values<'_>) -> Vec<Workload> {
    const PATH: &str = "target.gateways";
    let elements = values.elements(PATH);
    let mut gateways = Vec::new();
    for node in elements {
        let Some(text) = values.reader.text(node, PATH) else { continue };
        match text.split_once('/') {
            Some((namespace, service_account))
                if ApplicationId::new("c", namespace, service_account).is_ok() =>
            {
                let (namespace, service_account) = (namespace.into(), service_account.into());
                gateways.push(Workload { namespace, service_account });
            }
            _ => {
                let message = format!(
                    "{PATH}: \"{text}\" is not namespace/service-account, for instance istio-system/istio-ingressgateway."
                );
                values.reader.error(&node.place, Code::InvalidValue, message);
            }
        }
    }
    gateways
}
