//! Who may ask the console: a browser whose user means it, and no page of anybody else.
//!
//! A page of another site can have a browser send requests to loopback, and by rebinding its own
//! name to this address even read the answers. The name in `Host` gives the latter away, `Origin`
//! and Fetch Metadata the former.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Uri,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    target::normalise_host,
    telemetry::{ConsoleRefusal as Refusal, Metrics},
};

/// Nothing but what the console itself serves, in no frame, and no form that is sent without it.
const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// On every answer, refusals included.
const HEADERS: [(HeaderName, &str); 9] = [
    (CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=()",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// By which names one connection may be used.
#[derive(Debug, Clone)]
pub struct Guard {
    hosts: Arc<[String]>,
    /// The address that it came in at.
    here: Option<IpAddr>,
    /// Where refusals are counted.
    metrics: Arc<Metrics>,
}

impl Guard {
    /// `hosts` are in lower case and without ports.
    pub fn new(hosts: Arc<[String]>, here: Option<IpAddr>, metrics: Arc<Metrics>) -> Self {
        Self { hosts, here, metrics }
    }

    fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = single(headers, &HOST).ok_or(Refusal::Host)?;
        // A whole address names its host itself, and counts before `Host` (RFC 9112, section 3.2.2).
        let is_addressed = uri.authority().is_none_or(|named| self.is_ours(named.as_str()));
        if !self.is_ours(host) || !is_addressed {
            return Err(Refusal::Host);
        }
        let is_foreign = |site: &str| matches!(site, "cross-site" | "same-site");
        let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        let is_navigation = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
        let only_reads = matches!(*method, Method::GET | Method::HEAD);
        match (only_reads, site) {
            // A link on somebody's page may lead here; what it opens, that page cannot read.
            (true, Some(site)) if is_foreign(site) && !is_navigation => Err(Refusal::Origin),
            (true, _) => Ok(()),
            (false, Some(site)) if site != "same-origin" => Err(Refusal::Origin),
            (false, _) if !is_same_origin(headers, host) => Err(Refusal::Origin),
            (false, _) => Ok(()),
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let Some(name) = normalise_host(host) else { return false };
        let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
        match address {
            Some(address) => address.is_loopback() || Some(address) == self.here,
            None => name == "localhost" || self.hosts.contains(&name),
        }
    }
}

/// Whether `Origin` is the page that the browser found at `host`.
fn is_same_origin(headers: &HeaderMap, host: &str) -> bool {
    let Some(origin) = single(headers, &ORIGIN) else { return false };
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// A header that stands there once and is text.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Lets a request through or refuses it; every answer forbids browsers what the pages do not need.
pub async fn admit(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = match guard.check(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    if let Some(refusal) = response.extensions().get() {
        guard.metrics.console.refused(*refusal);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let hosts = ["portvakt.example.com".to_owned()].into();
        Guard::new(hosts, Some([10, 0, 0, 7].into()), Arc::new(Metrics::new()))
    }

    fn check(method: Method, headers: &[(&'static str, &str)]) -> Result<(), Refusal> {
        check_address(method, "/", headers)
    }

    fn check_address(
        method: Method,
        address: &'static str,
        headers: &[(&'static str, &str)],
    ) -> Result<(), Refusal> {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| {
            map.append(name, value);
        });
        guard().check(&method, &Uri::from_static(address), &map)
    }

    #[test]
    fn only_names_that_nobody_else_can_have_are_answered() {
        for (host, expected) in [
            ("localhost:9091", Ok(())),
            ("LOCALHOST", Ok(())),
            ("127.0.0.1:8080", Ok(())),
            ("127.9.9.9", Ok(())),
            ("[::1]:9091", Ok(())),
            ("10.0.0.7:9091", Ok(())),
            ("Portvakt.example.com", Ok(())),
            ("portvakt.example.com:443", Ok(())),
            ("10.0.0.8:9091", Err(Refusal::Host)),
            ("evil.example", Err(Refusal::Host)),
            ("localhost.evil.example", Err(Refusal::Host)),
            ("evil.localhost", Err(Refusal::Host)),
            ("127.0.0.1.evil.example", Err(Refusal::Host)),
            ("localhost:x", Err(Refusal::Host)),
            ("", Err(Refusal::Host)),
        ] {
            assert_eq!(check(Method::GET, &[("host", host)]), expected, "{host}");
        }
        assert_eq!(check(Method::GET, &[]), Err(Refusal::Host));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(check(Method::GET, &twice), Err(Refusal::Host));
        for (address, expected) in [
            ("http://localhost:9091/", Ok(())),
            ("http://evil.example/", Err(Refusal::Host)),
            ("http://localhost@evil.example/", Err(Refusal::Host)),
        ] {
            assert_eq!(check_address(Method::GET, address, &twice[..1]), expected, "{address}");
        }
    }

    #[test]
    fn only_pages_of_the_console_ask_and_anybody_may_link_to_it() {
        const HERE: (&str, &str) = ("host", "localhost:9091");
        let site = |value| ("sec-fetch-site", value);
        let origin = |value| ("origin", value);
        for (method, headers, expected) in [
            (Method::GET, vec![], Ok(())),
            (Method::GET, vec![site("none")], Ok(())),
            (Method::HEAD, vec![site("same-origin")], Ok(())),
            (Method::GET, vec![site("cross-site")], Err(Refusal::Origin)),
            (Method::GET, vec![site("same-site")], Err(Refusal::Origin)),
            (Method::GET, vec![site("cross-site"), ("sec-fetch-mode", "navigate")], Ok(())),
            (Method::POST, vec![], Err(Refusal::Origin)),
            (Method::POST, vec![origin("http://localhost:9091")], Ok(())),
            (Method::POST, vec![origin("https://localhost:9091"), site("same-origin")], Ok(())),
            (Method::POST, vec![origin("http://localhost:9092")], Err(Refusal::Origin)),
            (Method::POST, vec![origin("http://localhost")], Err(Refusal::Origin)),
            (Method::POST, vec![origin("http://evil.example")], Err(Refusal::Origin)),
            (Method::POST, vec![origin("null")], Err(Refusal::Origin)),
            (
                Method::POST,
                vec![origin("http://localhost:9091"), site("cross-site")],
                Err(Refusal::Origin),
            ),
        ] {
            let headers = [vec![HERE], headers].concat();
            assert_eq!(check(method, &headers), expected, "{headers:?}");
        }
    }
}
