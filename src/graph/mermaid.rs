//! A graph in the language of Mermaid, which many forges draw in Markdown.

use std::{collections::HashMap, fmt::Write as _};

use super::{Access, Edge, Graph, Kind, Node, NodeId, Standing};

/// As many edges are drawn by Mermaid as long as nobody configures it otherwise (`maxEdges`).
pub const MOST_EDGES: usize = 500;

/// The graph as a flowchart: a solid line grants, whatever else does not.
pub fn as_mermaid(graph: &Graph) -> String {
    let numbers: HashMap<_, _> = graph.nodes().iter().map(|node| &node.id).zip(0..).collect();
    let mut text = String::from("flowchart LR\n");
    for (node, number) in graph.nodes().iter().zip(0..) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}", of_node(node, number));
    }
    for edge in graph.edges() {
        let _ = writeln!(text, "  {}", of_edge(edge, &numbers));
    }
    text + "  classDef shadow fill:#fff3c4,color:#222\n  \
            classDef disabled fill:#ddd,color:#222\n  \
            classDef undocumented stroke-dasharray:4 4\n"
}

fn of_node(node: &Node, number: usize) -> String {
    let label = label(&node.id.to_string());
    match node.kind {
        Kind::Application { standing } => {
            let class = match standing {
                Standing::Enforced => "",
                Standing::Shadow => ":::shadow",
                Standing::Disabled => ":::disabled",
                Standing::Undocumented => ":::undocumented",
            };
            format!("n{number}[\"{label}\"]{class}")
        }
        Kind::Group | Kind::AllUsers => format!("n{number}([\"{label}\"])"),
        Kind::AnyApplication => format!("n{number}((\"{label}\"))"),
    }
}

fn of_edge(edge: &Edge, numbers: &HashMap<&NodeId, usize>) -> String {
    let arrow = match edge.access {
        Access::Granted => "-->",
        Access::Disabled => "-. disabled .->",
        Access::Unresolved => "-. unresolved .-x",
        Access::Wildcard => "-. network only .-o",
    };
    let [from, to] = [&edge.from, &edge.to].map(|id| numbers.get(id).copied().unwrap_or_default());
    format!("n{from} {arrow} n{to}")
}

/// What stands between double quotes: entities for all that means something to Mermaid, to
/// Markdown or to HTML.
///
/// Source: Mermaid, "Flowcharts", entity codes.
fn label(text: &str) -> String {
    let mut label = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '-' | '.' | '/' | ' ' => label.push(c),
            // An icon of Font Awesome would stand in the place of `fa:fa-…`.
            ':' if !text.contains(":fa-") => label.push(c),
            // Alone it is no emphasis; its entity would be shown as such where labels are no HTML.
            '*' if text.len() == 1 => label.push(c),
            '_' if !text.contains("__") => label.push(c),
            c if c.is_alphanumeric() => label.push(c),
            c => {
                let _ = write!(label, "#{};", u32::from(c));
            }
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::{super::model::sample, *};

    #[test]
    fn each_state_has_its_own_look() {
        assert_eq!(as_mermaid(&sample()), include_str!("samples/graph.mmd"));
    }

    #[test]
    fn nothing_ends_a_label_early_or_is_taken_for_markup() {
        for (text, expected) in [
            ("dev:team:my-app_1.x", "dev:team:my-app_1.x"),
            ("*", "*"),
            ("**b**", "#42;#42;b#42;#42;"),
            ("fa:fa-user:app", "fa#58;fa-user#58;app"),
            ("dev:fa:app", "dev:fa:app"),
            ("a\"]b", "a#34;#93;b"),
            ("<b>#38;`", "#60;b#62;#35;38#59;#96;"),
            ("a__b", "a#95;#95;b"),
        ] {
            assert_eq!(label(text), expected, "{text}");
        }
    }
}
