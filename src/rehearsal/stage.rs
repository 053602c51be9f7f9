//! Cases decided, by the code that decides in production.

use std::{borrow::Cow, collections::BTreeSet};

use super::case::{Caller, Case, Name, Presenter, Who};
use crate::{
    applications::{Application, Consumer, Protection, Snapshot, Stated},
    authorizer::{Outcome, Presumed, Settings, rehearse},
    config::Config,
    decision::{AllowReason, Decision, DenyReason, Step, Steps, Taken, Verdict},
    decision_log::CallerRecord,
    finding::{Code, Finding, Place, Severity},
    identifiers::{ApplicationId, ClientId, Guid},
    policy,
    request::Request,
    suggest,
};

/// What cases are decided against.
#[derive(Debug)]
pub struct Stage<'a> {
    settings: Settings,
    role: &'a str,
    scope: &'a str,
    trust_domain: &'a str,
    snapshot: &'a Snapshot,
    /// Whom documents name, whether a client id is known for it or not.
    named: BTreeSet<&'a ApplicationId>,
}

/// A case that was decided.
#[derive(Debug)]
pub struct Rehearsed {
    pub case: Case,
    pub outcome: Outcome,
    pub steps: Steps,
}

impl<'a> Stage<'a> {
    /// A stage of a configuration and its documents.
    pub fn new(config: &'a Config, snapshot: &'a Snapshot) -> Self {
        let applications = || snapshot.applications.iter();
        let consumers = applications().flat_map(|application| consumers(&application.stated));
        Self {
            settings: Settings::of(config).with_named_targets(),
            role: &config.entra.required_role,
            scope: &config.entra.required_scope,
            trust_domain: config.target.trust_domains.first().map_or("cluster.local", |t| t),
            snapshot,
            named: applications().map(|application| &application.id).chain(consumers).collect(),
        }
    }

    /// Decides a case.
    ///
    /// # Errors
    /// A finding where it names an application that no document knows: most likely it is misspelt,
    /// and would be denied for that alone.
    pub fn rehearse(&self, case: Case) -> Result<Rehearsed, Finding> {
        let expects_unknown = case.expected.reason == Some(DenyReason::ApplicationUnknown.code());
        if self.snapshot.index.by_id(&case.target).is_none() && !expects_unknown {
            let message = format!("No document describes {}", case.target);
            let known = self.snapshot.applications.iter().map(|application| &application.id);
            return Err(misspelt(&case.target_place, message, &case.target, known));
        }
        let presumed = Presumed(match self.caller(&case)? {
            Some(caller) => caller.claims(),
            None => Err(DenyReason::TokenMissing.into()),
        });
        let principal = match &case.presented_by {
            Some(Presenter::Principal(principal)) => principal.clone(),
            Some(Presenter::WorkloadOf(id)) => {
                format!("spiffe://{}/ns/{}/sa/{}", self.trust_domain, id.namespace(), id.name())
            }
            None => String::new(),
        };
        let request = Request {
            context_application: Some(case.target.as_str()),
            source_principal: &principal,
            method: &case.method,
            path: &case.path,
            has_preflight_headers: case.preflight,
            ..Request::default()
        };
        let index = &self.snapshot.index;
        let (outcome, steps) = rehearse(&self.settings, index, &request, &presumed);
        Ok(Rehearsed { case, outcome, steps })
    }

    /// Who calls, as a token would tell; `None` without one.
    fn caller(&self, case: &Case) -> Result<Option<CallerRecord<'_>>, Finding> {
        let nobody = CallerRecord {
            kind: "application".into(),
            client_id: Guid::NIL,
            application: None,
            tenant_id: Guid::NIL,
            object_id: None,
            roles: Vec::new(),
            scopes: "".into(),
            groups: Cow::default(),
            groups_overage: false,
        };
        Ok(Some(match &case.caller {
            Caller::Anonymous => return Ok(None),
            Caller::Application { who, roles } => CallerRecord {
                client_id: self.client_id(who, case)?,
                roles: roles.as_ref().map_or_else(
                    || vec![Cow::Borrowed(self.role)],
                    |roles| roles.iter().cloned().map(Cow::Owned).collect(),
                ),
                ..nobody
            },
            Caller::User { through, scopes, groups, overage } => CallerRecord {
                kind: "user".into(),
                client_id: match through {
                    Some(who) => self.client_id(who, case)?,
                    None => self.known_client_id(&case.target, None).unwrap_or(Guid::NIL),
                },
                scopes: scopes
                    .as_ref()
                    .map_or(Cow::Borrowed(self.scope), |scopes| scopes.join(" ").into()),
                groups: groups.clone().into(),
                groups_overage: *overage,
                ..nobody
            },
        }))
    }

    fn client_id(&self, who: &Who, case: &Case) -> Result<ClientId, Finding> {
        let id = match &who.name {
            Name::ClientId(client_id) => return Ok(*client_id),
            Name::Application(id) => id,
        };
        if !self.named.contains(id) {
            let message = format!(
                "No document names {id}, so that its client id is not known. Name one that is \
                 known, or state a client id"
            );
            return Err(misspelt(&who.place, message, id, self.named.iter().copied()));
        }
        // One that nobody has a client id for has none that anything could grant.
        Ok(self.known_client_id(id, Some(&case.target)).unwrap_or(Guid::NIL))
    }

    /// The client id that an application was registered with, or, where its own documents do not
    /// tell, what a rule of the target, or else of another application, takes for it.
    fn known_client_id(
        &self,
        id: &ApplicationId,
        target: Option<&ApplicationId>,
    ) -> Option<ClientId> {
        let index = &self.snapshot.index;
        let own = index.by_id(id).and_then(|application| own_client_id(application));
        let target = target.and_then(|target| index.by_id(target));
        let stated = target.into_iter().chain(&self.snapshot.applications);
        let mut rules = stated.flat_map(|application| &application.stated.rules);
        own.or_else(|| rules.find_map(|rule| rule.client_id.filter(|_| rule.consumer.is(id))))
    }
}

fn own_client_id(application: &Application) -> Option<ClientId> {
    match application.protection {
        Protection::Enforced { client_id, .. } => Some(client_id),
        Protection::Disabled(_) => None,
    }
}

fn consumers(stated: &Stated) -> impl Iterator<Item = &ApplicationId> {
    stated.rules.iter().filter_map(|rule| match &rule.consumer {
        Consumer::Application(id) => Some(id),
        Consumer::Anyone => None,
    })
}

fn misspelt<'a>(
    place: &Place,
    message: String,
    id: &ApplicationId,
    known: impl Iterator<Item = &'a ApplicationId>,
) -> Finding {
    let meant = suggest::ending(id.as_str(), known.map(ApplicationId::as_str));
    Finding {
        place: place.clone(),
        severity: Severity::Error,
        code: Code::InvalidValue,
        message: message + &meant,
    }
}

impl Rehearsed {
    /// Whether what was expected came about.
    pub fn is_passed(&self) -> bool {
        self.case.expected.is_met_by(&self.outcome.decision)
    }

    /// Whether a step was taken and did not refuse.
    pub fn has_passed(&self, step: Step) -> bool {
        let passed = |taken: &Taken| taken.verdict == Verdict::Passed;
        self.steps.0.iter().any(|taken| taken.step == step && passed(taken))
    }

    /// What came about: decision, reason, and what decided, in one line.
    pub fn got(&self) -> String {
        let decision = &self.outcome.decision;
        let shadow = if matches!(decision, Decision::Shadow(_)) { " (shadow)" } else { "" };
        format!("{}{shadow} {}: {}", decision.verdict(), decision.code(), self.because())
    }

    /// What decided, and where it stands.
    pub fn because(&self) -> String {
        match &self.outcome.decision {
            Decision::Allow(permit) => self.granted_by(permit.reason()),
            _ => self.refused_by(),
        }
    }

    fn refused_by(&self) -> String {
        let refused = self.steps.0.iter().rev().find_map(|taken| match &taken.verdict {
            Verdict::Refused(_, detail) => Some((taken, detail)),
            Verdict::Passed => None,
        });
        let Some((taken, detail)) = refused else { return "no step decided".to_owned() };
        let inputs = taken.inputs.iter().filter(|(_, value)| !value.is_empty());
        let inputs: Vec<_> = inputs.map(|(name, value)| format!("{name} {value}")).collect();
        let looked_at = match inputs.is_empty() {
            true => String::new(),
            false => format!(" ({})", inputs.join(", ")),
        };
        format!("{detail} Decided by the step {}{looked_at}", taken.step.name())
    }

    /// The rule or the group that lets the caller in, and where it stands.
    fn granted_by(&self, reason: AllowReason) -> String {
        let application = self.outcome.application.as_deref();
        let Some(stated) = application.map(|application| &application.stated) else {
            return "no document".to_owned();
        };
        let consumer = self.outcome.consumer.as_ref();
        let rule = consumer.and_then(|consumer| stated.rule(consumer));
        let through = match rule {
            Some(rule) => format!("the rule at {}", rule.place),
            None => "the application itself".to_owned(),
        };
        let caller = self.outcome.caller.as_ref();
        let mut groups = caller.into_iter().flat_map(policy::Caller::groups);
        match reason {
            AllowReason::UnauthenticatedPath => "the path needs no token".to_owned(),
            AllowReason::CorsPreflight => "a preflight needs no token".to_owned(),
            AllowReason::ApplicationGranted => through,
            AllowReason::UserGranted => {
                match (&stated.everyone, groups.find_map(|group| stated.group(*group))) {
                    (Some(place), _) => format!("{through}, and allowAllUsers at {place}"),
                    (None, Some(place)) => format!("{through}, and the group at {place}"),
                    (None, None) => through,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
