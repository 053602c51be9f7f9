//! What there is to explain a decision from.

use crate::{
    applications::{Application, Kind, Protection, Stated},
    authorizer::{Outcome, Settings},
    decision::{Step, Steps},
    finding::Place,
    identifiers::{ApplicationId, ClientId, TenantId},
    request::Request,
};

/// A decision, with all that it depended on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub outcome: &'a Outcome,
    pub steps: &'a Steps,
    pub request: &'a Request<'a>,
    pub settings: &'a Settings,
}

impl<'a> Situation<'a> {
    /// The application that is asked for.
    pub fn application(&self) -> Option<&'a Application> {
        self.outcome.application.as_deref()
    }

    /// Its client id and its tenant, if anybody may call it at all.
    pub fn registration(&self) -> Option<(ClientId, TenantId)> {
        match self.application()?.protection {
            Protection::Enforced { client_id, tenant, .. } => Some((client_id, tenant)),
            Protection::Disabled(_) => None,
        }
    }

    /// What a step looked at under this name, the last time that it was taken.
    pub fn input(&self, step: Step, name: &str) -> Option<&'a str> {
        let taken = self.steps.0.iter().rev().find(|taken| taken.step == step)?;
        taken.inputs.iter().find(|input| input.0 == name).map(|input| input.1.as_str())
    }

    /// The step that the decision ended with.
    pub fn last_step(&self) -> Option<Step> {
        self.steps.0.last().map(|taken| taken.step)
    }
}

/// How an application is called in a sentence: `namespace/application`.
pub fn short(id: &ApplicationId) -> String {
    format!("{}/{}", id.namespace(), id.name())
}

/// The keys of a document under which it says who gets in.
#[derive(Debug, Clone, Copy)]
pub struct Keys {
    pub rules: &'static str,
    pub groups: &'static str,
    pub everyone: &'static str,
}

impl Keys {
    /// Those of the document that states an application's policy; where none does, those of the one
    /// that would.
    pub fn of(stated: &Stated) -> Self {
        match stated.kind {
            Some(Kind::Registration) => Self {
                rules: "spec.preAuthorizedApplications",
                groups: "spec.claims.groups",
                everyone: "spec.allowAllUsers",
            },
            Some(Kind::Manifest) | None => Self {
                rules: "spec.accessPolicy.inbound.rules",
                groups: "spec.azure.application.claims.groups",
                everyone: "spec.azure.application.allowAllUsers",
            },
        }
    }
}

/// Where one rule more would go: behind the last, or into the document where there is none.
pub fn behind_the_rules(stated: &Stated) -> &Place {
    let written = stated.rules.iter().map(|rule| &rule.place);
    written.rev().find(|place| **place != stated.place).unwrap_or(&stated.place)
}

/// Where one group more would go, likewise.
pub fn behind_the_groups(stated: &Stated) -> &Place {
    stated.groups.last().map_or(&stated.place, |group| &group.place)
}
