//! `portvakt graph`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{
    WRONG_USAGE,
    given::{Given, errors, not_whole},
    options::Paths,
    print, say, wrong_usage,
};
use crate::{
    graph::{Graph, MOST_MERMAID_EDGES, NodeId, as_dot, as_mermaid},
    suggest,
};

/// Draw who may call whom.
///
/// An arrow leads from a caller to what it may call. Solid lines grant; dashed ones would, were a
/// client id known or the called application not disabled; dotted ones open the network alone (*).
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  portvakt graph portvakt.yaml applications/ >calls.mmd
  portvakt graph --format dot --users applications/ | dot -Tsvg >calls.svg
  portvakt graph --focus prod-gcp:team-orders:orders-api --depth 2 --cluster prod-gcp .nais/

Mermaid is drawn by many forges, in a code block of Markdown called mermaid.
Exit codes: 0 all was read, 2 wrong usage, nothing to draw, or something cannot be read and the
graph is not whole.")]
pub struct DrawGraph {
    #[command(flatten)]
    given: Paths,
    /// The language of the drawing.
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
    /// What lies around one application, cluster:namespace:application, or one group, group:GUID.
    #[arg(long, value_name = "APPLICATION")]
    focus: Option<NodeId>,
    /// Over how many arrows, backwards to its callers and forwards to what it calls.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "focus")]
    depth: usize,
    /// Groups of users, and all users where they are let in, too.
    #[arg(long)]
    users: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Of Graphviz.
    Dot,
    /// A flowchart.
    Mermaid,
    /// Nodes and edges, with places.
    Json,
}

/// There is no such node.
#[derive(Debug, thiserror::Error)]
#[error("no document names {id}{meant}")]
struct Unknown {
    id: NodeId,
    meant: String,
}

impl DrawGraph {
    pub fn run(self) -> ExitCode {
        let given = Given::below(&self.given.paths)
            .and_then(|given| given.read(&self.given.cluster.name)?.with_applications());
        let snapshot = match given {
            Ok(read) => read.snapshot,
            Err(error) => return wrong_usage(&error),
        };
        let whole = Graph::of(&snapshot.applications);
        let graph = match self.part(whole) {
            Ok(graph) => graph,
            Err(error) => return wrong_usage(&error),
        };
        let text = match self.format {
            Format::Dot => as_dot(&graph),
            Format::Mermaid => as_mermaid(&graph),
            Format::Json => match serde_json::to_string_pretty(&graph) {
                Ok(text) => text + "\n",
                Err(error) => return wrong_usage(&error),
            },
        };
        let errors: Vec<_> = errors(&snapshot.findings).collect();
        let ended = print(&text, if errors.is_empty() { 0 } else { WRONG_USAGE });
        if self.format == Format::Mermaid && graph.edges().len() > MOST_MERMAID_EDGES {
            say(format_args!(
                "portvakt: Mermaid draws {MOST_MERMAID_EDGES} arrows unless told otherwise, and \
                 there are {}: ask for a part by --focus, or for --format dot\n",
                graph.edges().len()
            ));
        }
        say(not_whole(&errors));
        ended
    }

    fn part(&self, whole: Graph) -> Result<Graph, Unknown> {
        let whole = match (self.users, &self.focus) {
            (true, _) | (_, Some(NodeId::Group(_) | NodeId::AllUsers)) => whole,
            _ => whole.without_users(),
        };
        let Some(id) = &self.focus else { return Ok(whole) };
        whole.around(id, self.depth).ok_or_else(|| {
            let known: Vec<_> = whole.nodes().iter().map(|node| node.id.to_string()).collect();
            let meant = suggest::ending(&id.to_string(), known.iter().map(String::as_str));
            Unknown { id: id.clone(), meant: meant.trim_end_matches('.').to_owned() }
        })
    }
}
