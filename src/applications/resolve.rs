//! From documents to applications: merged, defaulted and resolved. Pure.

use std::collections::{BTreeMap, HashMap};

use super::{
    Application, DisabledBecause, Protection,
    context::Context,
    document::{Consumer, Document, Located, Rule},
    gather::{Directory, Sources, gather},
};
use crate::{
    config::{EnvironmentApplication, PreAuthorized},
    finding::{Code, Finding},
    identifiers::{ApplicationId, ClientId, TenantId},
    policy::{AccessPolicy, UserAccess},
    yaml::Reader,
};

/// All applications, and what is wrong with them taken together.
#[derive(Debug, Default)]
pub struct Resolved {
    pub applications: Vec<Application>,
    pub findings: Vec<Finding>,
    pub rules: Rules,
}

/// How many rules name a consumer, by whether its client id is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    pub resolved: usize,
    pub unresolved: usize,
}

/// Resolves everything that is known at one time.
pub fn resolve<'a>(
    documents: impl Iterator<Item = &'a Document>,
    environment: Option<&'a EnvironmentApplication>,
    further: impl Iterator<Item = &'a PreAuthorized>,
    context: &Context,
) -> Resolved {
    let mut reader = Reader::default();
    let sources = gather(documents, environment, &mut reader);
    report_hosts_claimed_twice(&sources, context, &mut reader);
    let directory = Directory::new(&sources, further);
    let mut resolver = Resolver { context, directory, reader, rules: Rules::default() };
    let applications =
        sources.iter().map(|(id, sources)| resolver.application(id, sources)).collect();
    Resolved { applications, findings: resolver.reader.into_findings(), rules: resolver.rules }
}

struct Resolver<'a> {
    context: &'a Context,
    directory: Directory<'a>,
    reader: Reader,
    rules: Rules,
}

impl Resolver<'_> {
    fn application(&mut self, id: &ApplicationId, sources: &Sources<'_>) -> Application {
        let manifest = sources.wanted();
        Application {
            id: id.clone(),
            protection: self.protection(id, sources),
            hosts: sources.hosts().iter().map(|host| host.value.clone()).collect(),
            open_paths: manifest.map(|manifest| manifest.open_paths.clone()).unwrap_or_default(),
        }
    }

    /// Everything that is wrong is reported; the first reason not to let anyone in decides.
    fn protection(&mut self, id: &ApplicationId, sources: &Sources<'_>) -> Protection {
        if sources.is_broken() {
            return Protection::Disabled(DisabledBecause::BrokenDocument);
        }
        if !sources.is_enabled() {
            return Protection::Disabled(DisabledBecause::EntraNotEnabled);
        }
        let client_id = self.client_id(id, sources);
        let tenant = self.tenant(id, sources);
        let access = self.access(id, sources);
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

    fn client_id(
        &mut self,
        id: &ApplicationId,
        sources: &Sources<'_>,
    ) -> Result<ClientId, DisabledBecause> {
        let Some(Located { place, value }) = sources.client_id() else {
            let message = format!(
                "No client id is known for {id}: nobody gets in. Add its AzureAdApplication with \
                 status.clientId, or the annotation portvakt.dev/client-id."
            );
            self.reader.warning(&sources.place(), Code::NoClientId, message);
            return Err(DisabledBecause::NoClientId);
        };
        if let Some(rival) = self.directory.rival(value, id) {
            let message = format!(
                "Both {id} and {rival} claim the client id {value}: neither lets anyone in. A \
                 client id belongs to one application."
            );
            self.reader.error(&place, Code::ClientIdClaimedTwice, message);
            return Err(DisabledBecause::ClientIdClaimedTwice);
        }
        Ok(value)
    }

    fn tenant(
        &mut self,
        id: &ApplicationId,
        sources: &Sources<'_>,
    ) -> Result<TenantId, DisabledBecause> {
        let stated = sources.tenant();
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
    fn access(&mut self, id: &ApplicationId, sources: &Sources<'_>) -> AccessPolicy {
        let assigned: HashMap<_, _> = first_of_each(sources.assigned());
        let mut access = AccessPolicy::default();
        let (rules, users) = match (sources.wanted(), sources.registered()) {
            (Some(manifest), _) => (manifest.rules.as_slice(), manifest.users.clone()),
            (None, registration) => {
                let granted = assigned.iter().map(|(id, client_id)| (*client_id, (*id).clone()));
                access.consumers.extend(granted);
                registration.map_or((&[][..], UserAccess::default()), |registration| {
                    (registration.rules.as_slice(), registration.users.clone())
                })
            }
        };
        access.users = users;
        for rule in rules {
            if let Some((client_id, consumer)) = self.grant(rule, id, &assigned) {
                access.consumers.insert(client_id, consumer);
            }
        }
        access
    }

    /// What a rule adds to the consumers. One that names the application itself adds nothing.
    fn grant(
        &mut self,
        rule: &Rule,
        protected: &ApplicationId,
        assigned: &HashMap<&ApplicationId, ClientId>,
    ) -> Option<(ClientId, ApplicationId)> {
        let consumer = match &rule.consumer {
            Consumer::Application(consumer) => consumer,
            Consumer::Anyone => {
                let message = "A rule with * opens the network only: it grants no token. Name \
                               each application that may call this one.";
                self.reader.warning(&rule.place, Code::WildcardRule, message);
                return None;
            }
        };
        if consumer == protected {
            self.rules.resolved += 1;
            return None;
        }
        let client_id =
            assigned.get(consumer).copied().or_else(|| self.directory.client_id(consumer));
        match client_id {
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

fn first_of_each<'a>(
    assigned: impl Iterator<Item = &'a PreAuthorized>,
) -> HashMap<&'a ApplicationId, ClientId> {
    let mut first = HashMap::new();
    for PreAuthorized { id, client_id } in assigned {
        first.entry(id).or_insert(*client_id);
    }
    first
}

/// Warns at each ingress whose host another application has too.
fn report_hosts_claimed_twice(
    applications: &BTreeMap<&ApplicationId, Sources<'_>>,
    context: &Context,
    reader: &mut Reader,
) {
    let mut claims: HashMap<&str, Vec<&ApplicationId>> = HashMap::new();
    for (id, sources) in applications {
        for host in sources.hosts() {
            let claimants = claims.entry(&host.value).or_default();
            let service = context.service_owner(&host.value);
            let owner = service.and_then(|owner| applications.get_key_value(&owner));
            for claimant in [Some(*id), owner.map(|(owner, _)| *owner)].into_iter().flatten() {
                if !claimants.contains(&claimant) {
                    claimants.push(claimant);
                }
            }
        }
    }
    for (id, sources) in applications {
        for Located { place, value: host } in sources.hosts() {
            let claimants = claims.get(host.as_str()).map(Vec::as_slice).unwrap_or_default();
            if let Some(other) = claimants.iter().find(|claimant| *claimant != id) {
                let message = format!(
                    "{other} claims the host {host} too: it is nobody's, and requests find \
                     neither application by it."
                );
                reader.warning(place, Code::HostClaimedTwice, message);
            }
        }
    }
}

#[cfg(test)]
mod tests;
