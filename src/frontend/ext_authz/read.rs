//! From Envoy's message to the domain's request.

use tokio::time::Instant;

use crate::{
    config::AskedBy,
    proto::envoy::service::auth::v3::{
        CheckRequest,
        attribute_context::{HttpRequest, Peer},
    },
    request::{Authorization, Request},
};

/// The context extension by which a route names its application.
const CONTEXT_EXTENSION: &str = "portvakt.application";

/// What a check is about, and what answering it needs beside the decision.
#[derive(Debug, Default)]
pub struct Check<'a> {
    pub request: Request<'a>,
    /// Whether the caller speaks gRPC and will read a gRPC status.
    pub is_grpc: bool,
    /// `traceparent` (W3C Trace Context), as received.
    pub traceparent: Option<&'a str>,
    /// Headers of the request that spell a name of ours in whatever way.
    pub impostors: Vec<&'a str>,
}

impl<'a> Check<'a> {
    /// Reads a message. What it lacks stays empty.
    pub fn read(
        message: &'a CheckRequest,
        asked_by: AskedBy,
        deadline: Option<Instant>,
        is_ours: impl Fn(&str) -> bool,
    ) -> Self {
        let mut check = Self {
            request: Request { asked_by, deadline, ..Request::default() },
            ..Self::default()
        };
        let Some(attributes) = &message.attributes else { return check };
        check.request.context_application =
            attributes.context_extensions.get(CONTEXT_EXTENSION).map(String::as_str);
        check.request.destination_principal = principal(attributes.destination.as_ref());
        check.request.source_principal = principal(attributes.source.as_ref());
        if let Some(http) = attributes.request.as_ref().and_then(|request| request.http.as_ref()) {
            check.read_http(http, is_ours);
        }
        check
    }

    fn read_http(&mut self, http: &'a HttpRequest, is_ours: impl Fn(&str) -> bool) {
        self.request.method = &http.method;
        self.request.path = &http.path;
        self.request.host = &http.host;
        let (mut origin, mut requested_method) = (false, false);
        for (name, value) in headers(http) {
            match name {
                "authorization" => {
                    self.request.authorization = joined(self.request.authorization, value)
                }
                "content-type" => self.is_grpc = value.is_some_and(is_grpc_type),
                "traceparent" => self.traceparent = value,
                "origin" => origin = true,
                "access-control-request-method" => requested_method = true,
                name if is_ours(name) => self.impostors.push(name),
                _ => {}
            }
        }
        self.request.has_preflight_headers = origin && requested_method;
    }
}

fn principal(peer: Option<&Peer>) -> &str {
    peer.map_or("", |peer| &peer.principal)
}

/// The headers in whichever of the two forms Envoy is set to send; `None` for a value that is
/// not text.
fn headers(http: &HttpRequest) -> impl Iterator<Item = (&str, Option<&str>)> {
    let joined = http.headers.iter().map(|(name, value)| (name.as_str(), Some(value.as_str())));
    let listed = http.header_map.iter().flat_map(|map| &map.headers).map(|header| {
        let value = match header.raw_value.is_empty() {
            true => Some(header.value.as_str()),
            false => std::str::from_utf8(&header.raw_value).ok(),
        };
        (header.key.as_str(), value)
    });
    joined.chain(listed)
}

/// One Authorization header more.
fn joined<'a>(before: Authorization<'a>, value: Option<&'a str>) -> Authorization<'a> {
    match (before, value) {
        (Authorization::Absent, Some(value)) => Authorization::Value(value),
        _ => Authorization::Unreadable,
    }
}

/// `application/grpc`, alone or with a message format (`+proto`) or parameters; not gRPC-Web.
fn is_grpc_type(content_type: &str) -> bool {
    content_type
        .strip_prefix("application/grpc")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::envoy::{
        config::core::v3::{HeaderMap, HeaderValue},
        service::auth::v3::{AttributeContext, attribute_context},
    };

    fn message(http: HttpRequest) -> CheckRequest {
        CheckRequest {
            attributes: Some(AttributeContext {
                source: Some(Peer { principal: "source".into() }),
                destination: Some(Peer { principal: "destination".into() }),
                request: Some(attribute_context::Request { http: Some(http) }),
                context_extensions: [(CONTEXT_EXTENSION.to_owned(), "a:b:c".to_owned())].into(),
            }),
        }
    }

    fn listed(headers: &[(&str, &[u8])]) -> HttpRequest {
        let headers = headers.iter().map(|(key, value)| HeaderValue {
            key: (*key).into(),
            value: String::new(),
            raw_value: value.to_vec(),
        });
        HttpRequest {
            header_map: Some(HeaderMap { headers: headers.collect() }),
            ..HttpRequest::default()
        }
    }

    fn mapped(headers: &[(&str, &str)]) -> HttpRequest {
        let headers =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        HttpRequest { headers, ..HttpRequest::default() }
    }

    #[test]
    fn every_attribute_finds_its_place() {
        let http = HttpRequest {
            method: "GET".into(),
            path: "/a?b".into(),
            host: "api.example.com".into(),
            ..mapped(&[
                ("authorization", "Bearer x"),
                ("content-type", "application/grpc+proto"),
                ("traceparent", "t"),
            ])
        };
        let message = message(http);
        let check = Check::read(&message, AskedBy::Gateways, None, |_| false);
        let Request {
            asked_by,
            context_application,
            destination_principal,
            source_principal,
            host,
            method,
            path,
            authorization,
            ..
        } = check.request;
        assert_eq!(asked_by, AskedBy::Gateways);
        assert_eq!(context_application, Some("a:b:c"));
        assert_eq!((destination_principal, source_principal), ("destination", "source"));
        assert_eq!((host, method, path), ("api.example.com", "GET", "/a?b"));
        assert_eq!(authorization, Authorization::Value("Bearer x"));
        assert!(check.is_grpc);
        assert_eq!(check.traceparent, Some("t"));
    }

    #[test]
    fn both_forms_of_headers_are_read_alike() {
        for (http, expected) in [
            (mapped(&[]), Authorization::Absent),
            (mapped(&[("authorization", "a")]), Authorization::Value("a")),
            (listed(&[]), Authorization::Absent),
            (listed(&[("authorization", b"a")]), Authorization::Value("a")),
            (
                listed(&[("authorization", b"a"), ("authorization", b"b")]),
                Authorization::Unreadable,
            ),
            (listed(&[("authorization", b"\xff")]), Authorization::Unreadable),
            (
                listed(&[("authorization", b"\xff"), ("authorization", b"b")]),
                Authorization::Unreadable,
            ),
        ] {
            let message = message(http);
            let check = Check::read(&message, AskedBy::Any, None, |_| false);
            assert_eq!(check.request.authorization, expected);
        }
    }

    #[test]
    fn a_preflight_needs_both_headers() {
        for (headers, expected) in [
            (&[("origin", "o"), ("access-control-request-method", "PUT")][..], true),
            (&[("origin", "o")], false),
            (&[("access-control-request-method", "PUT")], false),
        ] {
            let message = message(mapped(headers));
            let check = Check::read(&message, AskedBy::Any, None, |_| false);
            assert_eq!(check.request.has_preflight_headers, expected);
        }
    }

    #[test]
    fn names_that_are_ours_are_noted() {
        let message = message(mapped(&[("x_caller_kind", "spoofed"), ("accept", "*/*")]));
        let check = Check::read(&message, AskedBy::Any, None, |name| name.starts_with("x_caller"));
        assert_eq!(check.impostors, ["x_caller_kind"]);
    }

    #[test]
    fn grpc_is_told_from_what_looks_like_it() {
        for (content_type, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            assert_eq!(is_grpc_type(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn a_message_without_anything_is_a_request_without_anything() {
        let message = CheckRequest::default();
        let check = Check::read(&message, AskedBy::Any, None, |_| true);
        assert_eq!(check.request.authorization, Authorization::Absent);
        assert_eq!(check.request.path, "");
    }
}
