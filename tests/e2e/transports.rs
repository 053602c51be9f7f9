//! The ways to ask: TLS, mutual TLS, a Unix socket, calls unlike Envoy's; and the health service.

use std::sync::Arc;

use envoy_types::pb::envoy::service::auth::v3::{
    CheckRequest, authorization_client::AuthorizationClient, check_response::HttpResponse,
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use tonic::{
    Request,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity as TonicIdentity},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::support::{
    Answer, Envoy, Issuer, Portvakt, Release, Token, Upstream,
    certificates::{Authority, Identity},
    documents::{self, FOREIGN, HOME, WEBSHOP},
    envoy, until,
    wait::until_equal,
    world::{ask, client, configuration},
};

const CHECK: &str = "envoy.service.auth.v3.Authorization";

/// Portvakt with mutual TLS on TCP, and a Unix socket beside it.
struct Transports {
    portvakt: Portvakt,
    issuer: Issuer,
    upstream: Upstream,
    authority: Authority,
    envoys: Identity,
    folder: tempfile::TempDir,
}

impl Transports {
    async fn start() -> Self {
        Self::with_tls(|tls| tls).await
    }

    /// With members of the TLS settings changed.
    async fn with_tls(change: impl FnOnce(Value) -> Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        documents::write(&folder.path().join("applications"));
        let authority = Authority::new(folder.path());
        let server = authority.issue("portvakt", "portvakt", "portvakt.test");
        let envoys = authority.issue("gateways", "envoy", "envoy.test");
        let issuer = Issuer::start(&[HOME, FOREIGN]);
        let tls = json!({
            "certificate": server.certificate, "private_key": server.private_key,
            "client_ca": authority.file(),
        });
        let listen = json!({
            "ext_authz": ["127.0.0.1:0", "unix:portvakt.sock"], "tls": change(tls),
        });
        let config = configuration(&issuer, json!({"listen": listen}));
        let portvakt = Portvakt::start(folder.path(), &config).await.ready().await;
        let upstream = Upstream::start().await;
        Self { portvakt, issuer, upstream, authority, envoys, folder }
    }

    fn config(&self, listener: usize) -> envoy::Config {
        envoy::Config::shipped(&[&self.portvakt.listeners[listener]], &self.upstream)
    }

    async fn ask(&self, config: &envoy::Config) -> Answer {
        let envoy = Envoy::start(Release::Current, self.folder.path(), config).await;
        let token = self.issuer.issue(HOME, &Token::of_application(WEBSHOP));
        ask(&client(), envoy.address, &token).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_asks_over_mutual_tls_and_over_a_unix_socket() {
    let world = Transports::start().await;
    let authority = world.authority.file();
    let with_certificate = world.config(0).asks_over_tls(Some(&world.envoys), &authority);
    world.ask(&with_certificate).await.received();
    world.ask(&world.config(1)).await.received();

    // Without a certificate, or without TLS, there is no answer: Envoy lets nothing through.
    let without_certificate = world.config(0).asks_over_tls(None, &authority);
    for config in [without_certificate, world.config(0)] {
        let answer = world.ask(&config).await;
        assert_eq!((answer.status, answer.body.as_str()), (503, ""));
    }
    assert_eq!(world.upstream.requests(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_asks_over_tls_without_a_certificate_of_its_own() {
    let world = Transports::with_tls(|mut tls| {
        tls.as_object_mut().unwrap().remove("client_ca");
        tls
    })
    .await;
    let authority = world.authority.file();
    world.ask(&world.config(0).asks_over_tls(None, &authority)).await.received();
    let answer = world.ask(&world.config(0)).await;
    assert_eq!((answer.status, answer.body.as_str()), (503, ""), "without TLS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_claims_a_compression_gets_a_denial_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    documents::write(&folder.path().join("applications"));
    let issuer = Issuer::start(&[HOME, FOREIGN]);
    let config = configuration(&issuer, json!({}));
    let portvakt = Portvakt::start(folder.path(), &config).await.ready().await;
    let endpoint = Endpoint::from_shared(format!("http://{}", portvakt.address())).unwrap();
    let mut client = AuthorizationClient::new(endpoint.connect().await.unwrap());
    let mut request = Request::new(CheckRequest::default());
    request.metadata_mut().insert("grpc-encoding", "snappy".parse().unwrap());
    let response = client.check(request).await.unwrap().into_inner();
    assert!(matches!(response.http_response, Some(HttpResponse::DeniedResponse(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_service_answers_checks_and_watches() {
    let mut world = Transports::start().await;
    let read = |path| std::fs::read(path).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read(&world.authority.file())))
        .identity(TonicIdentity::from_pem(
            read(&world.envoys.certificate),
            read(&world.envoys.private_key),
        ))
        .domain_name("portvakt.test");
    let over_tls = Endpoint::from_shared(format!("https://{}", world.portvakt.address())).unwrap();
    let over_tls = over_tls.tls_config(tls).unwrap().connect().await.unwrap();
    let over_socket = Endpoint::from_shared(world.portvakt.listeners[1].clone()).unwrap();
    let over_socket = over_socket.connect().await.unwrap();

    // It is told of readiness a moment after `/readyz`.
    until_equal(Ok(ServingStatus::Serving), async || check(&over_tls, CHECK).await).await;
    for channel in [&over_tls, &over_socket] {
        for service in ["", CHECK] {
            assert_eq!(check(channel, service).await, Ok(ServingStatus::Serving));
        }
        assert_eq!(check(channel, "another").await, Err(tonic::Code::NotFound));
    }

    let mut watch = HealthClient::new(over_tls)
        .watch(HealthCheckRequest { service: CHECK.to_owned() })
        .await
        .unwrap()
        .into_inner();
    let mut next = async || watch.message().await.unwrap().map(|answer| answer.status());
    assert_eq!(next().await, Some(ServingStatus::Serving));
    world.portvakt.signal("TERM");
    assert_eq!(next().await, Some(ServingStatus::NotServing));
    assert_eq!(check(&over_socket, "").await, Ok(ServingStatus::NotServing));
    drop(over_socket);
    assert_eq!(world.portvakt.ended().await.code(), Some(0));
    assert!(!world.folder.path().join("portvakt.sock").exists(), "the socket stays behind");
}

async fn check(channel: &Channel, service: &str) -> Result<ServingStatus, tonic::Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_presented_without_a_restart() {
    let world = Transports::start().await;
    let first = presented(&world).await;
    assert_eq!(presented(&world).await, first);
    // The authority issues another one into the same files.
    world.authority.issue("portvakt", "portvakt", "portvakt.test");
    let renewed = async || (presented(&world).await != first).then_some(());
    until("the renewed certificate", renewed).await;
    let authority = world.authority.file();
    world.ask(&world.config(0).asks_over_tls(Some(&world.envoys), &authority)).await.received();
}

/// The certificate that the TLS listener presents.
async fn presented(world: &Transports) -> Vec<u8> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(world.authority.file()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_file(&world.envoys.certificate).unwrap()],
            PrivateKeyDer::from_pem_file(&world.envoys.private_key).unwrap(),
        )
        .unwrap();
    let stream = TcpStream::connect(world.portvakt.address()).await.unwrap();
    let name = "portvakt.test".try_into().unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}
