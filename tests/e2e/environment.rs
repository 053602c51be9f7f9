//! A sidecar without a configuration file: the variables of a NAIS pod, and overrides.

use std::process::Command;

use crate::support::{
    Answer, Envoy, Issuer, Portvakt, Release, Token, Upstream,
    documents::{self, HOME, NEWSLETTER, ORDERS_API, WEBSHOP},
    envoy,
    portvakt::PROGRAM,
    world::{ask, client},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_of_a_pod_suffice_for_the_application_in_it() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(folder.path());
    let issuer = Issuer::start(&[HOME]);
    let consumers = format!(r#"[{{"name": "test:team-orders:webshop", "clientId": "{WEBSHOP}"}}]"#);
    let well_known_url = issuer.well_known_url(HOME);
    let manifest = folder.path().join("orders-api.yaml");
    let variables = [
        ("AZURE_APP_CLIENT_ID", ORDERS_API),
        ("AZURE_APP_TENANT_ID", HOME),
        ("AZURE_APP_WELL_KNOWN_URL", &well_known_url),
        ("AZURE_APP_PRE_AUTHORIZED_APPS", &consumers),
        ("NAIS_CLUSTER_NAME", "test"),
        ("NAIS_NAMESPACE", "team-orders"),
        ("NAIS_APP_NAME", "orders-api"),
        ("PORTVAKT_LISTEN__EXT_AUTHZ", "127.0.0.1:0"),
        ("PORTVAKT_LISTEN__ADMIN", "127.0.0.1:0"),
        ("PORTVAKT_LOG__FORMAT", "json"),
        // Users are the manifest's alone to let in.
        ("PORTVAKT_APPLICATIONS__PATHS", manifest.to_str().unwrap()),
    ];
    let mut command = Command::new(PROGRAM);
    command.arg("serve").env_clear().envs(variables);
    let portvakt = Portvakt::spawn(command).await.ready().await;
    let upstream = Upstream::start().await;
    let config = envoy::Config::shipped(&[&portvakt.listeners[0]], &upstream);
    let envoy = Envoy::start(Release::Current, folder.path(), &config).await;

    for (token, reason) in [
        (Token::of_application(WEBSHOP), None),
        (Token::of_user(WEBSHOP), None),
        (Token::of_application(NEWSLETTER), Some("consumer_not_granted")),
    ] {
        let token = issuer.issue(HOME, &token);
        let answer: Answer = ask(&client(), envoy.address, &token).await;
        match reason {
            None => drop(answer.received()),
            Some(reason) => answer.assert_denied(reason),
        }
    }
}
