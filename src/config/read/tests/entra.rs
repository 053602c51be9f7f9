use super::*;

#[test]
fn a_tenant_is_that_of_its_issuer() {
    const OTHER: &str = "2f6c8a1b-3d5e-4f70-8b92-c4d6e8f0a1b3";
    let issuer = format!("https://login.example/{TENANT}/v2.0");
    let location = format!("well_known_url: {issuer}/.well-known/openid-configuration");
    for (tenant, is_usable) in [
        (format!("{location}, tenant_id: {TENANT}"), true),
        (format!("{location}, tenant_id: {OTHER}"), false),
        (format!("issuer: {issuer}, jwks_uri: https://a.example/k, tenant_id: {OTHER}"), false),
        (
            format!(
                "issuer: https://a.example/, jwks_uri: https://a.example/k, tenant_id: {OTHER}"
            ),
            true,
        ),
        (format!("{location}, issuer: https://login.example/{OTHER}/v2.0"), true),
    ] {
        let text = format!("cluster: c\nentra: {{tenants: [{{{tenant}}}]}}\n");
        let faults = read_text(&text, &[]).err();
        assert_eq!(faults.is_none(), is_usable, "{tenant}: {faults:?}");
        let is_told = |fault: &String| fault.contains("no token could be both");
        assert!(faults.iter().flatten().all(is_told), "{tenant}: {faults:?}");
    }
}

#[test]
fn the_lifetime_of_tokens_is_a_day_unless_stated_and_never_above_29_hours() {
    for (stated, expected) in [
        ("", Some(24)),
        ("1h", Some(1)),
        ("29h", Some(29)),
        ("29h 1s", None),
        ("30days", None),
        ("0s", None),
    ] {
        let read = read_text(LEAST, &[("PORTVAKT_ENTRA__MAX_TOKEN_LIFETIME", stated)]);
        let lifetime = read.ok().map(|read| read.config.entra.max_token_lifetime.as_secs() / 3600);
        assert_eq!(lifetime, expected, "{stated}");
    }
}

#[test]
fn v1_tokens_are_accepted_only_where_the_configuration_says_so() {
    assert!(!config(LEAST, &[]).entra.accept_v1_tokens);
    let accepting = config(LEAST, &[("PORTVAKT_ENTRA__ACCEPT_V1_TOKENS", "true")]);
    assert!(accepting.entra.accept_v1_tokens);
}

const GUID: &str = "client_id: a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";

#[test]
fn credentials_for_graph_are_a_secret_or_a_certificate() {
    let tenant = LEAST.replace("applications:", "      graph: {CREDENTIALS}\napplications:");
    for (credentials, more, expected) in [
        ("client_secret_file: s", "", "client_id is missing"),
        ("client_id: x, client_secret_file: s", "", "\"x\" is not a GUID"),
        (GUID, "", "takes either client_secret_file"),
        (&format!("{GUID}, certificate_file: c"), "", "takes either client_secret_file"),
        (&format!("{GUID}, client_secret_file: s, certificate_file: c"), "", "takes either"),
        (&format!("{GUID}, client_secret: hunter2"), "", "There is no key"),
        (SECRET, "url: http://graph.example", "graph.url must begin with https://"),
        (SECRET, "login_url: https://login.example/?a=b", "has a query"),
        (SECRET, "membership: nested", "must be one of direct, transitive"),
        (SECRET, "concurrency: 0", "must be from 1 to"),
    ] {
        let text = tenant.replace("CREDENTIALS", credentials);
        let text = text.replace(
            "applications:",
            &format!("  graph: {{enabled: true, {more}}}\napplications:"),
        );
        let findings = read_text(&text, &[]).unwrap_err();
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{findings:#?}");
        assert!(!findings.iter().any(|finding| finding.contains("hunter2")), "{findings:#?}");
    }
}
