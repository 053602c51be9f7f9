//! Checks by gRPC, as Envoy asks.

use envoy_types::pb::{
    envoy::service::auth::v3::{
        AttributeContext, CheckRequest, CheckResponse,
        attribute_context::{HttpRequest, Request},
    },
    google::protobuf::value::Kind,
};

/// What Envoy asks about a GET request with a bearer token.
pub fn check(host: &str, token: &str) -> CheckRequest {
    let headers = [
        (":authority", host),
        (":method", "GET"),
        (":path", "/"),
        ("authorization", &format!("Bearer {token}")),
    ];
    let http = HttpRequest {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        host: host.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..HttpRequest::default()
    };
    let request = Request { http: Some(http), ..Request::default() };
    let attributes = AttributeContext { request: Some(request), ..AttributeContext::default() };
    CheckRequest { attributes: Some(attributes) }
}

/// The reason of a decision, as the dynamic metadata tells it.
pub fn reason(response: &CheckResponse) -> &str {
    let field = response.dynamic_metadata.as_ref().and_then(|facts| facts.fields.get("reason"));
    match field.and_then(|value| value.kind.as_ref()) {
        Some(Kind::StringValue(reason)) => reason,
        _ => "",
    }
}
