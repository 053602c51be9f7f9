//! From all that is said about one application to the application. Pure.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    Application, DisabledBecause, Protection, Stated,
    context::Context,
    directory::{Answers, Rival},
    document::{Consumer, Kind, Located, Rule, Users},
    gather::Sources,
    resolve::Rules,
    stated::StatedRule,
};
use crate::{
    config::PreAuthorized,
    finding::{Code, Finding},
    identifiers::{ApplicationId, ClientId, TenantId},
    policy::{AccessPolicy, Mode},
    usage::Usage,
    yaml::Reader,
};

/// An application, and what is wrong with it.
#[derive(Debug)]
pub struct Merged {
    pub application: Arc<Application>,
    pub findings: Vec<Finding>,
    pub rules: Rules,
}

/// Merges what is said about the application `id`, and fills in defaults. Nothing else plays a
/// part: the same sources and answers come to the same application.
pub fn merge(
    id: &ApplicationId,
    sources: &Sources,
    answers: &Answers,
    context: &Context,
) -> Merged {
    let (reader, rules, stated) =
        (Reader::default(), Rules::default(), Stated::at(sources.place()));
    Merger { id, sources, answers, context, reader, rules, stated }.application()
}

struct Merger<'a> {
    id: &'a ApplicationId,
    sources: &'a Sources,
    answers: &'a Answers,
    context: &'a Context,
    reader: Reader,
    rules: Rules,
    stated: Stated,
}

impl Merger<'_> {
    fn application(mut self) -> Merged {
        let manifest = self.sources.wanted();
        let protection = self.protection();
        let usage = match protection {
            Protection::Enforced { .. } => self.context.usage.open(self.id, &self.stated),
            // Nothing of it can be used. What was counted goes on when it is itself again.
            Protection::Disabled(_) => Usage::default(),
        };
        let application = Application {
            id: self.id.clone(),
            protection,
            hosts: self.sources.hosts().map(|host| host.value.clone()).collect(),
            open_paths: manifest.map(|manifest| manifest.open_paths.clone()).unwrap_or_default(),
            mode: self.mode(),
            stated: self.stated,
            usage,
        };
        Merged {
            application: Arc::new(application),
            findings: self.reader.into_findings(),
            rules: self.rules,
        }
    }

    /// Everything that is wrong is reported; the first reason not to let anyone in decides.
    fn protection(&mut self) -> Protection {
        let sources = self.sources;
        if sources.is_contradictory() {
            return Protection::Disabled(DisabledBecause::DuplicateDocument);
        }
        if sources.is_broken() {
            return Protection::Disabled(DisabledBecause::BrokenDocument);
        }
        if !sources.is_enabled() {
            return Protection::Disabled(DisabledBecause::EntraNotEnabled);
        }
        let client_id = self.client_id();
        let tenant = self.tenant();
        let access = self.access();
        match (client_id, tenant) {
            (Err(because), _) | (_, Err(because)) => Protection::Disabled(because),
            (Ok(client_id), Ok(tenant)) => {
                let mut access = access;
                // It is always a consumer of itself, and therefore not listed.
                access.consumers.remove(&client_id);
                let v1 = sources.wanted().map(|manifest| manifest.v1.clone()).unwrap_or_default();
                Protection::Enforced { client_id, tenant, access, v1 }
            }
        }
    }

    /// Documents that cannot be used state no mode but `enforce`: nobody opens by one what is closed.
    fn mode(&mut self) -> Mode {
        let is_usable = !self.sources.is_contradictory() && !self.sources.is_broken();
        let stated = match is_usable {
            true => self.sources.wanted().and_then(|wanted| wanted.mode),
            false => self.sources.modes().find(|mode| *mode == Mode::Enforce),
        };
        let mode = stated.unwrap_or(self.context.mode);
        if stated == Some(Mode::Shadow) {
            let message = format!(
                "{} is in shadow: whoever it refuses is let through. Remove the annotation \
                 portvakt.dev/mode to enforce.",
                self.id
            );
            self.reader.warning(&self.sources.place(), Code::InShadow, message);
        }
        mode
    }

    fn client_id(&mut self) -> Result<ClientId, DisabledBecause> {
        let (id, sources) = (self.id, self.sources);
        let Some(claim) = sources.client_id() else {
            let message = format!(
                "No client id is known for {id}: nobody gets in. Add its AzureAdApplication with \
                 status.clientId, or the annotation portvakt.dev/client-id."
            );
            self.reader.warning(&sources.place(), Code::NoClientId, message);
            return Err(DisabledBecause::NoClientId);
        };
        let Located { place, value } = &claim.client_id;
        if let Some(rival) = &self.answers.rival {
            self.reader.error(place, Code::ClientIdClaimedTwice, claimed_twice(id, *value, rival));
            return Err(DisabledBecause::ClientIdClaimedTwice);
        }
        Ok(*value)
    }

    fn tenant(&mut self) -> Result<TenantId, DisabledBecause> {
        let (id, stated) = (self.id, self.sources.tenant());
        let tenants = &self.context.tenants;
        let found = tenants.find(stated.as_ref().map(|tenant| tenant.value.as_str()));
        if let (None, Some(Located { place, value })) = (found, stated)
            && tenants.are_known()
        {
            let message = format!(
                "{id} belongs to the tenant \"{value}\", which is not configured: nobody gets in. \
                 Add it to entra.tenants."
            );
            self.reader.warning(&place, Code::UnknownTenant, message);
        }
        found.ok_or(DisabledBecause::UnknownTenant)
    }

    /// An `Application` alone says who gets in; what else is known then only tells client ids.
    fn access(&mut self) -> AccessPolicy {
        let (sources, answers) = (self.sources, self.answers);
        let assigned = first_of_each(sources.assigned());
        let mut access = AccessPolicy::default();
        let (wanted, registered) = (sources.wanted(), sources.registered());
        let kind_of_policy = wanted.map(|_| Kind::Manifest);
        self.stated.kind = kind_of_policy.or(registered.map(|_| Kind::Registration));
        let users = match (wanted, registered) {
            (Some(manifest), _) => Some(&manifest.users),
            (None, registration) => {
                let granted = assigned.iter().map(|(id, client_id)| (*client_id, (*id).clone()));
                access.consumers.extend(granted);
                registration.map(|registration| &registration.users)
            }
        };
        access.users = users.map(Users::access).unwrap_or_default();
        for (rule, known) in sources.rules().iter().zip(&answers.consumers) {
            let granted = self.grant(rule, &assigned, *known);
            let Located { place, value: consumer } = rule.clone();
            let own = known.filter(|_| consumer.is(self.id));
            let client_id = granted.as_ref().map(|(client_id, _)| *client_id).or(own);
            self.stated.rules.push(StatedRule { place, consumer, client_id });
            access.consumers.extend(granted);
        }
        self.state(users, &access);
        access
    }

    /// What is stated beside the rules: the users, and the consumers that no rule names.
    fn state(&mut self, users: Option<&Users>, access: &AccessPolicy) {
        let Stated { place, rules, everyone, groups, .. } = &mut self.stated;
        if let Some(users) = users {
            *everyone = users.everyone.as_ref().map(|everyone| everyone.place.clone());
            groups.clone_from(&users.groups);
        }
        let named: HashSet<_> = rules.iter().filter_map(|rule| rule.client_id).collect();
        let assigned = access.consumers.iter().filter(|(client_id, _)| !named.contains(client_id));
        let mut assigned: Vec<_> = assigned.collect();
        assigned.sort_by_key(|(_, id)| *id);
        rules.extend(assigned.into_iter().map(|(client_id, id)| StatedRule {
            place: place.clone(),
            consumer: Consumer::Application(id.clone()),
            client_id: Some(*client_id),
        }));
    }

    /// What a rule adds to the consumers. One that names the application itself adds nothing.
    fn grant(
        &mut self,
        rule: &Rule,
        assigned: &BTreeMap<&ApplicationId, ClientId>,
        known: Option<ClientId>,
    ) -> Option<(ClientId, ApplicationId)> {
        let consumer = match &rule.value {
            Consumer::Application(consumer) => consumer,
            Consumer::Anyone => {
                let message = "A rule with * opens the network only: it grants no token. Name \
                               each application that may call this one.";
                self.reader.warning(&rule.place, Code::WildcardRule, message);
                return None;
            }
        };
        if consumer == self.id {
            self.rules.resolved += 1;
            return None;
        }
        match assigned.get(consumer).copied().or(known) {
            Some(client_id) => {
                self.rules.resolved += 1;
                Some((client_id, consumer.clone()))
            }
            None => {
                self.rules.unresolved += 1;
                let message = format!(
                    "No client id is known for {consumer}: the rule grants nothing. Add its \
                     AzureAdApplication, or an entry in a file of applications.pre_authorized."
                );
                self.reader.warning(&rule.place, Code::UnresolvedRule, message);
                None
            }
        }
    }
}

fn claimed_twice(id: &ApplicationId, client_id: ClientId, rival: &Rival) -> String {
    let Rival { id: rival, is_better } = rival;
    match is_better {
        true => format!(
            "{id} annotates the client id {client_id}, which {rival} was registered with: {id} \
             lets nobody in. A client id belongs to one application."
        ),
        false => format!(
            "Both {id} and {rival} claim the client id {client_id}: neither lets anyone in. A \
             client id belongs to one application."
        ),
    }
}

/// In the order of their names, so that of two with one client id the same one is always named.
fn first_of_each<'a>(
    assigned: impl Iterator<Item = &'a PreAuthorized>,
) -> BTreeMap<&'a ApplicationId, ClientId> {
    let mut first = BTreeMap::new();
    for PreAuthorized { id, client_id } in assigned {
        first.entry(id).or_insert(*client_id);
    }
    first
}
