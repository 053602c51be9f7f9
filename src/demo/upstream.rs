//! A sample upstream that shows what reached it.

use std::{io, net::SocketAddr};

use axum::{
    Json, Router,
    http::{HeaderMap, Method, Uri},
};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// Starts to serve; ends with the process.
pub async fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(show)).await });
    Ok(address)
}

async fn show(method: Method, uri: Uri, headers: HeaderMap) -> Json<Value> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let shown: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "authorization" => (name.to_string(), "(not shown)".into()),
            _ => (name.to_string(), text(value.as_bytes()).into()),
        })
        .collect();
    Json(
        json!({"upstream": "orders-api", "method": method.as_str(), "path": uri.path(), "headers": shown}),
    )
}
