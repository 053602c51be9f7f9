//! Callers that speak gRPC get a gRPC status, and upstreams that do get the headers.

use serde_json::json;
use tonic::{Code, Request, Status, transport::Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::support::{
    Release, Token, World,
    documents::{FOREIGN, HOME, NEWSLETTER, WEBSHOP},
    wait::PATIENCE,
};

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_speak_grpc_get_a_grpc_status() {
    for release in [Release::Current, Release::Older] {
        let world = World::with(release, json!({}), |envoy| envoy).await;
        let bearer =
            |tenant, token: &Token| format!("Bearer {}", world.issuer.issue(tenant, token));
        let granted = bearer(HOME, &Token::of_user(WEBSHOP));
        let stranger = bearer(HOME, &Token::of_application(NEWSLETTER));
        let foreign = bearer(FOREIGN, &Token::of_application(WEBSHOP));
        for (host, credentials, code, reason) in [
            ("orders.test", None, Code::Unauthenticated, "token_missing"),
            ("orders.test", Some("Bearer a b"), Code::Internal, "credentials_malformed"),
            ("orders.test", Some("Bearer a.b.c"), Code::Unauthenticated, "token_malformed"),
            ("orders.test", Some(&stranger), Code::PermissionDenied, "consumer_not_granted"),
            ("nobody.test", Some(&granted), Code::PermissionDenied, "application_unknown"),
            ("pension.test", Some(&foreign), Code::Unavailable, "keys_unavailable"),
        ] {
            let status = call(&world, host, credentials).await.unwrap_err();
            assert_eq!(status.code(), code, "{release:?} {reason}: {status:?}");
            assert!(status.message().starts_with(&format!("{reason}: ")), "{status:?}");
        }
        assert_eq!(world.upstream.requests(), 0);

        call(&world, "orders.test", Some(&granted)).await.unwrap();
        let received = world.upstream.last_grpc_request();
        assert_eq!(received.get("x-caller-kind").unwrap(), "user");
        assert_eq!(received.get("x-caller-name").unwrap(), "Bj%C3%B8rn S%C3%B8rensen");
        assert!(received.get("x-caller-roles").is_none());
    }
}

/// The health service stands for any other.
async fn call(world: &World, host: &str, credentials: Option<&str>) -> Result<(), Status> {
    let endpoint = Endpoint::from_shared(format!("http://{}", world.envoy.address)).unwrap();
    let endpoint = endpoint.timeout(PATIENCE).origin(format!("http://{host}").parse().unwrap());
    let mut client = HealthClient::new(endpoint.connect().await.unwrap());
    let mut request = Request::new(HealthCheckRequest::default());
    request.metadata_mut().insert("x-caller-roles", "admin".parse().unwrap());
    if let Some(credentials) = credentials {
        request.metadata_mut().insert("authorization", credentials.parse().unwrap());
    }
    client.check(request).await.map(|_| ())
}
