//! A request to be decided, as the domain sees it: borrowed from whatever frontend received it.

use tokio::time::Instant;

use crate::config::AskedBy;

/// What a decision depends on.
///
/// The default is a request about which nothing is known; it is denied.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// What kind of proxy asked; decides which of the following names the target.
    pub asked_by: AskedBy,
    /// `cluster:namespace:application`, from the proxy's own configuration.
    pub context_application: Option<&'a str>,
    /// Principal of the certificate that the proxy presents; empty without mutual TLS.
    pub destination_principal: &'a str,
    /// Principal of the certificate that the caller's workload presented; empty without one.
    pub source_principal: &'a str,
    /// The caller's principal as the proxy forwards it; empty unless the proxy is believed.
    pub forwarded_client: &'a str,
    /// The Host header or `:authority`: the caller's to choose.
    pub host: &'a str,
    pub method: &'a str,
    /// As received, with the query.
    pub path: &'a str,
    pub authorization: Authorization<'a>,
    /// Whether the headers are those of a CORS preflight (`Origin` and
    /// `Access-Control-Request-Method`).
    pub has_preflight_headers: bool,
    /// When the answer is of no use any more.
    pub deadline: Option<Instant>,
}

impl<'a> Request<'a> {
    /// The principal of the workload that presents the token, as mutual TLS or a proxy that is
    /// believed tells it; empty where neither does.
    pub fn presented_by(&self) -> &'a str {
        match self.source_principal {
            "" => self.forwarded_client,
            principal => principal,
        }
    }
}

/// The Authorization headers of a request.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Authorization<'a> {
    #[default]
    Absent,
    /// One header, or several that a proxy joined with commas.
    Value(&'a str),
    /// Several headers, or one that is not text.
    Unreadable,
}
