//! Who may call whom, as a graph: for people, never for decisions.
//!
//! ```text
//! Applications ── Graph::of ──> Graph ── around ──> Graph ──> dot, mermaid, JSON (Serialize)
//! ```

mod dot;
mod mermaid;
mod model;

pub use self::{
    dot::as_dot,
    mermaid::{MOST_EDGES as MOST_MERMAID_EDGES, as_mermaid},
    model::{Access, Edge, Graph, Kind, Node, NodeId, NotANode, Standing},
};
