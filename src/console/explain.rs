//! `/api/explain`: why a request is let in or not, by the token that somebody pastes.
//!
//! The token is in the question's body and nowhere else: not in an address, not in the answer, not
//! in the log.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};
use serde::Deserialize;

use super::Console;
use crate::{
    explain::Explanation,
    request::{Authorization, Request},
};

/// A request that is decided without being made. Never printed: it holds a token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// `cluster:namespace:application`.
    application: String,
    method: String,
    path: String,
    /// Empty for a request without one.
    token: String,
    /// The principal of the workload that presents the token; empty where it is not known.
    #[serde(default)]
    presented_by: String,
}

/// Why there is no answer: a status and a sentence that holds nothing of the question.
type Refusal = (StatusCode, &'static str);

/// Decides as a check would be decided now, and tells of each step.
pub async fn explain(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Explanation>, Refusal> {
    // A form of another page cannot have this type.
    if headers.get(CONTENT_TYPE).is_none_or(|content_type| content_type != "application/json") {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The question must be application/json.\n",
        ));
    }
    // What is wrong with it is not told: the parser's words could hold a part of the token.
    let question: Question = serde_json::from_slice(&body)
        .map_err(|_| (StatusCode::BAD_REQUEST, "The question cannot be read.\n"))?;
    let _place = console.explanations.try_acquire().map_err(|_| {
        (StatusCode::SERVICE_UNAVAILABLE, "Too many questions are being answered.\n")
    })?;
    let Question { application, method, path, token, presented_by } = &question;
    let token = format!("Bearer {}", token.trim());
    let authorization = match token.trim() {
        "Bearer" => Authorization::Absent,
        _ => Authorization::Value(&token),
    };
    let request = Request {
        context_application: Some(application.trim()),
        source_principal: presented_by.trim(),
        method,
        path,
        authorization,
        ..Request::default()
    };
    let authorizer = &console.sources.shared.authorizer;
    let (outcome, steps) = authorizer.explain(&request).await;
    Ok(Json(Explanation::of(&outcome, &steps, &request, authorizer.settings())))
}
