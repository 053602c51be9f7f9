//! Lists, whole or by pages.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::task::yield_now;

use super::{
    failure::Failure,
    resource::Resource,
    state::{Asked, Mood, State},
    store::Page,
};

/// The answer to a request to list.
pub fn list(state: &State, asked: &Asked, mood: Mood) -> Result<Response, Failure> {
    let page = page(state, asked, mood)?;
    let document = document(asked.collection.resource, page);
    Ok(match mood {
        Mood::Breaking => half_of(document.to_string()),
        _ => Json(document).into_response(),
    })
}

fn page(state: &State, asked: &Asked, mood: Mood) -> Result<Page, Failure> {
    let mut inner = state.lock();
    // Only who asks for pages gets some.
    let most = match asked.parameter("limit") {
        None | Some("0") => usize::MAX,
        Some(limit) => {
            let limit: usize = limit.parse().map_err(|_| Failure::Invalid("limit is no number"))?;
            limit.min(inner.page_size)
        }
    };
    if let Some(token) = asked.parameter("continue") {
        if asked.parameter("resourceVersion").is_some_and(|version| version != "0") {
            return Err(Failure::Invalid("a continue token has a version of its own"));
        }
        return match mood {
            Mood::ForgettingPages => Err(Failure::Expired),
            _ => inner.store.list_on(token, most),
        };
    }
    check_version(asked, inner.store.version())?;
    Ok(inner.store.list(&asked.collection, most))
}

/// Whether the list as it is now is what a client wants.
fn check_version(asked: &Asked, current: u64) -> Result<(), Failure> {
    let wanted = asked.parameter("resourceVersion").filter(|version| !version.is_empty());
    let rule = asked.parameter("resourceVersionMatch");
    let Some(wanted) = wanted else {
        return match rule {
            Some(_) => Err(Failure::Invalid("resourceVersionMatch needs a resourceVersion")),
            None => Ok(()),
        };
    };
    let wanted: u64 =
        wanted.parse().map_err(|_| Failure::Invalid("resourceVersion is no number"))?;
    match rule {
        _ if wanted > current => Err(Failure::TooLargeVersion),
        None | Some("NotOlderThan") => Ok(()),
        Some("Exact") if wanted == current => Ok(()),
        Some("Exact") => Err(Failure::Expired),
        Some(_) => Err(Failure::Invalid("resourceVersionMatch is unknown")),
    }
}

fn document(resource: Resource, page: Page) -> Value {
    let mut metadata = json!({"resourceVersion": page.version.to_string()});
    if let Some(token) = &page.token {
        metadata["continue"] = token.as_str().into();
    }
    let items: Vec<&Value> = page.items.iter().map(Arc::as_ref).collect();
    json!({
        "apiVersion": resource.api_version(), "kind": format!("{}List", resource.kind()),
        "metadata": metadata, "items": items,
    })
}

/// A text that breaks off, and with it the connection.
fn half_of(mut text: String) -> Response {
    text.truncate(text.len() / 2);
    let parts = stream::unfold(Some(text), async |text| match text {
        Some(text) => Some((Ok(text), None)),
        None => {
            // So that the first half is sent before.
            yield_now().await;
            Some((Err(std::io::Error::other("it breaks off")), None))
        }
    });
    Body::from_stream(parts).into_response()
}
