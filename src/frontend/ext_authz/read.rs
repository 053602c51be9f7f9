//! From Envoy's message to the domain's request, without copying.

use tokio::time::Instant;

use super::{
    forwarded::client_uri,
    wire::{Fields, MAP_KEY, MAP_VALUE, Malformed},
};
use crate::{
    config::Trust,
    proto::{
        attribute_context, check_request, header_map, header_value, http_request, peer,
        request as proto_request,
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
    /// The header of this name that came last, as received.
    forwarded_client_cert: &'a [u8],
}

impl<'a> Check<'a> {
    /// Reads a `CheckRequest`. What it lacks stays empty.
    ///
    /// # Errors
    /// [`Malformed`] where any part of the message that matters cannot be read; nothing is known
    /// then.
    pub fn read(
        message: &'a [u8],
        trust: impl Into<Trust>,
        deadline: Option<Instant>,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<Self, Malformed> {
        let Trust { asked_by, forwarded_client_cert } = trust.into();
        let request = Request { asked_by, deadline, ..Request::default() };
        let mut check = Self { request, ..Self::default() };
        for field in Fields::of(message) {
            if let (check_request::ATTRIBUTES, attributes) = field? {
                check.read_attributes(attributes, &is_ours)?;
            }
        }
        if forwarded_client_cert {
            check.request.forwarded_client = client_uri(check.forwarded_client_cert)?;
        }
        Ok(check)
    }

    fn read_attributes(
        &mut self,
        attributes: &'a [u8],
        is_ours: &impl Fn(&str) -> bool,
    ) -> Result<(), Malformed> {
        for field in Fields::of(attributes) {
            match field? {
                (attribute_context::SOURCE, source) => {
                    self.request.source_principal = principal(source)?;
                }
                (attribute_context::DESTINATION, destination) => {
                    self.request.destination_principal = principal(destination)?;
                }
                (attribute_context::REQUEST, request) => {
                    for field in Fields::of(request) {
                        if let (proto_request::HTTP, http) = field? {
                            self.read_http(http, is_ours)?;
                        }
                    }
                }
                (attribute_context::CONTEXT_EXTENSIONS, entry) => {
                    let (key, value) = pair(entry, MAP_KEY, MAP_VALUE)?;
                    if key == CONTEXT_EXTENSION.as_bytes() {
                        self.request.context_application = Some(text(value)?);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_http(
        &mut self,
        http: &'a [u8],
        is_ours: &impl Fn(&str) -> bool,
    ) -> Result<(), Malformed> {
        let mut preflight = Preflight::default();
        for field in Fields::of(http) {
            match field? {
                (http_request::METHOD, method) => self.request.method = text(method)?,
                (http_request::PATH, path) => self.request.path = text(path)?,
                (http_request::HOST, host) => self.request.host = text(host)?,
                (http_request::HEADERS, entry) => {
                    let (name, value) = pair(entry, MAP_KEY, MAP_VALUE)?;
                    self.read_header(name, value, &mut preflight, is_ours)?;
                }
                (http_request::HEADER_MAP, map) => {
                    for field in Fields::of(map) {
                        if let (header_map::HEADERS, header) = field? {
                            let (name, value) = listed(header)?;
                            self.read_header(name, value, &mut preflight, is_ours)?;
                        }
                    }
                }
                _ => {}
            }
        }
        self.request.has_preflight_headers = preflight.origin && preflight.requested_method;
        Ok(())
    }

    fn read_header(
        &mut self,
        name: &'a [u8],
        value: &'a [u8],
        preflight: &mut Preflight,
        is_ours: &impl Fn(&str) -> bool,
    ) -> Result<(), Malformed> {
        let value_text = || std::str::from_utf8(value).ok();
        match name {
            b"authorization" => {
                self.request.authorization = joined(self.request.authorization, value_text());
            }
            b"content-type" => self.is_grpc = value_text().is_some_and(is_grpc_type),
            b"traceparent" => self.traceparent = value_text(),
            b"x-forwarded-client-cert" => self.forwarded_client_cert = value,
            b"origin" => preflight.origin = true,
            b"access-control-request-method" => preflight.requested_method = true,
            _ => {
                let name = text(name)?;
                if is_ours(name) {
                    self.impostors.push(name);
                }
            }
        }
        Ok(())
    }
}

/// The headers of a CORS preflight that were met.
#[derive(Debug, Default)]
struct Preflight {
    origin: bool,
    requested_method: bool,
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

fn principal(message: &[u8]) -> Result<&str, Malformed> {
    let mut principal = "";
    for field in Fields::of(message) {
        if let (peer::PRINCIPAL, value) = field? {
            principal = text(value)?;
        }
    }
    Ok(principal)
}

/// Two fields of a message, each empty where it is absent.
fn pair(message: &[u8], first: u32, second: u32) -> Result<(&[u8], &[u8]), Malformed> {
    let mut pair: (&[u8], &[u8]) = Default::default();
    for field in Fields::of(message) {
        match field? {
            (number, value) if number == first => pair.0 = value,
            (number, value) if number == second => pair.1 = value,
            _ => {}
        }
    }
    Ok(pair)
}

/// A header in the form of `encode_raw_headers`.
fn listed(message: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (name, value) = pair(message, header_value::KEY, header_value::VALUE)?;
    let (_, raw_value) = pair(message, header_value::KEY, header_value::RAW_VALUE)?;
    Ok((name, if raw_value.is_empty() { value } else { raw_value }))
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
    use envoy_types::pb::envoy::{
        config::core::v3::{HeaderMap, HeaderValue},
        service::auth::v3::{
            AttributeContext, CheckRequest,
            attribute_context::{self, HttpRequest, Peer},
        },
    };
    use prost::Message;

    use super::*;
    use crate::config::AskedBy;

    fn peer(principal: &str) -> Option<Peer> {
        let service = "a name that the caller chose".to_owned();
        Some(Peer { principal: principal.into(), service, ..Peer::default() })
    }

    /// What Envoy's own types encode.
    fn message(http: HttpRequest) -> Vec<u8> {
        let request =
            attribute_context::Request { http: Some(http), time: Some(Default::default()) };
        let extension = (CONTEXT_EXTENSION.to_owned(), "a:b:c".to_owned());
        let other = ("portvakt".to_owned(), "other".to_owned());
        let attributes = AttributeContext {
            source: peer("source"),
            destination: peer("destination"),
            request: Some(request),
            context_extensions: [extension, other].into(),
            ..AttributeContext::default()
        };
        CheckRequest { attributes: Some(attributes) }.encode_to_vec()
    }

    fn read(message: &[u8]) -> Check<'_> {
        Check::read(message, AskedBy::Any, None, |_| false).unwrap()
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
        let check = Check::read(&message, AskedBy::Gateways, None, |_| false).unwrap();
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
    fn a_forwarded_client_counts_where_the_proxy_is_believed() {
        const FORWARDED: (&str, &str) = ("x-forwarded-client-cert", "URI=told,By=a;URI=seen");
        let listed = listed(&[(FORWARDED.0, b"URI=told"), (FORWARDED.0, b"By=a;URI=seen")]);
        for http in [mapped(&[FORWARDED]), listed] {
            let message = message(http);
            for (forwarded_client_cert, expected) in [(true, "seen"), (false, "")] {
                let trust = Trust { forwarded_client_cert, ..Trust::default() };
                let check = Check::read(&message, trust, None, |_| false).unwrap();
                assert_eq!(check.request.forwarded_client, expected);
            }
        }
    }

    #[test]
    fn a_forwarded_client_that_cannot_be_read_is_nobody_to_decide_for() {
        for header in [&b"URI=told;Subject=\"a,By=a;URI=seen"[..], b"URI=\xff"] {
            let message = message(listed(&[("x-forwarded-client-cert", header)]));
            for forwarded_client_cert in [true, false] {
                let trust = Trust { forwarded_client_cert, ..Trust::default() };
                let check = Check::read(&message, trust, None, |_| false);
                assert_eq!(check.is_err(), forwarded_client_cert);
            }
        }
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
            assert_eq!(read(&message(http)).request.authorization, expected);
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
            assert_eq!(read(&message).request.has_preflight_headers, expected);
        }
    }

    #[test]
    fn names_that_are_ours_are_noted() {
        let message = message(mapped(&[("x_caller_kind", "spoofed"), ("accept", "*/*")]));
        let is_ours = |name: &str| name.starts_with("x_caller");
        let check = Check::read(&message, AskedBy::Any, None, is_ours).unwrap();
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
        let check = read(&[]);
        assert_eq!(check.request.authorization, Authorization::Absent);
        assert_eq!((check.request.host, check.request.path), ("", ""));
    }

    #[test]
    fn a_message_that_is_cut_off_anywhere_is_malformed_or_tells_less() {
        let http = HttpRequest { host: "h".into(), ..mapped(&[("authorization", "Bearer x")]) };
        let whole = message(http);
        for end in 1..whole.len() {
            assert!(Check::read(&whole[..end], AskedBy::Any, None, |_| false).is_err(), "{end}");
        }
    }

    #[test]
    fn a_text_that_is_none_makes_the_message_malformed() {
        let mut message = message(HttpRequest { path: "/path".into(), ..HttpRequest::default() });
        let place = message.windows(5).position(|window| window == b"/path").unwrap();
        message[place] = 0xff;
        assert_eq!(Check::read(&message, AskedBy::Any, None, |_| false).err(), Some(Malformed));
    }
}
