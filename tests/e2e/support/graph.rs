//! Microsoft Graph and the token endpoint before it, on loopback: as strict as the real ones where
//! that matters here, and as unreliable as a test wants.

#![allow(dead_code, reason = "the library's own tests use it too; neither uses everything")]

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::watch::{Receiver, Sender},
};

/// How Graph, or the token endpoint, answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Normal,
    /// This status, with `Retry-After` where it is stated.
    Refusing(u16, Option<&'static str>),
    /// Status 500, from the second request on.
    FailingLater,
    /// Not before the mood changes.
    Hanging,
    /// A page of HTML.
    Garbage,
    /// More than anybody should read.
    Endless,
    /// To another place.
    Redirecting,
    /// Graph: one group for each page.
    Paging,
    /// Graph: pages that never end.
    PagingForever,
    /// Graph: the next page is at another place.
    Lying,
    /// Graph: also groups that nobody asked about.
    Generous,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    /// Of the query, or of the form.
    pub parameters: BTreeMap<String, String>,
    pub body: String,
}

/// The fake; ends with the test's runtime.
pub struct Graph {
    address: SocketAddr,
    state: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    directory: Mutex<Directory>,
    graph: Sender<Mood>,
    login: Sender<Mood>,
}

#[derive(Default)]
struct Directory {
    direct: BTreeSet<(String, String)>,
    nested: BTreeSet<(String, String)>,
    /// How many access tokens were issued; only the last one is good.
    issued: usize,
    asked: Vec<Seen>,
    asked_for_tokens: Vec<Seen>,
    astray: usize,
    here: String,
    /// Where nothing of ours must ever arrive.
    elsewhere: String,
}

impl Graph {
    pub async fn start() -> Self {
        let state = Arc::<Shared>::default();
        let address = serve(Router::new().fallback(answer).with_state(Arc::clone(&state))).await;
        let elsewhere = serve(Router::new().fallback(astray).with_state(Arc::clone(&state))).await;
        state.directory().here = format!("http://{address}");
        state.directory().elsewhere = format!("http://{elsewhere}");
        Self { address, state }
    }

    /// Where it is found, as `entra.graph.url` and as `entra.graph.login_url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A user of a group.
    pub fn add_member(&self, user: &str, group: &str) {
        self.directory().direct.insert((user.to_owned(), group.to_owned()));
    }

    /// A user of a group that is a member of this group.
    pub fn add_nested_member(&self, user: &str, group: &str) {
        self.directory().nested.insert((user.to_owned(), group.to_owned()));
    }

    /// Nobody is a member of anything any more.
    pub fn clear(&self) {
        let mut directory = self.directory();
        directory.direct.clear();
        directory.nested.clear();
    }

    /// Has Graph answer otherwise from now on.
    pub fn behave(&self, mood: Mood) {
        self.state.graph.send_replace(mood);
    }

    /// Has the token endpoint answer otherwise from now on.
    pub fn login_behaves(&self, mood: Mood) {
        self.state.login.send_replace(mood);
    }

    /// From now on no access token is good that was issued before.
    pub fn revoke_tokens(&self) {
        self.directory().issued += 1;
    }

    /// What Graph was asked so far.
    pub fn asked(&self) -> Vec<Seen> {
        self.directory().asked.clone()
    }

    /// What the token endpoint was asked so far.
    pub fn asked_for_tokens(&self) -> Vec<Seen> {
        self.directory().asked_for_tokens.clone()
    }

    /// How often somebody went where a lie or a redirect led.
    pub fn went_astray(&self) -> usize {
        self.directory().astray
    }

    fn directory(&self) -> MutexGuard<'_, Directory> {
        self.state.directory()
    }
}

impl Shared {
    fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap()
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

async fn astray(State(state): State<Arc<Shared>>) -> Json<Value> {
    state.directory().astray += 1;
    Json(json!({"value": []}))
}

async fn answer(State(state): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let path = head.uri.path().to_owned();
    let is_login = path.ends_with("/oauth2/v2.0/token");
    let pairs = if is_login { &*body } else { head.uri.query().unwrap_or_default() };
    let parameters = url::form_urlencoded::parse(pairs.as_bytes()).into_owned().collect();
    let seen = Seen { path, parameters, body };
    if is_login {
        state.directory().asked_for_tokens.push(seen.clone());
        let mood = mood(state.login.subscribe()).await;
        return trouble(&state, mood).unwrap_or_else(|| issue(&state, &seen));
    }
    state.directory().asked.push(seen.clone());
    let mood = mood(state.graph.subscribe()).await;
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let good = format!("Bearer graph-token-{}", state.directory().issued);
    if header(AUTHORIZATION.as_str()) != Some(&good) {
        return refusal(401, "InvalidAuthenticationToken");
    }
    let is_eventual = header("consistencylevel") == Some("eventual");
    trouble(&state, mood).unwrap_or_else(|| memberships(&state, &seen, is_eventual, mood))
}

async fn mood(mut mood: Receiver<Mood>) -> Mood {
    *mood.wait_for(|mood| *mood != Mood::Hanging).await.unwrap()
}

fn trouble(state: &Shared, mood: Mood) -> Option<Response> {
    Some(match mood {
        Mood::Refusing(status, retry_after) => {
            let mut response = refusal(status, "ServiceNotAvailable");
            if let Some(when) = retry_after {
                response.headers_mut().insert("retry-after", HeaderValue::from_static(when));
            }
            response
        }
        Mood::FailingLater if state.directory().asked.len() > 1 => refusal(500, "UnknownError"),
        Mood::Garbage => "<html><body>maintenance</body></html>".into_response(),
        Mood::Endless => Body::from(vec![b' '; 2 << 20]).into_response(),
        Mood::Redirecting => {
            let place = state.directory().elsewhere.clone();
            (StatusCode::TEMPORARY_REDIRECT, [("location", place)]).into_response()
        }
        _ => return None,
    })
}

fn refusal(status: u16, code: &str) -> Response {
    let body = json!({"error": {"code": code, "message": "The fake refuses."}});
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

fn issue(state: &Shared, seen: &Seen) -> Response {
    let parameter = |name: &str| seen.parameters.get(name).map(String::as_str);
    let proof = parameter("client_secret").or(parameter("client_assertion"));
    let is_complete = parameter("grant_type") == Some("client_credentials")
        && parameter("scope").is_some_and(|scope| scope.ends_with("/.default"))
        && parameter("client_id").is_some()
        && proof.is_some();
    if !is_complete {
        let body = json!({"error": "invalid_request", "error_description": "AADSTS900144: no"});
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let mut directory = state.directory();
    directory.issued += 1;
    let token = format!("graph-token-{}", directory.issued);
    Json(json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token})).into_response()
}

fn memberships(state: &Shared, seen: &Seen, is_eventual: bool, mood: Mood) -> Response {
    let mut segments = seen.path.split('/').skip(1);
    let (Some("v1.0"), Some("users"), Some(user), Some(call), None) =
        (segments.next(), segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return refusal(404, "Request_ResourceNotFound");
    };
    let directory = state.directory();
    let is_in = |set: &BTreeSet<(String, String)>, group: &String| {
        set.contains(&(user.to_owned(), group.clone()))
    };
    match call {
        "checkMemberGroups" => {
            let body: Value = serde_json::from_str(&seen.body).unwrap();
            let asked: Vec<String> = serde_json::from_value(body["groupIds"].clone()).unwrap();
            if asked.len() > 20 {
                return refusal(400, "Request_BadRequest");
            }
            let found = asked
                .into_iter()
                .filter(|group| is_in(&directory.direct, group) || is_in(&directory.nested, group));
            list(found.map(Value::from).collect(), seen, mood, &directory)
        }
        "memberOf" => {
            let asked = groups_in(seen.parameters.get("$filter").map_or("", String::as_str));
            let is_advanced = is_eventual && seen.parameters.contains_key("$count");
            if asked.len() > 15 || !is_advanced {
                return refusal(400, "Request_UnsupportedQuery");
            }
            let found = asked.into_iter().filter(|group| is_in(&directory.direct, group));
            let object = |id| json!({"@odata.type": "#microsoft.graph.group", "id": id});
            list(found.map(object).collect(), seen, mood, &directory)
        }
        _ => refusal(404, "Request_ResourceNotFound"),
    }
}

/// Of `id in ('a','b')`.
fn groups_in(filter: &str) -> Vec<String> {
    let list = filter.strip_prefix("id in (").and_then(|rest| rest.strip_suffix(")"));
    list.map(|list| list.split(',').map(|id| id.trim_matches('\'').to_owned()).collect())
        .unwrap_or_default()
}

/// A page of a list, which `$skiptoken` tells.
fn list(mut found: Vec<Value>, seen: &Seen, mood: Mood, directory: &Directory) -> Response {
    let Directory { here, elsewhere, .. } = directory;
    let page = seen.parameters.get("$skiptoken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let link = |at: &str, page: usize| {
        let mut parameters = seen.parameters.clone();
        parameters.insert("$skiptoken".to_owned(), page.to_string());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        format!("{at}{}?{}", seen.path, query.extend_pairs(parameters).finish())
    };
    let mut body = json!({"@odata.context": "context"});
    match mood {
        Mood::Lying => body["@odata.nextLink"] = link(elsewhere, 1).into(),
        Mood::PagingForever => body["@odata.nextLink"] = link(here, page + 1).into(),
        Mood::Paging => {
            if page + 1 < found.len() {
                body["@odata.nextLink"] = link(here, page + 1).into();
            }
            found = found.into_iter().skip(page).take(1).collect();
        }
        Mood::Generous => {
            found.extend([json!("5e7c9b1a-3d84-4f60-8a2e-9c6b0d1f4a37"), json!("no guid")]);
        }
        _ => {}
    }
    body["value"] = found.into();
    Json(body).into_response()
}
