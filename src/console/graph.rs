//! `/api/graph`: what lies around one application. Never the whole mesh.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use axum::{Json, extract, http::StatusCode};
use serde::Serialize;

use super::{
    Console,
    asked::{Asked, Misstated, Parameters, Query},
    state::{Period, State},
    uses::Uses,
};
use crate::{
    decision_log::Recent,
    finding::Place,
    graph::{Access, Edge, Graph, Node, NodeId},
    target::Index,
    usage::Exported,
};

/// The most edges that one answer draws: more, nobody can read.
const MOST_EDGES: usize = 100;
const MOST_DEPTH: u64 = 3;

/// What is asked for.
#[derive(Debug)]
pub struct Focus {
    focus: String,
    /// Over how many edges callers of callers, and what those call that are called, are drawn.
    depth: usize,
    period: Period,
}

impl Asked for Focus {
    const NAMES: &'static [&'static str] = &["focus", "depth", Period::NAME];

    fn read(parameters: &Parameters) -> Result<Self, Misstated> {
        let focus =
            parameters.needed("focus", "an application, cluster:namespace:name, or group:id")?;
        let depth = parameters.number("depth", 1..=MOST_DEPTH, 1)?;
        let depth = usize::try_from(depth).unwrap_or(1);
        Ok(Self { focus, depth, period: Period::read(parameters)? })
    }
}

/// The neighbourhood of the focus.
#[derive(Debug, Serialize)]
pub struct Neighbourhood {
    focus: NodeId,
    nodes: Vec<End>,
    edges: Vec<Drawn>,
    /// Edges that are there and are not drawn.
    left_out: usize,
    period: Period,
}

/// Where edges begin and end.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum End {
    Known(Node),
    /// A caller that no document names.
    Unknown {
        id: String,
        kind: &'static str,
    },
}

/// One edge.
#[derive(Debug, Serialize)]
struct Drawn {
    id: usize,
    from: String,
    to: String,
    state: State,
    /// Where it is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<Exported>,
    /// How often it was refused lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    denials: Option<usize>,
}

/// Tells what lies around a node; 404 where there is no such node.
pub async fn around(
    extract::State(console): extract::State<Arc<Console>>,
    Query(Focus { focus, depth, period }): Query<Focus>,
) -> Result<Json<Neighbourhood>, StatusCode> {
    let focus: NodeId = focus.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let generation = console.sources.published.current();
    let whole = console.graph.graph_of(&generation).await;
    let recent = Arc::clone(&console.sources.recent);
    let drawn = console.readings.read(move || {
        let near = whole.around(&focus, depth)?;
        let refused = refused_around(&recent, &focus.to_string());
        Some(drawn(focus, &whole, &near, &refused, &generation.index, period))
    });
    drawn.await.flatten().map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// Who was refused where lately, and how often.
type Refused = BTreeMap<(String, String), usize>;

fn refused_around(recent: &Recent, focus: &str) -> Refused {
    let mut refused = Refused::new();
    for entry in recent.after(0, usize::MAX) {
        let Ok(record) = entry.record() else { continue };
        let (Some(to), Some(caller)) = (&record.application, &record.caller) else { continue };
        if record.decision == "allow" && record.mode.is_none() {
            continue;
        }
        let client_id = || caller.client_id.to_string();
        let from = caller.application.as_deref().map_or_else(client_id, str::to_owned);
        if from == focus || to == focus {
            *refused.entry((from, to.to_string())).or_default() += 1;
        }
    }
    refused
}

/// No more than can be drawn: refusals, then what is nearest, and of that what needs looking at.
fn drawn(
    focus: NodeId,
    whole: &Graph,
    near: &Graph,
    refused: &Refused,
    index: &Index,
    period: Period,
) -> Neighbourhood {
    let mut stated: Vec<_> = near.edges().iter().collect();
    let is_far = |edge: &Edge| edge.from != focus && edge.to != focus;
    stated.sort_by_key(|edge| (is_far(edge), edge.access == Access::Granted));
    let left_out = (refused.len() + stated.len()).saturating_sub(MOST_EDGES);
    let attempts = refused.iter().map(|((from, to), count)| attempt(from, to, *count));
    let mut uses = HashMap::new();
    let stated = stated.into_iter().map(|edge| {
        let used = uses.entry(&edge.to).or_insert_with(|| uses_of(&edge.to, index));
        of_documents(edge, used.by(&edge.from), period)
    });
    let mut edges: Vec<_> = attempts.chain(stated).take(MOST_EDGES).collect();
    edges.iter_mut().enumerate().for_each(|(number, edge)| edge.id = number);
    let middle = focus.to_string();
    let ends = edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
    let ends: BTreeSet<_> = ends.chain([&middle]).collect();
    let nodes = ends.into_iter().map(|id| end(id, whole)).collect();
    Neighbourhood { nodes, edges, left_out, focus, period }
}

fn uses_of(called: &NodeId, index: &Index) -> Uses {
    match called {
        NodeId::Application(id) => index.by_id(id).map_or_else(Uses::default, |it| Uses::of(it)),
        _ => Uses::default(),
    }
}

fn of_documents(edge: &Edge, uses: Option<Exported>, period: Period) -> Drawn {
    Drawn {
        id: 0,
        from: edge.from.to_string(),
        to: edge.to.to_string(),
        state: State::of(edge.access, uses, period),
        place: Some(edge.place.clone()),
        uses,
        denials: None,
    }
}

fn attempt(from: &str, to: &str, count: usize) -> Drawn {
    Drawn {
        id: 0,
        from: from.to_owned(),
        to: to.to_owned(),
        state: State::Denied,
        place: None,
        uses: None,
        denials: Some(count),
    }
}

fn end(id: &str, whole: &Graph) -> End {
    let known = id.parse::<NodeId>().ok().and_then(|id| {
        let found = whole.nodes().binary_search_by(|node| node.id.cmp(&id)).ok()?;
        whole.nodes().get(found)
    });
    match known {
        Some(node) => End::Known(node.clone()),
        None => End::Unknown { id: id.to_owned(), kind: "unknown" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::applications::{Application, DisabledBecause, Located, Stated};

    /// `hub`, which lets in more groups than can be drawn, and which another application calls.
    fn hub() -> Application {
        let place = Place::whole("hub.yaml");
        let group = |number: u32| Located {
            place: place.clone(),
            value: format!("00000000-0000-4000-8000-{number:012}").parse().unwrap(),
        };
        Application {
            stated: Stated { groups: (0..150).map(group).collect(), ..Stated::at(place.clone()) },
            ..Application::disabled("c:n:hub".parse().unwrap(), DisabledBecause::NoClientId)
        }
    }

    #[test]
    fn no_more_is_drawn_than_can_be_read_and_refused_attempts_come_first() {
        let graph = Graph::of([&Arc::new(hub())]);
        let focus: NodeId = "c:n:hub".parse().unwrap();
        let stranger = "00000000-0000-4000-9000-000000000000".to_owned();
        let refused = Refused::from([((stranger.clone(), "c:n:hub".to_owned()), 3)]);
        let drawn = drawn(focus, &graph, &graph, &refused, &Index::default(), Period::default());
        assert_eq!((drawn.edges.len(), drawn.left_out), (MOST_EDGES, 51));
        let first = &drawn.edges[0];
        assert_eq!((&first.from, first.state, first.denials), (&stranger, State::Denied, Some(3)));
        // Each end once: the hub, the stranger, and a group for each other edge.
        assert_eq!(drawn.nodes.len(), MOST_EDGES + 1);
        let unknown = |end: &&End| matches!(end, End::Unknown { id, .. } if *id == stranger);
        assert_eq!(drawn.nodes.iter().filter(unknown).count(), 1);
    }
}
