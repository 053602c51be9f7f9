//! A graph in the language of Graphviz.

use std::fmt::Write as _;

use super::{Access, Edge, Graph, Kind, Node, Standing};

/// The graph as DOT: a solid line grants, whatever else does not.
pub fn as_dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph portvakt {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  \
         edge [fontname=\"sans-serif\", fontsize=10];\n",
    );
    for node in graph.nodes() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {};", of_node(node));
    }
    for edge in graph.edges() {
        let _ = writeln!(text, "  {};", of_edge(edge));
    }
    text + "}\n"
}

fn of_node(node: &Node) -> String {
    let look = match node.kind {
        Kind::Application { standing: Standing::Enforced } => "",
        Kind::Application { standing: Standing::Shadow } => {
            ", style=filled, fillcolor=\"#fff3c4\", xlabel=\"shadow\""
        }
        Kind::Application { standing: Standing::Disabled } => {
            ", style=filled, fillcolor=\"#dddddd\", xlabel=\"disabled\""
        }
        Kind::Application { standing: Standing::Undocumented } => ", style=dashed",
        Kind::Group | Kind::AllUsers => ", shape=ellipse",
        Kind::AnyApplication => ", shape=plaintext",
    };
    let id = quoted(&node.id.to_string());
    format!("{id} [tooltip={}{look}]", quoted(&place(node)))
}

fn of_edge(edge: &Edge) -> String {
    let look = match edge.access {
        Access::Granted => "",
        Access::Disabled => ", style=dashed, color=gray40, label=\"disabled\"",
        Access::Unresolved => ", style=dashed, color=red3, label=\"unresolved\"",
        Access::Wildcard => ", style=dotted, color=gray40, label=\"network only\"",
    };
    let [from, to] = [&edge.from, &edge.to].map(|id| quoted(&id.to_string()));
    format!("{from} -> {to} [tooltip={}{look}]", quoted(&edge.place.to_string()))
}

fn place(node: &Node) -> String {
    node.place.as_ref().map_or_else(|| "only named by others".to_owned(), ToString::to_string)
}

/// In double quotes. A backslash begins an escape in labels and tooltips, so that each is doubled.
///
/// Source: Graphviz, "DOT language" and "escString".
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            // In tooltips, which are HTML in the end, no entity may be taken for one.
            '&' => quoted.push_str("&amp;"),
            c if c.is_control() => quoted.push(char::REPLACEMENT_CHARACTER),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{super::model::sample, *};

    #[test]
    fn each_state_has_its_own_look() {
        assert_eq!(as_dot(&sample()), include_str!("samples/graph.dot"));
    }

    #[test]
    fn nothing_ends_a_text_early() {
        for (text, expected) in [
            ("a:b:c", r#""a:b:c""#),
            (r#"a" -> "b"#, r#""a\" -> \"b""#),
            (r"C:\new\", r#""C:\\new\\""#),
            ("a\nb", "\"a\u{fffd}b\""),
            ("&quot;", "\"&amp;quot;\""),
        ] {
            assert_eq!(quoted(text), expected, "{text}");
        }
    }
}
