//! `/api/applications`: a searchable list, and one application with all that its documents state.

use std::sync::Arc;

use axum::{
    Json,
    extract::{self, Path, rejection::PathRejection},
    http::StatusCode,
};
use serde::Serialize;

use super::{
    Console,
    asked::{Asked, Misstated, Parameters, Query},
    state::{Period, State},
    status::IssuerHealth,
    uses::Uses,
};
use crate::{
    applications::{Application, Consumer, Located, Protection, StatedRule},
    finding::Place,
    graph::{Access, Graph, Kind, Node, NodeId, Standing},
    identifiers::{ApplicationId, ClientId, GroupId, Guid, TenantId},
    target::{Index, PathPattern},
    usage::Exported,
};

/// The most that one answer lists.
const MOST: usize = 100;

/// What is looked for.
#[derive(Debug)]
pub struct Search {
    /// A part of a name, or a client id; everything where empty.
    search: String,
    /// How many of those found are passed over.
    offset: u64,
}

impl Asked for Search {
    const NAMES: &'static [&'static str] = &["search", "offset"];

    fn read(parameters: &Parameters) -> Result<Self, Misstated> {
        let offset = parameters.number("offset", 0..=u64::MAX, 0)?;
        Ok(Self { search: parameters.text("search"), offset })
    }
}

/// Those that were found, in the order of their names.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// Of all, however many are listed here.
    matching: usize,
    applications: Vec<Row>,
}

/// One application in a list.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    standing: Standing,
    granted: usize,
    /// Rules that grant nothing.
    unresolved: usize,
    groups: usize,
    all_users: bool,
}

/// Lists applications.
pub async fn list(
    extract::State(console): extract::State<Arc<Console>>,
    Query(search): Query<Search>,
) -> Json<Found> {
    let generation = console.sources.published.current();
    let graph = console.graph.graph_of(&generation).await;
    let found = console.readings.read(move || find(&graph, &generation.index, &search)).await;
    Json(found.unwrap_or_default())
}

fn find(graph: &Graph, index: &Index, search: &Search) -> Found {
    let wanted = search.search.trim().to_lowercase();
    let client_id = wanted.parse::<Guid>().ok();
    let by_client_id = client_id.and_then(|client_id| index.name_of(client_id));
    let found: Vec<_> = graph
        .nodes()
        .iter()
        .filter_map(application)
        .filter(|(id, _)| id.as_str().to_lowercase().contains(&wanted) || by_client_id == Some(id))
        .collect();
    let offset = usize::try_from(search.offset).unwrap_or(usize::MAX);
    let listed = found.iter().skip(offset).take(MOST);
    let applications = listed.map(|(id, standing)| row(id, *standing, index)).collect();
    Found { matching: found.len(), applications }
}

fn application(node: &Node) -> Option<(&ApplicationId, Standing)> {
    match (&node.id, node.kind) {
        (NodeId::Application(id), Kind::Application { standing }) => Some((id, standing)),
        _ => None,
    }
}

fn row(id: &ApplicationId, standing: Standing, index: &Index) -> Row {
    let stated = index.by_id(id).map(|application| &application.stated);
    let rules = stated.map_or(&[][..], |stated| &stated.rules);
    let named = rules.iter().filter(|rule| rule.consumer != Consumer::Anyone);
    let (granted, unresolved): (Vec<_>, Vec<_>) = named.partition(|rule| rule.client_id.is_some());
    Row {
        id: id.to_string(),
        standing,
        granted: granted.len(),
        unresolved: unresolved.len(),
        groups: stated.map_or(0, |stated| stated.groups.len()),
        all_users: stated.is_some_and(|stated| stated.everyone.is_some()),
    }
}

/// Everything about one application.
#[derive(Debug, Serialize)]
pub struct Page {
    id: String,
    standing: Standing,
    /// Why nobody may call it at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_because: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<IssuerHealth>,
    place: Place,
    hosts: Vec<String>,
    open_paths: Vec<String>,
    rules: Vec<Rule>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_users: Option<Users>,
    groups: Vec<Group>,
    period: Period,
    /// Of all who came by a token.
    uses: Option<Exported>,
}

/// What is asked of one application.
#[derive(Debug)]
pub struct Over(Period);

impl Asked for Over {
    const NAMES: &'static [&'static str] = &[Period::NAME];

    fn read(parameters: &Parameters) -> Result<Self, Misstated> {
        Period::read(parameters).map(Self)
    }
}

#[derive(Debug, Serialize)]
struct Rule {
    /// `None` for `*`.
    consumer: Option<String>,
    client_id: Option<ClientId>,
    state: State,
    place: Place,
    uses: Option<Exported>,
}

#[derive(Debug, Serialize)]
struct Users {
    state: State,
    place: Place,
    uses: Option<Exported>,
}

#[derive(Debug, Serialize)]
struct Group {
    id: GroupId,
    state: State,
    place: Place,
    uses: Option<Exported>,
}

/// Tells of one application; 404 where no document describes it.
pub async fn one(
    extract::State(console): extract::State<Arc<Console>>,
    id: Result<Path<String>, PathRejection>,
    Query(Over(period)): Query<Over>,
) -> Result<Json<Page>, StatusCode> {
    let Ok(Path(id)) = id else { return Err(StatusCode::NOT_FOUND) };
    let generation = console.sources.published.current();
    let id: ApplicationId = id.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let application = generation.index.by_id(&id).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(page(application, &console, period)))
}

fn page(application: &Application, console: &Console, period: Period) -> Page {
    let (client_id, tenant, because) = match &application.protection {
        Protection::Enforced { client_id, tenant, .. } => (Some(*client_id), Some(*tenant), None),
        Protection::Disabled(because) => (None, None, Some(because.sentence())),
    };
    let stated = &application.stated;
    let grants = Grants { uses: Uses::of(application), period, is_disabled: because.is_some() };
    Page {
        id: application.id.to_string(),
        standing: Standing::of(application),
        disabled_because: because,
        client_id,
        issuer: tenant.and_then(|tenant| issuer(tenant, console)),
        place: stated.place.clone(),
        hosts: application.hosts.clone(),
        open_paths: application.open_paths.iter().map(PathPattern::to_string).collect(),
        rules: stated.rules.iter().map(|stated| grants.rule(stated)).collect(),
        all_users: stated.everyone.as_ref().map(|place| grants.all_users(place)),
        groups: stated.groups.iter().map(|stated| grants.group(stated)).collect(),
        period,
        uses: grants.uses.of_all(),
    }
}

fn issuer(tenant: TenantId, console: &Console) -> Option<IssuerHealth> {
    let issuer = console.sources.issuers.iter().find(|issuer| issuer.tenant() == tenant)?;
    Some(IssuerHealth::of(issuer))
}

/// What of an application's documents is worth what.
struct Grants {
    uses: Uses,
    period: Period,
    is_disabled: bool,
}

impl Grants {
    fn rule(&self, stated: &StatedRule) -> Rule {
        let StatedRule { place, consumer, client_id, .. } = stated;
        let (place, client_id) = (place.clone(), *client_id);
        let Consumer::Application(id) = consumer else {
            return Rule { consumer: None, client_id, state: State::Wildcard, place, uses: None };
        };
        let access = match client_id {
            None => Access::Unresolved,
            Some(_) => self.access(),
        };
        let (state, uses) = self.of(access, &NodeId::Application(id.clone()));
        Rule { consumer: Some(id.to_string()), client_id, state, place, uses }
    }

    fn all_users(&self, place: &Place) -> Users {
        let (state, uses) = self.of(self.access(), &NodeId::AllUsers);
        Users { state, place: place.clone(), uses }
    }

    fn group(&self, stated: &Located<GroupId>) -> Group {
        let Located { place, value: id } = stated;
        let (state, uses) = self.of(self.access(), &NodeId::Group(*id));
        Group { id: *id, state, place: place.clone(), uses }
    }

    /// Of who is known.
    fn access(&self) -> Access {
        if self.is_disabled { Access::Disabled } else { Access::Granted }
    }

    fn of(&self, access: Access, who: &NodeId) -> (State, Option<Exported>) {
        let uses = self.uses.by(who);
        (State::of(access, uses, self.period), uses)
    }
}
