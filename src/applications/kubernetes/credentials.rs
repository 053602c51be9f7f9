//! What is wrong with credentials, in words of our own: those of libraries quote what they could not
//! read, and that may be a secret.

use kube::{
    Error,
    client::AuthError,
    config::{KubeconfigError, LoadDataError},
};

/// What is wrong with the credentials that a kubeconfig or a service account gives.
pub fn fault(error: &AuthError) -> String {
    match error {
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => OF_HEADER.into(),
        AuthError::ReadTokenFile(error, _) => format!("its token file cannot be read: {error}"),
        AuthError::AuthExecStart(error) => format!("its plugin (exec) cannot be started: {error}"),
        AuthError::AuthExecRun { out, .. } => format!(
            "its plugin (exec or auth-provider) failed with {}; run it by hand to see why, for what \
             it prints may be secret",
            out.status
        ),
        AuthError::MissingCommand => "its plugin (exec) names no command".into(),
        AuthError::AuthExecParse(_)
        | AuthError::ExecPluginFailed
        | AuthError::ParseTokenKey(_)
        | AuthError::MalformedTokenExpirationDate(_)
        | AuthError::UnrefreshableTokenResponse => {
            "its plugin (exec or auth-provider) does not print credentials as it should".into()
        }
        AuthError::AuthExec(_) => "its plugin (auth-provider) cannot be used".into(),
        _ => "its credentials cannot be used".into(),
    }
}

/// What is wrong with a kubeconfig, as a file.
pub fn fault_of_file(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!("{} cannot be read: {error}", path.display())
        }
        KubeconfigError::Parse(error) => match error.location() {
            Some(place) => format!(
                "it is no kubeconfig; look at line {}, column {}",
                place.line(),
                place.column()
            ),
            None => "it is no kubeconfig".into(),
        },
        KubeconfigError::CurrentContextNotSet => "it has no current-context".into(),
        KubeconfigError::LoadContext(_) => "it has no context of the name current-context".into(),
        KubeconfigError::LoadClusterOfContext(_) => {
            "it has no cluster of the name that the current context gives".into()
        }
        KubeconfigError::MissingClusterUrl => "its cluster has no server".into(),
        KubeconfigError::ParseClusterUrl(_) => "its cluster's server is no URL".into(),
        KubeconfigError::ParseProxyUrl(_) => "its proxy, or that of HTTPS_PROXY, is no URL".into(),
        KubeconfigError::LoadCertificateAuthority(error) => of_data("certificate-authority", error),
        KubeconfigError::LoadClientCertificate(error) => of_data("client-certificate", error),
        KubeconfigError::LoadClientKey(error) => of_data("client-key", error),
        KubeconfigError::ParseCertificates(_) => "its certificate-authority is no PEM".into(),
        _ => "its parts do not go together".into(),
    }
}

/// What keeps a client from being made.
pub fn fault_of_client(error: &Error) -> String {
    match error {
        Error::Auth(error) => fault(error),
        Error::InferKubeconfig(error) => fault_of_file(error),
        Error::RustlsTls(_) => {
            "its certificate-authority, client-certificate or client-key cannot be used".into()
        }
        Error::HttpError(_) => OF_HEADER.into(),
        Error::ProxyProtocolUnsupported { .. } | Error::ProxyProtocolDisabled { .. } => {
            "proxies are not supported, neither by its proxy-url nor by HTTPS_PROXY".into()
        }
        _ => "no client can be made of it".into(),
    }
}

/// Of what goes into a header.
pub const OF_HEADER: &str = "its token, or another part of its user, has characters that no header may have, such as line \
     breaks";

fn of_data(key: &str, error: &LoadDataError) -> String {
    match error {
        LoadDataError::DecodeBase64(_) => format!("its {key}-data is not base64"),
        LoadDataError::ReadFile(error, _) => format!("its {key} cannot be read: {error}"),
        LoadDataError::NoBase64DataOrFile => format!("its {key} is missing"),
    }
}
