//! Certificate, key and authority of TLS, read again while the service runs: certificates are
//! renewed more often than services are started.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use tokio::time;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, RootCertStore, ServerConfig,
        crypto::aws_lc_rs::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
        server::{VerifierBuilderError, WebPkiClientVerifier},
    },
};
use tracing::{info, warn};

use crate::{config::Tls, file};

/// Between two looks at the files.
const INTERVAL: Duration = Duration::from_secs(10);
const ALPN_HTTP2: &[u8] = b"h2";

const CERTIFICATE: &str = "listen.tls.certificate";
const PRIVATE_KEY: &str = "listen.tls.private_key";
const CLIENT_CA: &str = "listen.tls.client_ca";

/// What the TLS listeners present and whom they believe.
#[derive(Debug)]
pub struct Certificates {
    files: Tls,
    /// The fingerprint of what was read at first.
    first: [u8; 32],
    current: ArcSwap<ServerConfig>,
}

/// Why the files of `listen.tls` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("{key}: cannot read {path}: {error}")]
    File { key: &'static str, path: PathBuf, error: io::Error },
    #[error("{key}: {path} does not hold it as PEM: {error}")]
    Pem { key: &'static str, path: PathBuf, error: pem::Error },
    #[error("{CERTIFICATE}: {0} holds no certificate")]
    NoCertificate(PathBuf),
    #[error("{CERTIFICATE} and {PRIVATE_KEY} do not go together: {0}")]
    Unusable(#[from] rustls::Error),
    #[error("{CLIENT_CA}: {path} is no authority: {error}")]
    Authority { path: PathBuf, error: VerifierBuilderError },
}

/// The contents of the files.
struct Contents {
    certificate: Vec<u8>,
    private_key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn read(files: &Tls) -> Result<Self, CertificateError> {
        let contents = Contents::read(files)?;
        let config = contents.server_config(files)?;
        let (files, first) = (files.clone(), contents.fingerprint());
        Ok(Self { files, first, current: ArcSwap::from_pointee(config) })
    }

    /// What connections are accepted with at the moment.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }

    /// Takes over what changes in the files. What cannot be used leaves in force what was there;
    /// files that are being replaced one after the other do not go together for a moment. Never
    /// returns.
    pub async fn keep_current(&self) {
        let mut seen = self.first;
        loop {
            match Contents::read(&self.files) {
                Ok(contents) if contents.fingerprint() == seen => {}
                Ok(contents) => {
                    seen = contents.fingerprint();
                    self.replace(&contents);
                }
                Err(error) => self.keep(&error),
            }
            time::sleep(INTERVAL).await;
        }
    }

    fn replace(&self, contents: &Contents) {
        match contents.server_config(&self.files) {
            Ok(config) => {
                self.current.store(Arc::new(config));
                info!("the certificate of listen.tls was replaced");
            }
            Err(error) => self.keep(&error),
        }
    }

    fn keep(&self, error: &CertificateError) {
        warn!(%error, "the files of listen.tls cannot be used; those read before stay in force");
    }
}

impl Contents {
    fn read(files: &Tls) -> Result<Self, CertificateError> {
        let read = |key, path: &Path| {
            file::read(path, file::MOST_OF_A_KEY).map_err(|error| CertificateError::File {
                key,
                path: path.to_owned(),
                error,
            })
        };
        Ok(Self {
            certificate: read(CERTIFICATE, &files.certificate)?,
            private_key: read(PRIVATE_KEY, &files.private_key)?,
            client_ca: files.client_ca.as_deref().map(|path| read(CLIENT_CA, path)).transpose()?,
        })
    }

    /// By which changes are seen without keeping a private key in memory once more.
    fn fingerprint(&self) -> [u8; 32] {
        let mut hash = digest::Context::new(&digest::SHA256);
        let authority = self.client_ca.as_deref().unwrap_or_default();
        for file in [&self.certificate, &self.private_key, authority] {
            hash.update(&file.len().to_be_bytes());
            hash.update(file);
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hash.finish().as_ref());
        fingerprint
    }

    fn server_config(&self, files: &Tls) -> Result<ServerConfig, CertificateError> {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match (&self.client_ca, &files.client_ca) {
            (Some(pem), Some(path)) => {
                let roots = Arc::new(authorities(pem, path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider)
                    .build()
                    .map_err(|error| CertificateError::Authority { path: path.clone(), error })?;
                builder.with_client_cert_verifier(verifier)
            }
            _ => builder.with_no_client_auth(),
        };
        let chain = certificates(&self.certificate, CERTIFICATE, &files.certificate)?;
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate(files.certificate.clone()));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.private_key)
            .map_err(pem_error(PRIVATE_KEY, &files.private_key))?;
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols.push(ALPN_HTTP2.to_vec());
        Ok(config)
    }
}

fn authorities(pem: &[u8], path: &Path) -> Result<RootCertStore, CertificateError> {
    let mut roots = RootCertStore::empty();
    // Those that are none are left out; without any, the verifier refuses to be made.
    roots.add_parsable_certificates(certificates(pem, CLIENT_CA, path)?);
    Ok(roots)
}

fn certificates(
    pem: &[u8],
    key: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(pem_error(key, path))
}

fn pem_error(key: &'static str, path: &Path) -> impl Fn(pem::Error) -> CertificateError {
    move |error| CertificateError::Pem { key, path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{KeyPair, generate_simple_self_signed};

    use super::*;

    fn files(folder: &Path) -> Tls {
        let files = Tls {
            certificate: folder.join("certificate.pem"),
            private_key: folder.join("key.pem"),
            client_ca: Some(folder.join("ca.pem")),
        };
        let issued = generate_simple_self_signed(["portvakt.test".to_owned()]).unwrap();
        fs::write(&files.certificate, issued.cert.pem()).unwrap();
        fs::write(&files.private_key, issued.signing_key.serialize_pem()).unwrap();
        fs::write(folder.join("ca.pem"), issued.cert.pem()).unwrap();
        files
    }

    #[test]
    fn every_fault_names_the_key_to_change() {
        let another_key = KeyPair::generate().unwrap().serialize_pem();
        for (file, content, expected) in [
            ("certificate.pem", None, "listen.tls.certificate: cannot read"),
            ("certificate.pem", Some(""), "listen.tls.certificate: "),
            ("key.pem", None, "listen.tls.private_key: cannot read"),
            ("key.pem", Some("no key"), "listen.tls.private_key: "),
            (
                "key.pem",
                Some(&*another_key),
                "listen.tls.certificate and listen.tls.private_key do not go together: ",
            ),
            ("ca.pem", None, "listen.tls.client_ca: cannot read"),
            ("ca.pem", Some("no authority"), "listen.tls.client_ca: "),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let tls = files(folder.path());
            Certificates::read(&tls).unwrap();
            let path = folder.path().join(file);
            match content {
                Some(content) => fs::write(path, content).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let error = Certificates::read(&tls).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn new_files_are_taken_over_and_broken_ones_leave_the_old_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let tls = files(folder.path());
        let certificates = Arc::new(Certificates::read(&tls).unwrap());
        let looking = tokio::spawn({
            let certificates = Arc::clone(&certificates);
            async move { certificates.keep_current().await }
        });
        let a_look = || time::sleep(INTERVAL + INTERVAL / 2);
        let first = certificates.current.load_full();
        a_look().await;
        assert!(Arc::ptr_eq(&first, &certificates.current.load()), "nothing changed");
        fs::write(&tls.private_key, "half of a k").unwrap();
        a_look().await;
        assert!(Arc::ptr_eq(&first, &certificates.current.load()));
        files(folder.path());
        a_look().await;
        assert!(!Arc::ptr_eq(&first, &certificates.current.load()));
        looking.abort();
    }
}
