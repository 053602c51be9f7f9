use super::*;
use crate::{applications::snapshot_for_tests, config};

const SHOP: &str = "00000000-0000-0000-0000-000000000002";
const GROUP: &str = "00000000-0000-0000-0000-0000000000aa";

/// `api`, with this under its `spec`; `shop`, whom it may grant.
fn documents(azure: &str, more: &str) -> String {
    format!(
        "apiVersion: nais.io/v1alpha1\nkind: Application\nmetadata:\n  name: api\n  \
         namespace: team\n  annotations: {{portvakt.dev/client-id: \
         00000000-0000-0000-0000-000000000001}}\nspec:\n  azure: {{application: {{enabled: \
         true{azure}}}}}\n{more}\n---\napiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: \
         {{name: shop, namespace: team, annotations: {{portvakt.dev/client-id: {SHOP}}}}}\n"
    )
}

fn changes(old: &str, new: &str) -> Vec<String> {
    let config = config::defaults("dev").unwrap();
    let (old, new) = (snapshot_for_tests(old), snapshot_for_tests(new));
    let found = between((&config, &old.applications), (&config, &new.applications));
    found.iter().map(ToString::to_string).collect()
}

/// Mirrors a change: what is a gain one way is a loss the other.
fn mirrored(change: &str) -> String {
    match change.split_at(2) {
        ("+ ", rest) => format!("- {rest}"),
        ("- ", rest) => format!("+ {rest}"),
        _ => change.to_owned(),
    }
}

#[test]
fn who_gains_one_way_loses_the_other() {
    let rule = "  accessPolicy: {inbound: {rules: [{application: shop}]}}";
    let groups = format!(", claims: {{groups: [{{id: {GROUP}}}]}}");
    let everyone = ", allowAllUsers: true";
    let both = format!("{everyone}{groups}");
    let plain = documents("", "");
    for (old, new, expected) in [
        (plain.clone(), plain.clone(), vec![]),
        (
            plain.clone(),
            documents("", rule),
            vec![format!("+ dev:team:shop ({SHOP}) → dev:team:api  f.yaml:9:36")],
        ),
        (
            plain.clone(),
            documents(&groups, ""),
            vec![format!("+ group {GROUP} → dev:team:api  f.yaml:8:63")],
        ),
        (
            plain.clone(),
            documents(everyone, ""),
            vec!["+ all users → dev:team:api  f.yaml:8:55".into()],
        ),
        // Who is in the group gets in with everybody: before, and now.
        (
            documents(&groups, ""),
            documents(everyone, ""),
            vec!["+ all users → dev:team:api  f.yaml:8:55".into()],
        ),
        (documents(&both, ""), documents(everyone, ""), vec![]),
        (
            plain.clone(),
            documents("", "  liveness: {path: /alive}"),
            vec!["+ anybody, without a token, at /alive → dev:team:api".into()],
        ),
        // What grants nothing changes nothing.
        (
            plain.clone(),
            documents("", "  accessPolicy: {inbound: {rules: [{application: '*'}]}}"),
            vec![],
        ),
        (
            plain.clone(),
            documents("", "  accessPolicy: {inbound: {rules: [{application: x}]}}"),
            vec![],
        ),
        (
            plain.clone(),
            documents("", "  accessPolicy: {inbound: {rules: [{application: api}]}}"),
            vec![],
        ),
        // Nor does the place.
        (documents("", rule), format!("# comment\n{}", documents("", rule)), vec![]),
    ] {
        assert_eq!(changes(&old, &new), expected, "{old} {new}");
        let mirror: Vec<_> = expected.iter().map(|change| mirrored(change)).collect();
        assert_eq!(changes(&new, &old), mirror, "{new} {old}");
    }
}

#[test]
fn an_application_that_comes_goes_or_is_disabled_takes_its_callers_along() {
    let rule = "  accessPolicy: {inbound: {rules: [{application: shop}]}}";
    let granted = documents("", rule);
    let (_, shop) = granted.split_once("---\n").unwrap();
    let loss = format!("- dev:team:shop ({SHOP}) → dev:team:api  f.yaml:9:36");
    for (new, told) in [
        (shop.to_owned(), "~ dev:team:api: no document describes it any more"),
        (
            granted.replace("enabled: true", "enabled: false"),
            "~ dev:team:api: it is disabled: nobody gets in",
        ),
    ] {
        assert_eq!(changes(&granted, &new), [loss.as_str(), told], "{new}");
    }
    let gain = mirrored(&loss);
    assert_eq!(changes(shop, &granted), [gain.as_str(), "~ dev:team:api: it is new"]);
}

#[test]
fn a_consumer_is_its_client_id_and_what_else_is_different_is_told() {
    let rule = "  accessPolicy: {inbound: {rules: [{application: shop}]}}";
    let old = documents("", rule);
    let other = SHOP.replace('2', "3");
    assert_eq!(
        changes(&old, &old.replace(SHOP, &other)),
        [
            format!("+ dev:team:shop ({other}) → dev:team:api  f.yaml:9:36"),
            format!("- dev:team:shop ({SHOP}) → dev:team:api  f.yaml:9:36"),
            format!("~ dev:team:shop: client id {SHOP} becomes {other}"),
        ]
    );
    let ingress = |host: &str| documents("", &format!("  ingresses: ['https://{host}']"));
    assert_eq!(
        changes(&ingress("a.example"), &ingress("b.example")),
        [
            "~ dev:team:api: the host b.example is added",
            "~ dev:team:api: the host a.example is removed"
        ]
    );
}

#[test]
fn shadow_lets_anybody_in_and_settings_are_everybodys() {
    let old = snapshot_for_tests(&documents("", "")).applications;
    let shadow: Vec<_> = old
        .iter()
        .map(|found| Arc::new(Application { mode: Mode::Shadow, ..Application::clone(found) }))
        .collect();
    let config = config::defaults("dev").unwrap();
    let mut other = config.clone();
    other.unauthenticated_paths.push("/public/**".parse().unwrap());
    other.entra.required_role = "role".into();
    other.default_mode = Mode::Shadow;
    let found = between((&config, &old[..1]), (&other, &shadow[..1]));
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "+ anybody, without a token, at /public/** → all applications",
            "+ anybody (shadow) → no known application",
            "+ anybody (shadow) → dev:team:api",
            "~ all applications: entra.required_role access_as_application becomes role",
        ]
    );
}
