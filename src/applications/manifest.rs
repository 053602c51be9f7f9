//! `Application` documents, `nais.io/v1alpha1`.

use url::Url;

use super::{
    V1Tokens,
    access::{read_list, read_rules, read_users},
    document::{Located, Manifest, Rule},
    keys::{warn_of_near_misses, warn_of_unknown, warn_of_unknown_with},
};
use crate::{
    finding::Code,
    identifiers::{ApplicationId, ClientId},
    target::{PathPattern, normalise_host},
    yaml::{Mapping, Node, Reader},
};

/// Gives an application its client id where no `AzureAdApplication` does.
const CLIENT_ID: &str = "portvakt.dev/client-id";
/// `"true"` where the application takes v1.0 tokens too.
const ACCEPT_V1_TOKENS: &str = "portvakt.dev/accept-v1-tokens";
/// The App ID URIs that its v1.0 tokens may have as their audience, separated by commas or blanks.
const APP_ID_URIS: &str = "portvakt.dev/app-id-uris";

/// `enforce`, or `shadow` while the application rehearses.
const MODE: &str = "portvakt.dev/mode";
const ANNOTATIONS: &[&str] = &[CLIENT_ID, ACCEPT_V1_TOKENS, APP_ID_URIS, MODE];
/// What begins every annotation that is for Portvakt.
const OURS: &str = "portvakt.dev/";

const SPEC: &[&str] = &["accessPolicy", "azure", "ingresses"];
const AZURE: &[&str] = &["application", "sidecar"];
const AZURE_APPLICATION: &[&str] =
    &["enabled", "allowAllUsers", "claims", "replyURLs", "singlePageApplication", "tenant"];
const ACCESS_POLICY: &[&str] = &["inbound", "outbound"];
const INBOUND: &[&str] = &["rules"];

/// Reads `metadata` and `spec` of the application `id`.
pub fn read_manifest(document: Mapping<'_>, id: &ApplicationId, reader: &mut Reader) -> Manifest {
    let mut manifest = Manifest::default();
    if let Some(metadata) = document.get("metadata") {
        read_annotations(metadata, &mut manifest, reader);
    }
    let spec = document.get("spec").and_then(|node| reader.mapping(node, "spec"));
    let Some(spec) = spec else { return manifest };
    warn_of_near_misses(spec, "spec", SPEC, reader);
    if let Some(azure) = spec.get("azure") {
        read_azure(azure, &mut manifest, reader);
    }
    if let Some(policy) = spec.get("accessPolicy") {
        manifest.rules = read_access_policy(policy, id, reader).unwrap_or_default();
    }
    if let Some(ingresses) = spec.get("ingresses") {
        let ingresses = read_list(ingresses, "spec.ingresses", reader);
        manifest.hosts =
            ingresses.iter().filter_map(|ingress| read_ingress(ingress, reader)).collect();
    }
    manifest.open_paths = read_open_paths(spec, reader);
    manifest
}

fn read_annotations(metadata: &Node, manifest: &mut Manifest, reader: &mut Reader) {
    let annotations = reader
        .mapping(metadata, "metadata")
        .and_then(|metadata| metadata.get("annotations"))
        .and_then(|annotations| reader.mapping(annotations, "metadata.annotations"));
    let Some(annotations) = annotations else { return };
    warn_of_unknown_with(annotations, OURS, "metadata.annotations", ANNOTATIONS, reader);
    manifest.client_id = annotations.get(CLIENT_ID).and_then(|node| {
        let value: ClientId = reader.parsed(node, CLIENT_ID)?;
        Some(Located { place: node.place.clone(), value })
    });
    let accepted = annotations.get(ACCEPT_V1_TOKENS);
    let accepted = accepted.and_then(|node| reader.parsed(node, ACCEPT_V1_TOKENS));
    let uris = annotations.get(APP_ID_URIS).map(|node| read_app_id_uris(node, reader));
    manifest.mode = annotations.get(MODE).and_then(|node| reader.parsed(node, MODE));
    manifest.v1 =
        V1Tokens { accepted: accepted.unwrap_or_default(), app_id_uris: uris.unwrap_or_default() };
}

/// URIs as they stand: audiences are compared character by character.
fn read_app_id_uris(node: &Node, reader: &mut Reader) -> Vec<String> {
    let text = reader.text(node, APP_ID_URIS).unwrap_or_default();
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    let (uris, others): (Vec<_>, Vec<_>) = words.partition(|word| Url::parse(word).is_ok());
    for other in others {
        let message = format!("\"{other}\" is no App ID URI, such as api://prod.team.app.");
        reader.warning(&node.place, Code::InvalidValue, message);
    }
    uris.into_iter().map(str::to_owned).collect()
}

fn read_azure(node: &Node, manifest: &mut Manifest, reader: &mut Reader) {
    let Some(azure) = reader.mapping(node, "spec.azure") else { return };
    warn_of_unknown(azure, "spec.azure", AZURE, reader);
    let what = "spec.azure.application";
    let application = azure.get("application").and_then(|node| reader.mapping(node, what));
    let Some(application) = application else { return };
    warn_of_unknown(application, what, AZURE_APPLICATION, reader);
    manifest.enabled = application
        .get("enabled")
        .and_then(|node| reader.boolean(node, &format!("{what}.enabled")));
    manifest.tenant = application.get("tenant").and_then(|node| read_text(node, "tenant", reader));
    manifest.users = read_users(application, reader);
}

/// A text with its place; an empty one counts as left out.
pub(super) fn read_text(node: &Node, what: &str, reader: &mut Reader) -> Option<Located<String>> {
    let text = reader.text(node, what).filter(|text| !text.is_empty())?;
    Some(Located { place: node.place.clone(), value: text.to_owned() })
}

fn read_access_policy(node: &Node, id: &ApplicationId, reader: &mut Reader) -> Option<Vec<Rule>> {
    let policy = reader.mapping(node, "spec.accessPolicy")?;
    warn_of_unknown(policy, "spec.accessPolicy", ACCESS_POLICY, reader);
    let what = "spec.accessPolicy.inbound";
    let inbound = reader.mapping(policy.get("inbound")?, what)?;
    warn_of_unknown(inbound, what, INBOUND, reader);
    Some(read_rules(inbound.get("rules")?, &format!("{what}.rules"), id, reader))
}

/// The host of an ingress. One that cannot be used leaves the others in force.
fn read_ingress(node: &Node, reader: &mut Reader) -> Option<Located<String>> {
    let text = reader.text(node, "An ingress")?;
    let host = Url::parse(text).ok().and_then(|url| normalise_host(url.host_str()?));
    if host.is_none() {
        let message = format!(
            "\"{text}\" is no URL with a host, such as https://app.example.com: no request finds \
             the application by it."
        );
        reader.warning(&node.place, Code::InvalidValue, message);
    }
    host.map(|value| Located { place: node.place.clone(), value })
}

fn read_open_paths(spec: Mapping<'_>, reader: &mut Reader) -> Vec<PathPattern> {
    let mut paths = Vec::new();
    for probe in ["liveness", "readiness", "startup"] {
        let probe = spec.get(probe).and_then(|node| reader.mapping(node, &format!("spec.{probe}")));
        paths.extend(probe.and_then(|probe| probe.get("path")).and_then(|p| open_path(p, reader)));
    }
    let prometheus =
        spec.get("prometheus").and_then(|node| reader.mapping(node, "spec.prometheus"));
    paths.extend(prometheus.and_then(|prometheus| read_prometheus(prometheus, reader)));
    paths
}

/// The path of the metrics, if they are scraped at all.
fn read_prometheus(prometheus: Mapping<'_>, reader: &mut Reader) -> Option<PathPattern> {
    const DEFAULT: &str = "/metrics";
    let enabled = reader.boolean(prometheus.get("enabled")?, "spec.prometheus.enabled")?;
    match prometheus.get("path") {
        _ if !enabled => None,
        Some(path) => open_path(path, reader),
        None => PathPattern::literal(DEFAULT).ok(),
    }
}

/// A path as it stands. Without a leading slash NAIS adds one; an empty one counts as left out.
fn open_path(node: &Node, reader: &mut Reader) -> Option<PathPattern> {
    let text = reader.text(node, "path").filter(|text| !text.is_empty())?;
    let path = PathPattern::literal(&format!("/{}", text.strip_prefix('/').unwrap_or(text)));
    if let Err(error) = &path {
        let message = format!("The path \"{text}\" {error}: it stays behind the token.");
        reader.warning(&node.place, Code::InvalidValue, message);
    }
    path.ok()
}
