//! `/api/explain`: why a request is let in or not, by the token that somebody pastes.
//!
//! The token is in the question's body and nowhere else: not in an address, not in the answer, not
//! in the log.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, State},
    http::{StatusCode, header::CONTENT_TYPE},
};
use serde::Deserialize;
use tokio::time::timeout;

use super::Console;
use crate::{
    explain::Explanation,
    request::{Authorization, Request},
    telemetry::ConsoleRefusal,
};

/// For the whole of a question. Browsers send it at once.
const BODY_TIMEOUT: Duration = Duration::from_secs(4);

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

/// Decides as a check would be decided now, and tells of each step.
pub async fn explain(
    State(console): State<Arc<Console>>,
    request: axum::extract::Request,
) -> Result<Json<Explanation>, ConsoleRefusal> {
    // A form of another page cannot have this type.
    if request.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != "application/json") {
        return Err(ConsoleRefusal::ContentType);
    }
    let body = whole(request).await?;
    // What is wrong with it is not told: the parser's words could hold a part of the token.
    let question: Question =
        serde_json::from_slice(&body).map_err(|_| ConsoleRefusal::Unreadable)?;
    let _place = console.explanations.try_acquire().map_err(|_| ConsoleRefusal::Full)?;
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

/// The body of a request, which must come in time and within the limit of its route.
async fn whole(request: axum::extract::Request) -> Result<Bytes, ConsoleRefusal> {
    let read = timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await;
    let read = read.map_err(|_| ConsoleRefusal::TooSlow)?;
    read.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ConsoleRefusal::TooLarge,
        // Its client broke off.
        _ => ConsoleRefusal::Unreadable,
    })
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, io};

    use axum::{Router, extract::Request as Asked, middleware, routing::post};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::{Instant, sleep},
    };
    use tokio_util::sync::CancellationToken;

    use super::{
        super::{LONGEST, MAX_QUESTION_BYTES, guard, guard::Guard, question_limit},
        *,
    };
    use crate::{telemetry::Metrics, web};

    /// The console's way to a question, up to where it is read: the answer to a client that sends
    /// its body in pieces, how long that took, and what was counted.
    async fn met(length: usize, piece: usize, pause: Duration) -> (String, u64, [u64; 2]) {
        let metrics = Arc::new(Metrics::new());
        let guard = Guard::new(Arc::new([]), None, Arc::clone(&metrics));
        let read = async |asked: Asked| whole(asked).await.map(|body| body.len().to_string());
        let router = Router::new()
            .route("/", post(read).layer(question_limit()))
            .layer(middleware::from_fn_with_state(guard, guard::admit));
        let (mut client, server) = duplex(1024);
        let served =
            tokio::spawn(web::serve_one(server, router, LONGEST, CancellationToken::new()));
        let began = Instant::now();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
             Connection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        let (mut reading, mut writing) = tokio::io::split(&mut client);
        let write = async {
            writing.write_all(head.as_bytes()).await?;
            let mut left = length;
            while left > 0 {
                sleep(pause).await;
                writing.write_all(&vec![b'x'; piece.min(left)]).await?;
                left = left.saturating_sub(piece);
            }
            std::future::pending::<io::Result<Infallible>>().await
        };
        let mut answer = String::new();
        let read = reading.read_to_string(&mut answer);
        tokio::pin!(read);
        tokio::select! {
            // Who is cut off still finds the answer.
            Err(_) = write => { let _ = (&mut read).await; }
            _ = &mut read => {}
        }
        assert_eq!(served.await.unwrap(), Ok(()));
        let status = answer.split(' ').nth(1).unwrap_or("none").to_owned();
        let counted = [ConsoleRefusal::TooSlow, ConsoleRefusal::TooLarge];
        let counted = counted.map(|refusal| metrics.console.refusals(refusal));
        (status, began.elapsed().as_secs(), counted)
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_comes_too_slowly_or_is_too_large_is_refused_and_counted() {
        let second = Duration::from_secs(1);
        for (length, piece, pause, expected) in [
            (MAX_QUESTION_BYTES, MAX_QUESTION_BYTES, Duration::ZERO, ("200", 0, [0, 0])),
            (30, 10, second, ("200", 3, [0, 0])),
            // A byte now and then buys nothing.
            (30, 1, second, ("408", 4, [1, 0])),
            (30, 30, second * 3600, ("408", 4, [1, 0])),
            (MAX_QUESTION_BYTES + 1, MAX_QUESTION_BYTES, Duration::ZERO, ("413", 0, [0, 1])),
        ] {
            let (status, seconds, counted) = met(length, piece, pause).await;
            assert_eq!((&*status, seconds, counted), expected, "{length} by {piece}");
        }
    }
}
