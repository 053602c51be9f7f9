//! The checks that are measured, and what each must come to.

use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse,
    attribute_context::{HttpRequest, Request},
    authorization_client::AuthorizationClient,
};
use tonic::transport::{Channel, Endpoint};

use crate::support::{
    Issuer, Token,
    checks::reason,
    documents::{HOME, NEWSLETTER, WEBSHOP},
    token::now,
    wait::PATIENCE,
    world::HOST,
};

/// Tokens that are too many for the cache of the service, so that most are verified anew.
const RARE: usize = 400;
/// Of so many checks, one is with such a token.
const RARE_EVERY: usize = 8;
/// Of so many checks, one names a key that the issuer does not publish.
const UNKNOWN_EVERY: usize = 50;

/// One check and the decisions that are right.
#[derive(Debug, Clone)]
pub struct Case {
    pub request: CheckRequest,
    pub expected: &'static [&'static str],
    /// Whether its key is known, so that nothing needs to be waited for.
    pub is_known: bool,
}

/// Checks of many kinds: applications and users, allowed and denied, with tokens that were seen
/// before and tokens that were not.
pub struct Mixture {
    usual: Vec<Case>,
    rare: Vec<Case>,
    unknown: Case,
}

impl Mixture {
    /// With tokens of the key that the issuer signs with now.
    pub fn of(issuer: &Issuer) -> Self {
        let known = |token: Token, expected| Case {
            request: check(&issuer.issue(HOME, &token)),
            expected,
            is_known: true,
        };
        let (application, user) = (Token::of_application(WEBSHOP), Token::of_user(WEBSHOP));
        let expired = application.clone().claim("exp", now() - 100).claim("iat", now() - 200);
        let numbered = |number: usize| application.clone().claim("uti", number);
        let stranger = application.clone().header("kid", "nobody's");
        Self {
            usual: vec![
                known(application.clone(), &["application_granted"]),
                known(user, &["user_granted"]),
                known(Token::of_application(NEWSLETTER), &["consumer_not_granted"]),
                known(expired, &["token_expired"]),
            ],
            rare: (0..RARE)
                .map(|number| known(numbered(number), &["application_granted"]))
                .collect(),
            unknown: Case {
                request: check(&issuer.issue(HOME, &stranger)),
                expected: &["token_key_unknown", "deadline_exceeded"],
                is_known: false,
            },
        }
    }

    /// One after the other; they come again.
    pub fn case(&self, number: usize) -> &Case {
        if number % UNKNOWN_EVERY == UNKNOWN_EVERY - 1 {
            &self.unknown
        } else if number.is_multiple_of(RARE_EVERY) {
            &self.rare[number / RARE_EVERY % RARE]
        } else {
            &self.usual[number % self.usual.len()]
        }
    }
}

impl Case {
    /// Whether an answer is right.
    pub fn is_right(&self, response: &CheckResponse) -> bool {
        let decision = reason(response);
        let is_grant = ["application_granted", "user_granted"].contains(&decision);
        is_allowed(response) == is_grant && self.expected.contains(&decision)
    }
}

/// What Envoy asks about a GET request to orders-api.
pub fn check(token: &str) -> CheckRequest {
    let headers = [
        (":authority", HOST),
        (":method", "GET"),
        (":path", "/api/v1/orders/4711?expand=lines"),
        (":scheme", "http"),
        ("accept", "application/json"),
        ("authorization", &format!("Bearer {token}")),
        ("user-agent", "webshop/2026.11.24 (Ktor client; JVM 21)"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "5f0d8f4e-2b43-4a39-8f0e-0f6ad9e2b0a7"),
    ];
    let http = HttpRequest {
        id: "4711".to_owned(),
        method: "GET".to_owned(),
        path: "/api/v1/orders/4711?expand=lines".to_owned(),
        host: HOST.to_owned(),
        scheme: "http".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..HttpRequest::default()
    };
    let request = Request { http: Some(http), ..Request::default() };
    let attributes = AttributeContext { request: Some(request), ..AttributeContext::default() };
    CheckRequest { attributes: Some(attributes) }
}

pub fn is_allowed(response: &CheckResponse) -> bool {
    response.status.as_ref().is_some_and(|status| status.code == 0)
}

/// A client with a connection of its own.
pub async fn client(address: std::net::SocketAddr) -> AuthorizationClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().timeout(PATIENCE);
    AuthorizationClient::new(endpoint.connect().await.unwrap())
}
