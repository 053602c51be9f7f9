//! Nodes, edges, and what lies around one of them.

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    fmt,
    str::FromStr,
    sync::Arc,
};

use serde::{Serialize, Serializer};

use crate::{
    applications::{Application, Consumer, Protection},
    finding::Place,
    identifiers::{ApplicationId, GroupId},
    policy::Mode,
};

/// Who may call whom, as documents state it.
///
/// An application is always a consumer of itself; that is no edge.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Graph {
    /// In the order of their ids.
    nodes: Vec<Node>,
    /// In the order of what is called, then of who calls: one for each pair.
    edges: Vec<Edge>,
    #[serde(skip)]
    neighbours: HashMap<NodeId, Neighbours>,
}

/// The edges at a node, by their numbers.
#[derive(Debug, Clone, Default)]
struct Neighbours {
    callers: Vec<usize>,
    called: Vec<usize>,
}

/// Somebody who calls or is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    pub id: NodeId,
    #[serde(flatten)]
    pub kind: Kind,
    /// Where it is described; `None` of what is only named by others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// What a node is called. Its text is `cluster:namespace:application`, `group:GUID`, `all-users` or
/// `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeId {
    Application(ApplicationId),
    Group(GroupId),
    /// Of `allowAllUsers`.
    AllUsers,
    /// Of `application: '*'`.
    AnyApplication,
}

/// What a node stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    Application { standing: Standing },
    Group,
    AllUsers,
    AnyApplication,
}

/// What is known of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Its policy is enforced.
    Enforced,
    /// Its policy keeps nobody out.
    Shadow,
    /// It lets nobody in.
    Disabled,
    /// Only rules of others name it.
    Undocumented,
}

/// Somebody is named by a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Who calls.
    pub from: NodeId,
    /// What is called: always an application.
    pub to: NodeId,
    pub access: Access,
    /// Where that is stated.
    pub place: Place,
}

/// What an edge is worth, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    Granted,
    /// It would grant, were the application that is called not disabled.
    Disabled,
    /// It grants nothing, since no client id is known for the caller.
    Unresolved,
    /// It is for the network only and grants no token.
    Wildcard,
}

/// The text names no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not of the form cluster:namespace:application, group:GUID, all-users or *")]
pub struct NotANode;

impl Graph {
    /// The graph of these applications.
    pub fn of<'a>(applications: impl IntoIterator<Item = &'a Arc<Application>>) -> Self {
        let mut drawing = Drawing::default();
        applications.into_iter().for_each(|application| drawing.add(application));
        drawing.end()
    }

    /// In the order of their ids.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// In the order of what is called, then of who calls.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Who may call a node, directly or through others, and whom it may call, over at most `depth`
    /// edges. `None` where there is no such node.
    pub fn around(&self, id: &NodeId, depth: usize) -> Option<Self> {
        self.node(id)?;
        let mut edges = self.walk(id, depth, |at| &at.callers, |edge| &edge.from);
        edges.extend(self.walk(id, depth, |at| &at.called, |edge| &edge.to));
        let mut edges: Vec<_> = edges.into_iter().collect();
        edges.sort_unstable();
        let edges: Vec<_> = edges.into_iter().map(|number| self.edges[number].clone()).collect();
        let ends = edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
        let kept: HashSet<_> = ends.chain([id]).collect();
        let mut kept: Vec<_> = kept.into_iter().filter_map(|id| self.node(id)).cloned().collect();
        kept.sort_by(|one, other| one.id.cmp(&other.id));
        Some(Self::joined(kept, edges))
    }

    /// The same with applications alone.
    #[must_use]
    pub fn without_users(self) -> Self {
        let is_user = |id: &NodeId| matches!(id, NodeId::Group(_) | NodeId::AllUsers);
        let nodes = self.nodes.into_iter().filter(|node| !is_user(&node.id)).collect();
        let edges = self.edges.into_iter().filter(|edge| !is_user(&edge.from)).collect();
        Self::joined(nodes, edges)
    }

    fn joined(nodes: Vec<Node>, edges: Vec<Edge>) -> Self {
        let mut neighbours = HashMap::<_, Neighbours>::with_capacity(nodes.len());
        for (number, edge) in edges.iter().enumerate() {
            neighbours.entry(edge.from.clone()).or_default().called.push(number);
            neighbours.entry(edge.to.clone()).or_default().callers.push(number);
        }
        Self { nodes, edges, neighbours }
    }

    fn node(&self, id: &NodeId) -> Option<&Node> {
        let found = self.nodes.binary_search_by(|node| node.id.cmp(id)).ok()?;
        self.nodes.get(found)
    }

    /// The edges that are met in one direction.
    fn walk<'g>(
        &'g self,
        from: &'g NodeId,
        depth: usize,
        next: impl Fn(&Neighbours) -> &Vec<usize>,
        end: impl Fn(&'g Edge) -> &'g NodeId,
    ) -> HashSet<usize> {
        let (mut met, mut seen, mut front) = (HashSet::new(), HashSet::from([from]), vec![from]);
        for _ in 0..depth {
            let edges = front.iter().filter_map(|id| self.neighbours.get(*id)).flat_map(&next);
            let edges: Vec<usize> = edges.copied().collect();
            front = edges.iter().map(|number| end(&self.edges[*number])).collect();
            front.retain(|id| seen.insert(*id));
            met.extend(edges);
            if front.is_empty() {
                break;
            }
        }
        met
    }
}

/// A graph that is being drawn.
#[derive(Default)]
struct Drawing {
    nodes: BTreeMap<NodeId, Node>,
    /// By what is called and who calls.
    edges: BTreeMap<(NodeId, NodeId), Edge>,
}

impl Drawing {
    fn add(&mut self, application: &Application) {
        let Application { id, stated, .. } = application;
        let to = NodeId::Application(id.clone());
        let standing = Standing::of(application);
        let place = Some(stated.place.clone());
        self.nodes.insert(
            to.clone(),
            Node { id: to.clone(), kind: Kind::Application { standing }, place },
        );
        let granted = match standing {
            Standing::Disabled => Access::Disabled,
            _ => Access::Granted,
        };
        for rule in stated.rules.iter().filter(|rule| !rule.consumer.is(id)) {
            let (from, access) = match (&rule.consumer, rule.client_id) {
                (Consumer::Anyone, _) => (NodeId::AnyApplication, Access::Wildcard),
                (Consumer::Application(id), None) => {
                    (NodeId::Application(id.clone()), Access::Unresolved)
                }
                (Consumer::Application(id), Some(_)) => (NodeId::Application(id.clone()), granted),
            };
            self.join(from, &to, access, &rule.place);
        }
        for group in &stated.groups {
            self.join(NodeId::Group(group.value), &to, granted, &group.place);
        }
        if let Some(place) = &stated.everyone {
            self.join(NodeId::AllUsers, &to, granted, place);
        }
    }

    /// Of several statements about one pair, the best counts, and of equal ones the first.
    fn join(&mut self, from: NodeId, to: &NodeId, access: Access, place: &Place) {
        let edge = Edge { from: from.clone(), to: to.clone(), access, place: place.clone() };
        match self.edges.entry((to.clone(), from)) {
            Entry::Vacant(entry) => {
                entry.insert(edge);
            }
            Entry::Occupied(mut entry) if access < entry.get().access => {
                entry.insert(edge);
            }
            Entry::Occupied(_) => {}
        }
    }

    /// With the nodes that are only named.
    fn end(mut self) -> Graph {
        for edge in self.edges.values() {
            let id = &edge.from;
            let named = || Node { id: id.clone(), kind: only_named(id), place: None };
            self.nodes.entry(id.clone()).or_insert_with(named);
        }
        Graph::joined(self.nodes.into_values().collect(), self.edges.into_values().collect())
    }
}

impl Standing {
    /// Of an application that documents describe.
    pub fn of(application: &Application) -> Self {
        match (&application.protection, application.mode) {
            (Protection::Disabled(_), _) => Self::Disabled,
            (Protection::Enforced { .. }, Mode::Shadow) => Self::Shadow,
            (Protection::Enforced { .. }, Mode::Enforce) => Self::Enforced,
        }
    }
}

fn only_named(id: &NodeId) -> Kind {
    match id {
        NodeId::Application(_) => Kind::Application { standing: Standing::Undocumented },
        NodeId::Group(_) => Kind::Group,
        NodeId::AllUsers => Kind::AllUsers,
        NodeId::AnyApplication => Kind::AnyApplication,
    }
}

const GROUP: &str = "group:";
const ALL_USERS: &str = "all-users";
const ANY_APPLICATION: &str = "*";

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(id) => id.fmt(f),
            Self::Group(id) => write!(f, "{GROUP}{id}"),
            Self::AllUsers => f.write_str(ALL_USERS),
            Self::AnyApplication => f.write_str(ANY_APPLICATION),
        }
    }
}

impl FromStr for NodeId {
    type Err = NotANode;

    fn from_str(text: &str) -> Result<Self, NotANode> {
        match (text, text.strip_prefix(GROUP)) {
            (ALL_USERS, _) => Ok(Self::AllUsers),
            (ANY_APPLICATION, _) => Ok(Self::AnyApplication),
            (_, Some(group)) if !group.contains(':') => {
                group.parse().map(Self::Group).map_err(|_| NotANode)
            }
            _ => text.parse().map(Self::Application).map_err(|_| NotANode),
        }
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub use tests::sample;
