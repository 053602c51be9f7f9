//! The folder that becomes the image: nothing is missing in it, and nothing is in it besides.
//!
//! `make image-root` makes it. The program runs in it as in a container: with the folder for its
//! root and as a user who owns nothing.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use rustix::process::getuid;
use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UdpSocket},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};
use url::Url;

use crate::{
    not_checked, repository,
    support::{
        Issuer, Portvakt,
        certificates::{Authority, Identity},
        documents::{self, HOME},
        world::configuration,
    },
};

const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";
const USER: &str = "65532";
/// The issuer's name, which nothing but our own DNS server knows.
const ISSUER: &str = "issuer.test";
/// On loopback, and most likely nobody else's.
const DNS: &str = "127.0.0.153";

/// The folder, where it was made.
fn image() -> Option<PathBuf> {
    let folder = repository("target/image-root");
    if folder.is_dir() {
        return Some(folder);
    }
    not_checked("the image", "make image-root makes its folder");
    None
}

#[test]
fn the_image_holds_the_program_and_certificates_and_nothing_else() {
    let Some(image) = image() else { return };
    let mut folders = vec![image.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path.strip_prefix(&image).unwrap().to_owned()),
            }
        }
    }
    files.sort();
    assert_eq!(files, [Path::new(CERTIFICATES), Path::new("portvakt")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn portvakt_runs_in_the_image_and_reaches_an_issuer_over_tls() {
    let Some(image) = image() else { return };
    if !getuid().is_root() {
        not_checked("the image at work", "only root may change the root of a process");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    copy(&image, &root);

    // What a cluster adds: a DNS server, documents, the configuration. And an authority that
    // vouches for our issuer, among those that the image has.
    let authority = Authority::new(folder.path());
    let certificate = authority.issue("entra", "issuer", ISSUER);
    let mut certificates = fs::File::options().append(true).open(root.join(CERTIFICATES)).unwrap();
    certificates.write_all(&fs::read(authority.file()).unwrap()).unwrap();
    fs::write(root.join("etc/resolv.conf"), format!("nameserver {DNS}\n")).unwrap();
    documents::write(&root.join("applications"));
    tokio::spawn(answer_names(UdpSocket::bind((DNS, 53)).await.unwrap()));
    let issuer = Issuer::start(&[HOME]);
    let port = serve_tls(&issuer, &certificate).await;
    let keys = format!("https://{ISSUER}:{port}/{HOME}/discovery/v2.0/keys");
    let tenant = json!({"issuer": issuer.name(HOME), "jwks_uri": keys});
    let config = configuration(&issuer, json!({"entra": {"tenants": [tenant]}}));
    fs::write(root.join("portvakt.yaml"), config.to_string()).unwrap();

    let mut command = Command::new("/usr/sbin/chroot");
    command.arg(format!("--userspec={USER}:{USER}")).arg(&root);
    command.args(["/portvakt", "serve", "--config", "/portvakt.yaml"]).env_clear();
    let portvakt = Portvakt::spawn(command).await.ready().await;

    assert_eq!(portvakt.admin("/livez").await.0, 200);
    let status = fs::read_to_string(format!("/proc/{}/status", portvakt.id())).unwrap();
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    assert!(users.split_whitespace().all(|user| user == USER), "{users}");
    let keys = format!("portvakt_jwks_keys{{issuer=\"{}\"}}", issuer.name(HOME));
    assert_eq!(portvakt.metric(&keys).await, Some(1.0));
}

fn copy(from: &Path, to: &Path) {
    // It keeps who may do what with them.
    let copied = Command::new("cp").arg("--archive").args([from, to]).status().unwrap();
    assert!(copied.success());
    let open = Command::new("chmod").arg("a+rx").arg(to.parent().unwrap()).status().unwrap();
    assert!(open.success());
}

/// Speaks TLS in front of the issuer, and tells at which port.
async fn serve_tls(issuer: &Issuer, identity: &Identity) -> u16 {
    let chain = CertificateDer::pem_file_iter(&identity.certificate).unwrap();
    let chain = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&identity.private_key).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = Url::parse(&issuer.name(HOME)).unwrap().socket_addrs(|| None).unwrap()[0];
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(forward(acceptor.clone(), connection, address));
        }
    });
    port
}

/// Errors end the connection, which whoever asks will notice.
async fn forward(acceptor: TlsAcceptor, connection: TcpStream, issuer: SocketAddr) {
    if let Ok(mut connection) = acceptor.accept(connection).await
        && let Ok(mut issuer) = TcpStream::connect(issuer).await
    {
        let _ = copy_bidirectional(&mut connection, &mut issuer).await;
    }
}

/// A DNS server (RFC 1035) that knows one name: its IPv4 address is that of loopback, and it has no
/// other.
async fn answer_names(socket: UdpSocket) {
    /// A name of one label and that of the issuer's domain, as they are written in a question.
    const QUESTION: &[u8] = b"\x06issuer\x04test\x00";
    const HEADER: usize = 12;
    let mut message = [0; 512];
    while let Ok((length, client)) = socket.recv_from(&mut message).await {
        let Some(question) = message[HEADER..length].strip_prefix(QUESTION) else { continue };
        let is_address = question.starts_with(&[0, 1]);
        let mut answer = message[..HEADER + QUESTION.len() + 4].to_vec();
        // An answer without error, to one question, with one record or none.
        answer[2..HEADER].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0]);
        if is_address {
            // The name of the question; A, IN, a minute, four bytes.
            answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        socket.send_to(&answer, client).await.unwrap();
    }
}
