use super::*;
use crate::applications::snapshot_for_tests;

/// `shop`, by whom everybody known is named in some way; `front`, which calls it; `off`.
const DOCUMENTS: &str = "\
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: team, annotations: {portvakt.dev/client-id: 00000000-0000-0000-0000-000000000001}}
spec:
  azure:
    application:
      enabled: true
      allowAllUsers: true
      claims: {groups: [{id: 00000000-0000-0000-0000-0000000000aa}]}
  accessPolicy:
    inbound:
      rules:
        - {application: front}
        - {application: front}
        - {application: shop}
        - {application: nobody, namespace: other}
        - {application: '*'}
---
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: front, namespace: team, annotations: {portvakt.dev/client-id: 00000000-0000-0000-0000-000000000002}}
spec:
  azure: {application: {enabled: true}}
  accessPolicy: {inbound: {rules: [{application: outer}]}}
---
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: outer, namespace: team, annotations: {portvakt.dev/client-id: 00000000-0000-0000-0000-000000000003}}
spec:
  azure: {application: {enabled: true}}
---
apiVersion: nais.io/v1alpha1
kind: Application
metadata: {name: off, namespace: team}
spec:
  azure: {application: {enabled: true}}
  accessPolicy: {inbound: {rules: [{application: shop}]}}
";

/// The graph of all that the documents can say.
pub fn sample() -> Graph {
    Graph::of(&snapshot_for_tests(DOCUMENTS).applications)
}

fn id(text: &str) -> NodeId {
    text.parse().unwrap()
}

fn edges(graph: &Graph) -> Vec<String> {
    let text =
        |edge: &Edge| format!("{} -> {} {:?} {}", edge.from, edge.to, edge.access, edge.place.line);
    graph.edges().iter().map(text).collect()
}

#[test]
fn every_statement_about_somebody_else_is_an_edge_with_its_worth_and_its_line() {
    assert_eq!(
        edges(&sample()),
        [
            "dev:team:outer -> dev:team:front Granted 24",
            "dev:team:shop -> dev:team:off Disabled 37",
            "dev:other:nobody -> dev:team:shop Unresolved 16",
            "dev:team:front -> dev:team:shop Granted 13",
            "group:00000000-0000-0000-0000-0000000000aa -> dev:team:shop Granted 9",
            "all-users -> dev:team:shop Granted 8",
            "* -> dev:team:shop Wildcard 17",
        ]
    );
}

#[test]
fn what_is_only_named_is_a_node_without_a_place() {
    let graph = sample();
    let found: Vec<_> =
        graph.nodes().iter().map(|node| (node.id.to_string(), node.place.is_some())).collect();
    assert_eq!(
        found.iter().map(|(id, placed)| (id.as_str(), *placed)).collect::<Vec<_>>(),
        [
            ("dev:other:nobody", false),
            ("dev:team:front", true),
            ("dev:team:off", true),
            ("dev:team:outer", true),
            ("dev:team:shop", true),
            ("group:00000000-0000-0000-0000-0000000000aa", false),
            ("all-users", false),
            ("*", false),
        ]
    );
}

#[test]
fn around_a_node_callers_are_followed_backwards_and_the_called_forwards() {
    let graph = sample().without_users();
    for (focus, depth, expected) in [
        ("dev:team:front", 0, &[][..]),
        ("dev:team:front", 1, &["outer", "front"]),
        // Not nobody, which calls what front calls.
        ("dev:team:front", 2, &["outer", "shop", "front"]),
        ("dev:team:outer", 1, &["outer"]),
        ("dev:team:outer", 2, &["outer", "front"]),
        ("dev:team:outer", 3, &["outer", "shop", "front"]),
        ("dev:team:outer", usize::MAX, &["outer", "shop", "front"]),
        ("dev:team:off", 2, &["shop", "nobody", "front", "*"]),
    ] {
        let found = graph.around(&id(focus), depth).unwrap();
        let mut callers: Vec<_> =
            found.edges().iter().map(|e| e.from.to_string().replace("dev:team:", "")).collect();
        callers.sort_by_key(|caller| !expected.contains(&caller.as_str()));
        let mut expected: Vec<_> = expected.to_vec();
        let mut callers: Vec<_> =
            callers.iter().map(|caller| caller.trim_start_matches("dev:other:")).collect();
        expected.sort_unstable();
        callers.sort_unstable();
        assert_eq!(callers, expected, "{focus} {depth}");
        assert!(found.nodes().iter().any(|node| node.id == id(focus)));
    }
    assert!(graph.around(&id("dev:team:unknown"), 1).is_none());
    assert!(graph.around(&NodeId::AllUsers, 1).is_none(), "left out with the other users");
}

#[test]
fn a_circle_ends() {
    let circle: String = [("a", 1, "b"), ("b", 2, "a")]
        .map(|(name, number, caller)| {
            format!(
                "---\napiVersion: nais.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, \
                 namespace: t, annotations: {{portvakt.dev/client-id: \
                 00000000-0000-0000-0000-00000000000{number}}}}}\nspec: {{accessPolicy: \
                 {{inbound: {{rules: [{{application: {caller}}}]}}}}}}\n"
            )
        })
        .concat();
    let graph = Graph::of(&snapshot_for_tests(&circle).applications);
    let found = graph.around(&id("dev:t:a"), usize::MAX).unwrap();
    assert_eq!(found.edges().len(), 2);
}

#[test]
fn the_name_of_a_node_is_read_as_it_is_written() {
    for text in ["dev:team:app", "group:team:app", "all-users", "*"] {
        assert_eq!(id(text).to_string(), text);
    }
    assert!(matches!(id("group:00000000-0000-0000-0000-0000000000aa"), NodeId::Group(_)));
    for text in ["", "app", "group:x", "a:b", "a:b:c:d", "All-Users"] {
        assert_eq!(text.parse::<NodeId>(), Err(NotANode), "{text}");
    }
}

#[test]
fn as_json_nodes_and_edges_name_kind_worth_and_place() {
    let json = serde_json::to_value(sample()).unwrap();
    assert_eq!(
        json["nodes"][2],
        serde_json::json!({"id": "dev:team:off", "kind": "application", "standing": "disabled", "place": {"file": "f.yaml", "line": 34, "column": 18}})
    );
    assert_eq!(
        json["edges"][6],
        serde_json::json!({"from": "*", "to": "dev:team:shop", "access": "wildcard", "place": {"file": "f.yaml", "line": 17, "column": 11}})
    );
    assert_eq!(json["nodes"][7], serde_json::json!({"id": "*", "kind": "any_application"}));
}
