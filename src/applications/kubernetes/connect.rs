//! How the API server is found, and as whom it is asked.

use std::{env, fmt, path::PathBuf, time::Duration};

use kube::{
    Config,
    client::{Body, ClientBuilder, DynBody},
    config::{ExecInteractiveMode, InClusterError, KubeConfigOptions, KubeconfigError},
};
use secrecy::ExposeSecret;
use tonic::codegen::http::{HeaderValue, Request, Response};
use tower::{BoxError, util::BoxService};

use super::credentials::{OF_HEADER, fault_of_client, fault_of_file};

/// For a connection, and between two pieces of an answer: longer than a watch says nothing.
const PATIENCE: Duration = Duration::from_secs(30);

/// An API server, and who we are to it.
#[derive(Debug)]
pub struct Access {
    config: Config,
    origin: Origin,
}

/// What tells of it.
#[derive(Debug, Clone)]
pub enum Origin {
    /// As `KUBECONFIG` names it, which may be several files.
    Kubeconfig(PathBuf),
    ServiceAccount,
}

/// The API server cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "applications.kubernetes is enabled, but no API server is known: {0}; run in a cluster \
         with a service account, or set KUBECONFIG"
    )]
    Nowhere(#[from] Box<InClusterError>),
    #[error("applications.kubernetes is enabled, but {origin} cannot be used: {fault}")]
    Unusable {
        origin: Origin,
        /// In words that hold no secret.
        fault: String,
    },
}

type Asking = BoxService<Request<Body>, Response<Box<DynBody>>, BoxError>;

impl Access {
    /// By the kubeconfig that `KUBECONFIG` names, and by no other; or else by that of the user, or
    /// by the pod's service account.
    ///
    /// # Errors
    /// [`ConnectError`] where none is there, or makes no sense.
    pub async fn find() -> Result<Self, ConnectError> {
        let named = env::var_os("KUBECONFIG").filter(|files| !files.is_empty());
        let is_named = named.is_some();
        let usual = || env::home_dir().unwrap_or_default().join(".kube/config");
        let origin = Origin::Kubeconfig(named.map_or_else(usual, PathBuf::from));
        match Config::from_kubeconfig(&KubeConfigOptions::default()).await {
            Ok(config) => Self::of(config, origin),
            Err(KubeconfigError::FindPath | KubeconfigError::ReadConfig(..)) if !is_named => {
                let config = Config::incluster().map_err(Box::new)?;
                Self::of(config, Origin::ServiceAccount)
            }
            Err(error) => Err(origin.unusable(fault_of_file(&error))),
        }
    }

    fn of(mut config: Config, origin: Origin) -> Result<Self, ConnectError> {
        config.connect_timeout = Some(PATIENCE);
        config.read_timeout = Some(PATIENCE);
        if let Some(exec) = &mut config.auth_info.exec {
            // Nobody answers its questions, and what it complains of may be secret.
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
        // The library panics at such a token.
        let token = config.auth_info.token.as_ref();
        if token.is_some_and(|token| HeaderValue::from_str(token.expose_secret()).is_err()) {
            return Err(origin.unusable(OF_HEADER.to_owned()));
        }
        Ok(Self { config, origin })
    }

    /// A client, with credentials of its own.
    ///
    /// # Errors
    /// [`ConnectError`] where credentials cannot be had.
    pub fn client(&self) -> Result<ClientBuilder<Asking>, ConnectError> {
        ClientBuilder::try_from(self.config.clone())
            .map_err(|error| self.origin.unusable(fault_of_client(&error)))
    }
}

impl Origin {
    fn unusable(&self, fault: String) -> ConnectError {
        ConnectError::Unusable { origin: self.clone(), fault }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubeconfig(files) => write!(f, "the kubeconfig {}", files.display()),
            Self::ServiceAccount => f.write_str("the pod's service account"),
        }
    }
}
