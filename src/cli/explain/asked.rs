//! The request that is explained, as it is described on the command line.

use clap::{Args, ValueEnum};

use crate::{
    config::{AskedBy, Config},
    request::{Authorization, Request},
    suggest,
    target::Index,
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Request")]
pub struct Asked {
    /// The application that is asked for, as a context extension names it.
    #[arg(long, value_name = "CLUSTER:NAMESPACE:APPLICATION", conflicts_with = "decisions")]
    application: Option<String>,
    /// The Host header.
    #[arg(long, value_name = "HOST", conflicts_with = "decisions")]
    host: Option<String>,
    /// The principal of the workload that is asked: spiffe://<trust domain>/ns/<namespace>/sa/<name>.
    #[arg(long, value_name = "SPIFFE_ID", conflicts_with = "decisions")]
    destination_principal: Option<String>,
    /// What kind of proxy asks [default: that of the configuration's listeners].
    #[arg(long, value_enum, value_name = "KIND", conflicts_with = "decisions")]
    asked_by: Option<Kind>,
    /// The request's method.
    #[arg(long, default_value = "GET", conflicts_with = "decisions")]
    method: String,
    /// The request's path, with its query.
    #[arg(long, default_value = "/", conflicts_with = "decisions")]
    path: String,
    /// The principal of the workload that presents the token.
    #[arg(long, value_name = "SPIFFE_ID", conflicts_with = "decisions")]
    source_principal: Option<String>,
    /// That the request has the headers of a CORS preflight (with --method OPTIONS).
    #[arg(long, conflicts_with = "decisions")]
    preflight: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Any,
    Workloads,
    Gateways,
}

impl From<Kind> for AskedBy {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Any => Self::Any,
            Kind::Workloads => Self::Workloads,
            Kind::Gateways => Self::Gateways,
        }
    }
}

/// The request is not described well enough.
#[derive(Debug, thiserror::Error)]
pub enum Incomplete {
    #[error("whom does the request ask? State --application, --host or --destination-principal")]
    NoTarget,
    #[error(
        "the configuration has listeners for several kinds of proxies, and they may find different applications: state --asked-by"
    )]
    AskedBy,
}

impl Asked {
    /// The request, with this Authorization header.
    ///
    /// # Errors
    /// [`Incomplete`] where it could be for several applications or none.
    pub fn request<'a>(
        &'a self,
        authorization: Option<&'a str>,
        config: &Config,
    ) -> Result<Request<'a>, Incomplete> {
        let Self { application, host, destination_principal, .. } = self;
        let is_named = application.is_some() || host.is_some() || destination_principal.is_some();
        if !is_named && config.target.default_application.is_none() {
            return Err(Incomplete::NoTarget);
        }
        let text = |option: &'a Option<String>| option.as_deref().unwrap_or_default();
        Ok(Request {
            asked_by: self.asked_by(config)?,
            context_application: application.as_deref(),
            destination_principal: text(destination_principal),
            source_principal: text(&self.source_principal),
            host: text(host),
            method: &self.method,
            path: &self.path,
            authorization: authorization.map_or(Authorization::Absent, Authorization::Value),
            has_preflight_headers: self.preflight,
            ..Request::default()
        })
    }

    /// What to say where no document describes the application that is named, but one of nearly
    /// that name.
    pub fn note_on_the_name(&self, index: &Index) -> Option<String> {
        let named = self.application.as_deref()?;
        let known: Vec<_> = index.applications().iter().map(|found| found.id.to_string()).collect();
        let known: Vec<_> = known.iter().map(String::as_str).collect();
        if known.contains(&named) {
            return None;
        }
        let in_its_cluster = |id: &str| id.split_once(':').map(|(_, name)| name.to_owned());
        match known.iter().find(|known| in_its_cluster(known) == in_its_cluster(named)) {
            Some(known) => Some(format!(
                "The documents given are those of {known}: their cluster is stated by the configuration, or else by --cluster."
            )),
            None => suggest::closest(named, known).map(|known| format!("Is {known} meant?")),
        }
    }

    /// As stated, or else as all listeners of the configuration have it. Where the application is
    /// named, it does not matter.
    fn asked_by(&self, config: &Config) -> Result<AskedBy, Incomplete> {
        if let Some(kind) = self.asked_by {
            return Ok(kind.into());
        }
        let mut kinds = config.listen.ext_authz.iter().map(|listener| listener.trust.asked_by);
        let first = kinds.next().unwrap_or_default();
        match kinds.all(|kind| kind == first) || self.application.is_some() {
            true => Ok(first),
            false => Err(Incomplete::AskedBy),
        }
    }
}
