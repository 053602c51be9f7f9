//! From a request to its answer.

use std::{collections::BTreeMap, convert::Infallible, future::pending, sync::Arc};

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State as Shared},
    http::{Method, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::time::sleep;

use super::{
    failure::Failure,
    list::list,
    resource::{Collection, Resource, Target},
    state::{Asked, Mood, State, Verb},
    store::Part,
    watches::watch,
};

/// More than any object of the tests takes.
const MOST_BYTES: usize = 8 << 20;

/// Answers a request to any path.
pub async fn answer(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let Some(target) = Target::at(request.uri().path()) else {
        state.lock().strays.push(request.uri().to_string());
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    };
    let expected = format!("Bearer {}", state.lock().token);
    if request.headers().get(AUTHORIZATION).is_none_or(|sent| *sent != *expected) {
        return Failure::Unauthorized.response(target.resource(), "use");
    }
    match (request.method(), target) {
        (&Method::GET, Target::Collection(collection)) => {
            read(&state, collection, request.uri().query().unwrap_or_default()).await
        }
        (_, target) => write(&state, target, request).await,
    }
}

/// Lists and watches, as the mood has it.
async fn read(state: &Arc<State>, collection: Collection, query: &str) -> Response {
    let parameters: BTreeMap<_, _> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let is_watch = parameters.get("watch").is_some_and(|value| value == "true" || value == "1");
    let verb = if is_watch { Verb::Watch } else { Verb::List };
    let resource = collection.resource;
    let asked = Asked { collection, verb, parameters };
    let mood = {
        let mut inner = state.lock();
        inner.asked.push(asked.clone());
        inner.mood(resource, verb)
    };
    match mood {
        Mood::Refusing(failure) => return failure.response(resource, verb.as_str()),
        Mood::Hanging => pending().await,
        Mood::Slow(time) => sleep(time).await,
        Mood::Endless => return endless(),
        Mood::Babbling => return "<html>\u{1b}[31m\nno API server\n".into_response(),
        _ => {}
    }
    let answer = match verb {
        Verb::List => list(state, &asked, mood),
        Verb::Watch => watch(state, &asked, mood),
    };
    answer.unwrap_or_else(|failure| failure.response(resource, verb.as_str()))
}

/// The beginning of a text, as fast as it is read.
fn endless() -> Response {
    let piece = Bytes::from(vec![b'x'; 64 << 10]);
    let pieces = stream::iter([Bytes::from(r#"{"type": ""#)]).chain(stream::repeat(piece));
    Body::from_stream(pieces.map(Ok::<_, Infallible>)).into_response()
}

/// What is done to single objects. Moods are for those who read documents.
async fn write(state: &State, target: Target, request: Request) -> Response {
    let (resource, method) = (target.resource(), request.method().clone());
    let object = match to_bytes(request.into_body(), MOST_BYTES).await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        Err(_) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
    };
    let done = match (&method, target) {
        (&Method::POST, Target::Collection(_)) if is_of(&object, resource) => {
            return match state.change(|store| store.create(object)) {
                Ok(created) => (StatusCode::CREATED, Json(created)).into_response(),
                Err(failure) => failure.response(resource, "create"),
            };
        }
        (&Method::GET, Target::Object(key)) => state.lock().store.get(&key),
        (&Method::PUT, Target::Object(key)) if is_of(&object, resource) => {
            state.change(|store| store.replace(&key, object, Part::Main))
        }
        (&Method::PUT, Target::Status(key)) if is_of(&object, resource) => {
            state.change(|store| store.replace(&key, object, Part::Status))
        }
        (&Method::DELETE, Target::Object(key)) => state.change(|store| store.delete(&key)),
        _ => Err(Failure::Invalid("no such operation")),
    };
    match done {
        Ok(object) => Json(object).into_response(),
        Err(failure) => failure.response(resource, method.as_str()),
    }
}

fn is_of(object: &Value, resource: Resource) -> bool {
    object["kind"] == resource.kind() && object["apiVersion"] == resource.api_version()
}
