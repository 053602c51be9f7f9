//! Why the API server could not be asked.

use std::error::Error;

use kube::{client::AuthError, runtime::watcher};

use super::bounds::TooLarge;

macro_rules! failures {
    ($($(#[doc = $doc:literal])+ $variant:ident => $word:literal,)+) => {
        /// The closed set of failures. The words are stable: the metric and its alert have them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Failure { $($(#[doc = $doc])+ $variant,)+ }

        impl Failure {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

failures! {
    /// No connection, none that can be trusted, or one that broke off.
    Unreachable => "unreachable",
    /// Our own credentials cannot be had, for instance of a plugin.
    Credentials => "credentials",
    /// 401: it does not know who asks.
    Unauthorized => "unauthorized",
    /// 403: a role is missing.
    Forbidden => "forbidden",
    /// 404: there is no such resource.
    Missing => "missing",
    /// 410: it no longer has what comes next, an everyday matter: everything is to be listed.
    Expired => "expired",
    /// Any other status.
    Refused => "refused",
    /// What it says is not what API servers say.
    Unreadable => "unreadable",
    /// It says more than is read.
    TooLarge => "too_large",
}

impl Failure {
    pub fn of(error: &watcher::Error) -> Self {
        if let Some(status) = status(error) {
            return match status {
                401 => Self::Unauthorized,
                403 => Self::Forbidden,
                404 => Self::Missing,
                410 => Self::Expired,
                _ => Self::Refused,
            };
        }
        if cause::<TooLarge>(error).is_some() {
            Self::TooLarge
        } else if credentials(error).is_some() {
            Self::Credentials
        } else if is_unreadable(error) {
            Self::Unreadable
        } else {
            Self::Unreachable
        }
    }
}

/// What is wrong with our own credentials, where that is what is wrong.
pub fn credentials(error: &watcher::Error) -> Option<&AuthError> {
    cause(error)
}

/// The status that the API server answered with.
fn status(error: &watcher::Error) -> Option<u16> {
    use watcher::Error::WatchError;
    match (error, of_client(error)) {
        (WatchError(status), _) | (_, Some(kube::Error::Api(status))) => Some(status.code),
        _ => None,
    }
}

fn is_unreadable(error: &watcher::Error) -> bool {
    use kube::Error::{FromUtf8, SerdeError};
    matches!(error, watcher::Error::NoResourceVersion)
        || matches!(of_client(error), Some(FromUtf8(_) | SerdeError(_)))
}

fn of_client(error: &watcher::Error) -> Option<&kube::Error> {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => Some(error),
        _ => None,
    }
}

/// The first error of this type among those that led to one.
fn cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    error.downcast_ref().or_else(|| cause(error.source()?))
}
