mod entra;
mod nais;

use std::time::Duration;

use super::*;
use crate::finding::Code;
use crate::{
    config::{Address, AskedBy, ClientProof, KeySource, Membership, Proxy, Tenant},
    policy::Fact,
};

const TENANT: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
/// Of Graph.
const SECRET: &str = "client_id: a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20, client_secret_file: s";
pub(super) const LEAST: &str = "cluster: prod
entra:
  tenants:
    - well_known_url: https://login.example/7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94/v2.0/.well-known/openid-configuration
applications:
  paths: [applications]
";

/// Reads a text as a file, with variables.
pub(super) fn read_text(text: &str, variables: &[(&str, &str)]) -> Result<Read, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portvakt.yaml");
    std::fs::write(&file, text).unwrap();
    let before = format!("{}/", folder.path().display());
    let short = |finding: &Finding| finding.to_string().replace(&before, "");
    read(Some(&file), &environment(variables))
        .map_err(|findings| findings.iter().map(short).collect())
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn config(text: &str, variables: &[(&str, &str)]) -> Config {
    read_text(text, variables).unwrap().config
}

#[test]
fn little_needs_to_be_stated() {
    let config = config(LEAST, &[]);
    assert_eq!(config.cluster, "prod");
    assert_eq!(config.listen.ext_authz[0].address.to_string(), "0.0.0.0:9001");
    assert_eq!(config.listen.ext_authz[0].trust.asked_by, AskedBy::Any);
    assert_eq!(config.listen.admin.to_string(), "0.0.0.0:9090");
    assert_eq!(config.entra.tenants[0].id.to_string(), TENANT);
    assert_eq!(config.entra.required_role, "access_as_application");
    assert_eq!(config.entra.proxy, Proxy::Environment);
    assert!(config.applications.paths[0].path.ends_with("applications"));
    assert!(config.applications.paths[0].path.is_absolute(), "from the file's folder");
    assert_eq!(config.mesh.bind_tokens, BindTokens::Report);
    assert!(config.target.host && config.target.default_application.is_none());
    assert_eq!(config.limits.deadline, Duration::from_millis(150));
    assert!(!config.allow_cors_preflight && config.unauthenticated_paths.is_empty());
}

#[test]
fn everything_can_be_stated() {
    let text = r#"
cluster: prod-gcp
listen:
  ext_authz:
    - 127.0.0.1:9001
    - {address: "[::1]:9002", asked_by: workloads}
    - {address: unix:run/ext_authz.sock, asked_by: gateways}
  admin: 127.0.0.1:9090
  tls: {certificate: tls/c.pem, private_key: /etc/k.pem, client_ca: ca.pem}
entra:
  tenants:
    - issuer: https://login.example/7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94/v2.0
      jwks_uri: https://login.example/keys
      name: nav.no
      graph: {client_id: a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20, client_secret_file: secret}
    - well_known_url: https://login.example/x/.well-known/openid-configuration
      tenant_id: 11111111-2222-3333-4444-555555555555
      graph: {client_id: a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20, certificate_file: c.pem, private_key_file: /k.pem}
  required_role: r
  required_scope: s
  max_token_lifetime: 28h
  accept_v1_tokens: true
  proxy: http://user:secret@webproxy.example:8088
  keys: {refresh_interval: 30m, cooldown: 5s, max_age: 2h}
  graph: {enabled: true, membership: transitive, cache_lifetime: 1m, concurrency: 4, url: https://graph.example/x, login_url: "http://127.0.0.1:1"}
applications:
  paths: [a.yaml, {path: team-a, namespaces: [team-a, shared]}, {path: b}]
  pre_authorized: more.json
  kubernetes: {enabled: false, namespaces: []}
target:
  sources: [context_extension, destination_principal]
  trust_domains: [cluster.local, other.local]
  gateways: [istio-system/istio-ingressgateway]
  default_application: prod-gcp:team:app
unauthenticated_paths: [/open/**]
allow_cors_preflight: true
headers: {prefix: x-who-, names: {navident: x-ident, groups: null}, strip_authorization: true}
resource_metadata: https://portal.example/.well-known/oauth-protected-resource
mesh: {bind_tokens: off}
token_cache: {max_bytes: 0}
limits: {concurrent_checks: 8, deadline: 1s, streams_per_connection: 16, message_bytes: 65536, connection_age: 1m}
shutdown: {delay: 0s, grace: 1s}
log: {filter: "portvakt=debug,warn", format: json}
"#;
    let config = config(text, &[]);
    let [any, workloads, gateways] = &config.listen.ext_authz[..] else { panic!("three") };
    assert_eq!((any.trust.asked_by, workloads.trust.asked_by), (AskedBy::Any, AskedBy::Workloads));
    assert!(matches!(&gateways.address, Address::Unix(path) if path.is_absolute()));
    let tls = config.listen.tls.unwrap();
    assert!(tls.certificate.ends_with("tls/c.pem") && tls.certificate.is_absolute());
    assert_eq!(tls.private_key.to_str(), Some("/etc/k.pem"));
    let [stated, discovered] = &config.entra.tenants[..] else { panic!("two") };
    assert!(matches!(stated.key_source, KeySource::Stated { .. }));
    assert_eq!(stated.name.as_deref(), Some("nav.no"));
    assert!(matches!(discovered.key_source, KeySource::Discovery { .. }));
    assert_eq!(config.entra.keys.cooldown, Duration::from_secs(5));
    let paths = &config.applications.paths;
    let namespaces = |path: &super::super::DocumentPath| {
        ["team-a", "team-b"].map(|name| path.namespaces.allow(name))
    };
    assert_eq!(
        paths.iter().map(namespaces).collect::<Vec<_>>(),
        [[true; 2], [true, false], [true; 2]]
    );
    assert!(paths[1].path.ends_with("team-a") && paths[1].path.is_absolute());
    let graph = config.entra.graph.unwrap();
    assert_eq!((graph.membership, graph.concurrency), (Membership::Transitive, 4));
    assert_eq!(graph.cache_lifetime, Duration::from_secs(60));
    assert_eq!(graph.url.as_str(), "https://graph.example/x");
    assert_eq!(graph.login_url.as_str(), "http://127.0.0.1:1/");
    let proof = |tenant: &Tenant| graph.credentials[&tenant.id].proof.clone();
    assert!(matches!(proof(stated), ClientProof::SecretFile(path) if path.is_absolute()));
    assert!(matches!(proof(discovered), ClientProof::Certificate { .. }));
    assert!(!config.target.host && config.target.destination_principal);
    assert_eq!(config.target.gateways[0].service_account, "istio-ingressgateway");
    assert_eq!(
        config.headers.names,
        [(Fact::NavIdent, Some("x-ident".to_owned())), (Fact::Groups, None)]
    );
    assert_eq!(config.token_cache.max_bytes, 0);
    assert_eq!(config.limits.message_bytes, 65536);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn every_fault_is_found_at_once_with_its_place_and_the_remedy() {
    let text = "\
clutser: prod
listen:
  ext_authz: [localhost:9001, {address: 0.0.0.0:9002, asked_by: gateway}]
  admin: 9090
  tls: {certificate: c.pem}
entra:
  tenants:
    - well_known_url: http://login.example/x/.well-known/openid-configuration
    - issuer: https://login.example/v2.0
      jwks_uri: https://login.example/keys
  proxy: webproxy.example:8088
applications:
  paths: [7, {namespaces: [a]}, {path: a, namespaces: []}, {path: b, namespace: [b]}, c, {path: c, namespaces: ['*']}]
  kubernetes: {enabled: true, namespaces: ['*', 7]}
target:
  sources: [hosts]
  gateways: [istio-ingressgateway]
  default_application: api
unauthenticated_paths: [open, /a/../b]
headers: {prefix: x-}
mesh: {bind_tokens: false}
limits: {deadline: soon, concurrent_checks: 0}
";
    let findings = read_text(text, &[("PORTVAKT_LISTEN__ADMN", "x")]).unwrap_err();
    let expected = [
        "portvakt.yaml:1:1: error: unknown_key: There is no key clutser; did you mean \"cluster\"?",
        "environment variable PORTVAKT_LISTEN__ADMN: error: unknown_key: No key has this variable; did you mean \"PORTVAKT_LISTEN__ADMIN\"?",
        "portvakt.yaml:1:1: error: missing: cluster is missing.",
        "portvakt.yaml:3:15: error: invalid_value: listen.ext_authz: \"localhost:9001\" is no address.",
        "portvakt.yaml:3:65: error: invalid_value: listen.ext_authz[].asked_by must be one of any, workloads, gateways, not \"gateway\"; did you mean \"gateways\"?",
        "portvakt.yaml:4:10: error: wrong_type: listen.admin must be a text",
        "portvakt.yaml:5:8: error: missing: listen.tls.private_key is missing.",
        "portvakt.yaml:8:23: error: insecure_url: entra.tenants[].well_known_url must begin with https://",
        "portvakt.yaml:9:7: error: missing: The tenant's id is missing",
        "portvakt.yaml:11:10: error: invalid_value: entra.proxy is no URL of a proxy",
        "portvakt.yaml:13:11: error: wrong_type: applications.paths must be a text",
        "portvakt.yaml:13:14: error: missing: applications.paths[].path is missing.",
        "portvakt.yaml:13:55: error: invalid_value: applications.paths[].namespaces must name one at least",
        "portvakt.yaml:13:70: error: unknown_key: There is no key applications.paths[].namespace; did you mean \"namespaces\"?",
        "portvakt.yaml:13:90: error: invalid_value: applications.paths has",
        "portvakt.yaml:13:113: error: invalid_value: applications.paths[].namespaces: \"*\" cannot be a namespace.",
        "portvakt.yaml:14:44: error: invalid_value: applications.kubernetes.namespaces: \"*\" cannot be a namespace.",
        "portvakt.yaml:14:49: error: wrong_type: applications.kubernetes.namespaces must be a text",
        "portvakt.yaml:16:13: error: invalid_value: target.sources must be one of context_extension, destination_principal, host, not \"hosts\"; did you mean \"host\"?",
        "portvakt.yaml:17:14: error: invalid_value: target.gateways: \"istio-ingressgateway\" is not namespace/service-account",
        "portvakt.yaml:18:24: error: invalid_value: target.default_application: \"api\" is not of the form",
        "portvakt.yaml:19:25: error: invalid_value: unauthenticated_paths: \"open\" does not begin with /",
        "portvakt.yaml:19:31: error: invalid_value: unauthenticated_paths: \"/a/../b\" holds something",
        "portvakt.yaml:20:19: error: invalid_value: headers.prefix would also take headers",
        "portvakt.yaml:21:21: error: wrong_type: mesh.bind_tokens must be a text",
        "portvakt.yaml:22:20: error: invalid_value: limits.deadline must be a duration from 1ms to 1m",
        "portvakt.yaml:22:45: error: invalid_value: limits.concurrent_checks must be from 1 to",
    ];
    for line in expected {
        assert!(findings.iter().any(|found| found.starts_with(line)), "{line}\n{findings:#?}");
    }
    assert_eq!(findings.len(), expected.len(), "{findings:#?}");
}

#[test]
fn no_setting_lets_a_mutable_claim_decide() {
    for setting in [
        "entra: {user_claim: email}",
        "entra: {subject_claim: upn}",
        "entra: {required_email: a@example.com}",
        "entra: {allowed_domains: [example.com]}",
        "applications: {users: [a@example.com]}",
        "headers: {names: {email: x-caller-email}}",
        "users: {claim: preferred_username}",
    ] {
        let faults = read_text(&format!("cluster: c\n{setting}\n"), &[]).unwrap_err();
        let is_refused = |fault: &String| {
            fault.contains("portvakt.yaml:2:")
                && (fault.contains("unknown_key") || fault.contains("invalid_value"))
        };
        assert!(faults.iter().any(is_refused), "{setting}: {faults:#?}");
    }
    for key in crate::config::KEYS {
        for claim in ["email", "upn", "preferred_username", "azp_name"] {
            assert!(!key.path.contains(claim), "{}", key.path);
        }
    }
}

#[test]
fn variables_override_the_file() {
    let config = config(
        LEAST,
        &[
            ("PORTVAKT_CLUSTER", "dev"),
            (
                "PORTVAKT_LISTEN__EXT_AUTHZ",
                "[127.0.0.1:1, {address: 127.0.0.1:2, asked_by: workloads}]",
            ),
            ("PORTVAKT_LISTEN__ADMIN", "[::1]:3"),
            ("PORTVAKT_HEADERS__STRIP_AUTHORIZATION", "true"),
            ("PORTVAKT_LIMITS__DEADLINE", "80ms"),
            ("PORTVAKT_CONFIG", "is no key"),
            ("PORTVAKT_SERVICE_HOST", "10.0.0.1"),
            ("PORTVAKT_PORT_9001_TCP", "tcp://10.0.0.1:9001"),
            ("PORTVAKT_MESH_SERVICE_HOST", "10.0.0.1"),
            ("PORTVAKT_MESH_SERVICE_PORT_GRPC_WORKLOADS", "9001"),
            ("PORTVAKT_MESH_PORT", "tcp://10.0.0.1:9001"),
            ("PORTVAKT_TARGET__DEFAULT_APPLICATION", ""),
        ],
    );
    assert_eq!(config.cluster, "dev");
    assert_eq!(config.listen.ext_authz.len(), 2);
    assert_eq!(config.listen.admin.to_string(), "[::1]:3");
    assert!(config.headers.strip_authorization);
    assert_eq!(config.limits.deadline, Duration::from_millis(80));
}

#[test]
fn what_may_be_secret_is_never_printed() {
    let text = "cluster: c\nentra:\n  proxy: ftp://user:hunter2@p\n  tenants:\n    - well_known_url: https://u:hunter2@login.example/\n";
    let findings = read_text(text, &[]).unwrap_err();
    assert!(findings.len() >= 2, "{findings:?}");
    assert!(!findings.iter().any(|finding| finding.contains("hunter2")), "{findings:?}");
    let debugged = format!("{:?}", environment(&[("PORTVAKT_ENTRA__PROXY", "http://u:hunter2@p")]));
    assert!(!debugged.contains("hunter2"), "{debugged}");
    let config = config(LEAST, &[("PORTVAKT_ENTRA__PROXY", "http://u:hunter2@p")]);
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn doubtful_settings_are_warned_of() {
    for (more, expected) in [
        ("mesh: {bind_tokens: enforce}\n", "asked_by: any stands in a mesh"),
        ("target: {gateways: [istio-system/gw]}\n", "asked_by: any stands in a mesh"),
        ("unauthenticated_paths: [/**]\n", "needs no token"),
        (
            "target: {default_application: a:b:c, sources: []}\nlisten: {ext_authz: {address: 0.0.0.0:1, asked_by: workloads}}\n",
            "never consulted",
        ),
        ("target: {default_application: a:b:c}\n", "Host comes before"),
        #[cfg(feature = "console")]
        ("listen: {console: {address: 0.0.0.0:9091}}\n", "The console knows no users of its own"),
    ] {
        assert_warned(&format!("{LEAST}{more}"), expected);
    }
    let tenant = |more: &str| LEAST.replace("applications:", &format!("{more}applications:"));
    let unused = tenant(&format!("      graph: {{{SECRET}}}\n"));
    assert_warned(&unused, "are never used: entra.graph.enabled is not true");
    let second = "    - {issuer: https://login.example/x, tenant_id: 11111111-2222-3333-4444-555555555555, jwks_uri: https://login.example/k}\n";
    let half = tenant(&format!("      graph: {{{SECRET}}}\n{second}  graph: {{enabled: true}}\n"));
    assert_warned(&half, "the tenant 11111111-2222-3333-4444-555555555555 has no credentials");
}

#[cfg(feature = "console")]
#[test]
fn the_console_is_off_unless_it_has_an_address() {
    let listen =
        |text: &str| read_text(&format!("{LEAST}{text}"), &[]).map(|read| read.config.listen);
    assert_eq!(listen("").unwrap().console, None);
    let text = "listen: {console: {address: '127.0.0.1:9091', hosts: [Portvakt.example.com]}}\n";
    let console = listen(text).unwrap().console.unwrap();
    assert_eq!(console.address.to_string(), "127.0.0.1:9091");
    assert_eq!(console.hosts, ["portvakt.example.com"]);
    for (text, expected) in [
        ("listen: {console: {address: 'unix:/run/console'}}\n", "must be a TCP address"),
        ("listen: {console: {hosts: [a]}}\n", "listen.console.address is missing"),
        ("listen: {console: {address: '[::1]:1', hosts: ['a:80']}}\n", "\"a:80\" is no host name"),
        ("listen: {console: {address: '[::1]:1', hosts: ['http://a']}}\n", "is no host name"),
        ("listen: {console: '127.0.0.1:9091'}\n", "must be a mapping"),
    ] {
        let findings = listen(text).unwrap_err();
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{findings:?}");
    }
}

fn assert_warned(text: &str, expected: &str) {
    let warnings = read_text(text, &[]).unwrap().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].message.contains(expected), "{warnings:?}");
}

#[test]
fn a_file_that_is_none_is_named() {
    let missing = read(Some(Path::new("/nonexistent/portvakt.yaml")), &Environment::default());
    assert_eq!(missing.unwrap_err()[0].code, Code::FileUnreadable);
    for (text, code) in
        [("a: [", Code::YamlSyntax), ("- a\n", Code::WrongType), ("", Code::Missing)]
    {
        let findings = read_text(text, &[]).unwrap_err();
        assert!(findings[0].contains(code.as_str()), "{text}: {findings:?}");
    }
}
