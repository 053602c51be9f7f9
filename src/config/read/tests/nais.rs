use super::*;

const NAIS: &[(&str, &str)] = &[
    ("AZURE_APP_CLIENT_ID", "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20"),
    ("AZURE_APP_TENANT_ID", TENANT),
    (
        "AZURE_APP_WELL_KNOWN_URL",
        "https://login.example/7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94/v2.0/.well-known/openid-configuration",
    ),
    ("NAIS_CLUSTER_NAME", "prod"),
    ("NAIS_NAMESPACE", "team"),
    ("NAIS_APP_NAME", "app"),
    (
        "AZURE_APP_PRE_AUTHORIZED_APPS",
        r#"[{"name":"prod:other:b","clientId":"381ce452-1d49-49df-9e7e-990ef0328d6c"}]"#,
    ),
];

#[test]
fn the_variables_of_nais_suffice() {
    let config = read(None, &environment(NAIS)).unwrap().config;
    let own = config.applications.environment.unwrap();
    assert_eq!(own.id.as_str(), "prod:team:app");
    assert_eq!(own.consumers[0].id.as_str(), "prod:other:b");
    assert_eq!(config.target.default_application, Some(own.id));
    assert!(
        !config.target.host && config.target.destination_principal,
        "a sidecar believes no Host"
    );
    assert!(matches!(config.entra.tenants[0].key_source, KeySource::Discovery { .. }));
    assert_eq!(config.entra.tenants[0].issuer, None, "the metadata document tells");
}

#[test]
fn the_secret_of_nais_counts_where_graph_is_switched_on() {
    let with_secret = [NAIS, &[("AZURE_APP_CLIENT_SECRET", "hunter2")]].concat();
    let config = read(None, &environment(&with_secret)).unwrap().config;
    assert!(config.entra.graph.is_none());

    let switched_on = [&with_secret[..], &[("PORTVAKT_ENTRA__GRAPH__ENABLED", "true")]].concat();
    let config = read(None, &environment(&switched_on)).unwrap().config;
    assert!(!format!("{config:?}").contains("hunter2"));
    let graph = config.entra.graph.unwrap();
    assert_eq!(graph.membership, Membership::Direct);
    assert_eq!(graph.cache_lifetime, Duration::from_secs(300));
    assert_eq!(graph.url.as_str(), "https://graph.microsoft.com/");
    assert_eq!(graph.login_url.as_str(), "https://login.microsoftonline.com/");
    let credentials = &graph.credentials[&TENANT.parse().unwrap()];
    assert_eq!(credentials.client_id.to_string(), NAIS[0].1);
    assert!(
        matches!(&credentials.proof, ClientProof::Secret(secret) if secret.expose() == "hunter2")
    );

    let without = [NAIS, &[("PORTVAKT_ENTRA__GRAPH__ENABLED", "true")]].concat();
    let findings = read(None, &environment(&without)).unwrap_err();
    assert!(findings[0].message.contains("AZURE_APP_CLIENT_SECRET"), "{findings:?}");
}

#[test]
fn stated_issuer_and_keys_of_nais_win() {
    let more = [
        (
            "AZURE_OPENID_CONFIG_ISSUER",
            "https://issuer.example/7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94/v2.0",
        ),
        ("AZURE_OPENID_CONFIG_JWKS_URI", "https://issuer.example/keys"),
    ];
    let all = [NAIS, &more].concat();
    let tenant = read(None, &environment(&all)).unwrap().config.entra.tenants.remove(0);
    assert_eq!(tenant.issuer.as_deref(), Some(more[0].1));
    assert!(
        matches!(tenant.key_source, KeySource::Stated { jwks_uri } if jwks_uri.as_str() == more[1].1)
    );
}

#[test]
fn variables_of_nais_that_are_missing_or_wrong_are_named() {
    for (name, value, expected) in [
        ("NAIS_NAMESPACE", "", "NAIS_NAMESPACE is not set"),
        ("AZURE_APP_CLIENT_ID", "x", "\"x\" is not a GUID"),
        ("AZURE_APP_WELL_KNOWN_URL", "", "AZURE_APP_WELL_KNOWN_URL is missing"),
        ("AZURE_APP_WELL_KNOWN_URL", "http://login.example/", "must begin with https://"),
        ("AZURE_APP_PRE_AUTHORIZED_APPS", "{]", "This is not YAML"),
        ("AZURE_APP_PRE_AUTHORIZED_APPS", "{}", "must be a list"),
    ] {
        let mut variables = NAIS.to_vec();
        for variable in &mut variables {
            if variable.0 == name {
                variable.1 = value;
            }
        }
        let findings = read(None, &environment(&variables)).unwrap_err();
        let is_named = |finding: &Finding| {
            finding.place.to_string().contains(name) && finding.message.contains(expected)
        };
        assert!(findings.iter().any(is_named), "{name}={value}: {findings:#?}");
    }
}
