//! The admission policy for ingress hosts, as the API server reads it.

use std::fs;

use serde_json::{Value, json};

use crate::{
    manifests::{documents, python},
    repository,
};

const POLICY: &str = "deploy/admission/ingress-hosts.yaml";
const HOSTS: Option<&str> = Some("orders.test,webshop.test");

/// An application's ingresses, the hosts that its namespace is given, and whether it is admitted.
const CASES: &[(&[&str], Option<&str>, bool)] = &[
    (&["https://orders.test"], HOSTS, true),
    (&["https://orders.test/", "https://webshop.test/basket"], HOSTS, true),
    (&[], HOSTS, true),
    (&[], None, true),
    (&["https://orders.test"], None, false),
    (&["https://orders.test"], Some(""), false),
    (&["https://orders.test", "https://other.test"], HOSTS, false),
    (&["https://orders.test.other.test"], HOSTS, false),
    (&["https://other.test/orders.test"], HOSTS, false),
    // What readers of URLs take in different ways.
    (&["https://orders.test@other.test"], HOSTS, false),
    (&["https://orders.test:x@other.test"], HOSTS, false),
    (&[r"https://orders.test\@other.test"], HOSTS, false),
    (&["https://orders.test#@other.test"], HOSTS, false),
    (&["https://orders.test:8443"], HOSTS, false),
    (&["https://ORDERS.test"], HOSTS, false),
    (&["https://orders.test."], HOSTS, false),
    (&["http://orders.test"], HOSTS, false),
    (&["orders.test"], HOSTS, false),
    (&[" https://orders.test"], HOSTS, false),
    // Nothing between commas is no host, and a pattern is none.
    (&["https:///other.test"], Some(""), false),
    (&["https:///other.test"], Some("orders.test,,"), false),
    (&["https://other.test"], Some(".*"), false),
    (&["https:////other.test"], Some("/"), false),
];

fn admitted(pairs: &[(Value, Value)]) -> Vec<bool> {
    let judged =
        python("admission.py", &[repository(POLICY).to_str().unwrap()], &json!(pairs).to_string());
    let said = String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success(), "{said}");
    serde_json::from_slice(&judged.stdout).unwrap()
}

#[test]
fn an_application_may_have_the_hosts_that_its_namespace_was_given_and_no_others() {
    let namespace = |hosts: &Option<&str>| {
        let annotations = hosts.map(|hosts| json!({"portvakt.dev/ingress-hosts": hosts}));
        let metadata =
            annotations.map_or(json!({}), |annotations| json!({"annotations": annotations}));
        json!({"metadata": metadata})
    };
    let object = |ingresses: &[&str]| json!({"spec": {"ingresses": ingresses}});
    let pairs: Vec<_> =
        CASES.iter().map(|(ingresses, hosts, _)| (object(ingresses), namespace(hosts))).collect();
    for (case, is_admitted) in CASES.iter().zip(admitted(&pairs)) {
        assert_eq!(is_admitted, case.2, "{case:?}");
    }
    // Without ingresses, or anything at all.
    let others = [json!({"spec": {}}), json!({})].map(|object| (object, namespace(&None)));
    assert_eq!(admitted(&others), [true, true]);
}

#[test]
fn the_policy_refuses_where_it_cannot_decide_and_counts_for_every_application() {
    let documents = documents(&fs::read_to_string(repository(POLICY)).unwrap());
    let [policy, binding] = &documents[..] else { panic!("{documents:?}") };
    assert_eq!(policy["spec"]["failurePolicy"], "Fail");
    let rule = json!([{
        "apiGroups": ["nais.io"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["applications"],
    }]);
    assert_eq!(policy["spec"]["matchConstraints"], json!({"resourceRules": rule}));
    assert_eq!(binding["spec"]["policyName"], policy["metadata"]["name"]);
    assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]));
    assert!(binding["spec"].get("matchResources").is_none());
}
