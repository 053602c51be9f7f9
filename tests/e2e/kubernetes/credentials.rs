//! Kubeconfigs that are broken, and what the log tells of them: the file, what to do, no secret.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;
use tokio::time::timeout;

use super::{
    objects::create,
    scene::{Scene, configured},
};
use crate::support::{
    Issuer, Portvakt,
    api_server::{ApiServer, Interruption, Resource::Applications},
    cluster::Cluster,
    documents::{FOREIGN, HOME, WEBSHOP},
    wait::PATIENCE,
};

const SECRET: &str = "c2VjcmV0LW9mLXBvcnR2YWt0";

/// What a start with this kubeconfig says before it ends, which it must.
async fn said(folder: &Path, kubeconfig: Option<&Path>) -> String {
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let mut command = Portvakt::command(folder, &configured(&issuer, json!({})), "");
    command.env("HOME", folder);
    command.envs(kubeconfig.map(|kubeconfig| ("KUBECONFIG", kubeconfig)));
    let mut command = tokio::process::Command::from(command);
    let output = timeout(PATIENCE, command.kill_on_drop(true).output()).await;
    let output = output.expect("it goes on").unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    said
}

/// A kubeconfig with these members of its cluster and of its user.
fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n\
         clusters: [{{name: test, cluster: {{{cluster}}}}}]\n\
         users: [{{name: test, user: {{{user}}}}}]\n"
    )
}

/// A program that prints this while a file is there, and else shows a secret and fails.
fn plugin(output: &str, needed: &Path) -> String {
    let file = needed.with_extension("sh");
    let script = format!(
        "#!/bin/sh\n[ -e {} ] || {{ echo {SECRET}; echo {SECRET} >&2; exit 3; }}\n\
         cat <<END\n{output}\nEND\n",
        needed.display()
    );
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_kubeconfig_is_named_with_its_fault_and_none_of_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let failing = plugin("", &folder.path().join("missing"));
    let there = folder.path().join("there");
    fs::write(&there, "").unwrap();
    let babbling = plugin(&format!("{SECRET}: [{SECRET}"), &there);
    let server = "server: 'https://127.0.0.1:1'";
    let user = |user: &str| kubeconfig(server, user);
    let token = format!("token: {SECRET}");
    let cluster = |more: &str| kubeconfig(&format!("{server}, {more}"), &token);
    for (text, fault) in [
        // In the wrong place, or of the wrong type.
        (user(&format!("token: [{SECRET}]")), "line 6"),
        (format!("users: {SECRET}\n"), "line 1"),
        (format!("{SECRET}\n"), "line 1"),
        (
            user("").replace("current-context: test", &token.replace("token", "current-context")),
            "current-context",
        ),
        (user("").replace("cluster: test", &format!("cluster: {SECRET}")), "no cluster"),
        (kubeconfig(&format!("server: 'https:// {SECRET}'"), ""), "no URL"),
        (cluster(&format!("proxy-url: 'http://user:{SECRET}@proxy.test'")), "proxies"),
        (cluster(&format!("proxy-url: 'http:// {SECRET}@proxy.test'")), "proxy"),
        // No YAML, beside a token.
        (user(&token) + "extensions: [\n", "it is no kubeconfig"),
        (user(&token).replace("users: [", "users: ]"), "it is no kubeconfig"),
        (user(&format!("token: '{SECRET}")), "it is no kubeconfig"),
        // What no header may have.
        (user(&format!("token: \"{SECRET}\\n\"")), "line breaks"),
        // Data that is none.
        (
            cluster(&format!("certificate-authority-data: '{SECRET}!'")),
            "certificate-authority-data is not base64",
        ),
        (
            user(&format!("client-certificate-data: {SECRET}, client-key-data: '-----{SECRET}'")),
            "client-key-data is not base64",
        ),
        (
            user(&format!("client-certificate-data: {SECRET}, client-key-data: {SECRET}")),
            "client-key cannot be used",
        ),
        // Files that are not there.
        (user(&format!("tokenFile: {SECRET}")), "token file cannot be read"),
        (
            user(&format!("client-certificate: {SECRET}, client-key: {SECRET}")),
            "client-certificate cannot be read",
        ),
        (
            cluster(&format!("certificate-authority: {SECRET}")),
            "certificate-authority cannot be read",
        ),
        // Plugins that fail.
        (
            user(&format!("exec: {{apiVersion: v1, command: '{failing}', args: [{SECRET}]}}")),
            "exit status: 3",
        ),
        (
            user(&format!("exec: {{apiVersion: v1, command: '{babbling}'}}")),
            "does not print credentials",
        ),
        (user(&format!("exec: {{apiVersion: v1, command: {SECRET}}}")), "cannot be started"),
        (user(&format!("auth-provider: {{name: {SECRET}}}")), "auth-provider"),
        (
            user(&format!(
                "auth-provider: {{name: gcp, config: {{cmd-path: '{failing}', cmd-args: {SECRET}}}}}"
            )),
            "exit status: 3",
        ),
    ] {
        let file = folder.path().join("broken-kubeconfig");
        fs::write(&file, &text).unwrap();
        let said = said(folder.path(), Some(&file)).await;
        assert!(said.contains(&*file.to_string_lossy()), "{text}\n{said}");
        assert!(said.contains(fault), "{fault}\n{text}\n{said}");
        assert!(!said.contains(SECRET), "{text}\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_cannot_be_known_ends_the_start_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no-kubeconfig");
    let said_of_missing = said(folder.path(), Some(&missing)).await;
    assert!(said_of_missing.contains("no-kubeconfig cannot be read"), "{said_of_missing}");
    // Outside of any cluster, with no kubeconfig at all.
    let said_of_none = said(folder.path(), None).await;
    assert!(said_of_none.contains("or set KUBECONFIG"), "{said_of_none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_later_is_reported_without_what_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let api = ApiServer::start();
    let cluster = Cluster::served_by(&api, folder.path()).await;
    create(&cluster).await;
    api.expect_token(SECRET);
    // So old that another one is wanted for each request.
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": SECRET, "expirationTimestamp": "2026-01-01T00:00:00Z"},
    });
    let good = folder.path().join("good");
    fs::write(&good, "").unwrap();
    let command = plugin(&credential.to_string(), &good);
    let mut config: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("kubeconfig")).unwrap()).unwrap();
    config["users"][0]["user"] = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": command,
    }});
    fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();

    let scene = Scene::start(&cluster).await;
    fs::remove_file(&good).unwrap();
    api.interrupt(Applications, Interruption::End).await;
    scene.until_logged("ERROR", &["applications.nais.io", "exit status: 3", "kubeconfig"]).await;
    let failures = "portvakt_kubernetes_failures_total";
    let labels = "{kind=\"credentials\",resource=\"applications\"}";
    assert!(scene.portvakt.metric(&format!("{failures}{labels}")).await.unwrap() > 0.0);
    assert_eq!(scene.decision(WEBSHOP).await, "application_granted");
    assert!(!scene.portvakt.log.text().contains(SECRET), "{}", scene.portvakt.log.text());
}
