//! The pod of `deploy/sidecar`, with its own variables and its own Envoy.

use std::{fs, process::Command};

use reqwest::Method;
use serde_json::Value;

use crate::{
    manifests::{assert_clean, assert_restricted, assert_unlinked, documents},
    repository,
    support::{
        Answer, Envoy, Issuer, Portvakt, Release, Token, Upstream,
        documents::{HOME, NEWSLETTER, ORDERS_API, WEBSHOP},
        envoy::Config,
        portvakt::PROGRAM,
        world::client,
    },
};

const ENVOY: &str = include_str!("../../deploy/sidecar/envoy.yaml");

fn deployment() -> Value {
    let text = fs::read_to_string(repository("deploy/sidecar/deployment.yaml")).unwrap();
    documents(&text).remove(0)
}

/// What starts Portvakt as the pod does. Only its addresses and the manifest's place differ.
fn portvakt(issuer: &Issuer) -> Command {
    let deployment = deployment();
    let container = &deployment["spec"]["template"]["spec"]["initContainers"][0];
    let mut command = Command::new(PROGRAM);
    command.env_clear().args(container["args"].as_array().unwrap().iter().map(text));
    for variable in container["env"].as_array().unwrap() {
        let value = match text(&variable["name"]) {
            "PORTVAKT_LISTEN__EXT_AUTHZ" | "PORTVAKT_LISTEN__ADMIN" => "127.0.0.1:0".to_owned(),
            "PORTVAKT_APPLICATIONS__PATHS" => {
                repository("deploy/sidecar/orders-api.yaml").to_str().unwrap().to_owned()
            }
            _ => value(variable, issuer),
        };
        command.env(text(&variable["name"]), value);
    }
    command.env("PORTVAKT_LOG__FORMAT", "json");
    command
}

/// A variable's value as Kubernetes makes it out.
fn value(variable: &Value, issuer: &Issuer) -> String {
    if let Some(value) = variable["value"].as_str() {
        return value.to_owned();
    }
    let from = &variable["valueFrom"];
    if let Some(field) = from["fieldRef"]["fieldPath"].as_str() {
        return match field {
            "metadata.namespace" => "team-orders",
            "metadata.labels['app']" => "orders-api",
            other => panic!("{other}"),
        }
        .to_owned();
    }
    let well_known_url = issuer.well_known_url(HOME);
    match text(&from["secretKeyRef"]["key"]) {
        "AZURE_APP_CLIENT_ID" => ORDERS_API.to_owned(),
        "AZURE_APP_TENANT_ID" => HOME.to_owned(),
        "AZURE_APP_PRE_AUTHORIZED_APPS" => {
            format!(r#"[{{"name": "prod-fss:team-orders:webshop", "clientId": "{WEBSHOP}"}}]"#)
        }
        "AZURE_OPENID_CONFIG_ISSUER" => issuer.name(HOME),
        "AZURE_OPENID_CONFIG_JWKS_URI" => {
            well_known_url.replace("v2.0/.well-known/openid-configuration", "discovery/v2.0/keys")
        }
        "AZURE_APP_WELL_KNOWN_URL" => well_known_url,
        other => panic!("Portvakt needs no {other}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sidecar_lets_in_who_may_call_its_application_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(&[HOME]);
    let portvakt = Portvakt::spawn(portvakt(&issuer)).await.ready().await;
    let application = Upstream::start().await;
    let config = Config::of(ENVOY, &[&portvakt.listeners[0]], &application);
    let envoy = Envoy::start(Release::Current, folder.path(), &config).await;
    let ask = async |path: &str, host: &str, token: Option<&Token>| {
        let request = client().request(Method::GET, format!("http://{}{path}", envoy.address));
        let mut request = request.header("host", host);
        if let Some(token) = token {
            request = request.bearer_auth(issuer.issue(HOME, token));
        }
        Answer::read(request.send().await.unwrap()).await
    };

    // Whatever Host says, the target is the pod's application.
    for host in ["orders.example.com", "other.example.com", "webshop.team-orders"] {
        for token in [Token::of_application(WEBSHOP), Token::of_user(WEBSHOP)] {
            let received = ask("/orders", host, Some(&token)).await.received();
            assert_eq!(received.all("x-caller-application"), ["prod-fss:team-orders:webshop"]);
        }
        let newsletter = Token::of_application(NEWSLETTER);
        ask("/orders", host, Some(&newsletter)).await.assert_denied("consumer_not_granted");
        ask("/orders", host, None).await.assert_denied("token_missing");
    }
    // The probes of the application come this way too, and bear no token.
    for path in ["/internal/alive", "/internal/ready"] {
        assert_eq!(ask(path, "10.0.0.7:8080", None).await.received().path, path);
    }
    assert_eq!(ask("/internal%2Fready", "orders.example.com", None).await.status, 400);
}

#[test]
fn the_pod_can_do_no_more_than_it_needs() {
    let deployment = deployment();
    let pod = &deployment["spec"]["template"]["spec"];
    assert_restricted(pod);
    assert_unlinked(pod);
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_clean(&repository("deploy/sidecar/orders-api.yaml"));
    // Envoy asks and forwards on loopback alone, so that nobody else is asked or reached.
    let addresses = ENVOY.lines().filter(|line| line.contains("socket_address"));
    let open: Vec<_> = addresses.filter(|line| !line.contains("127.0.0.1")).collect();
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].contains("0.0.0.0, port_value: 8080"));
}
