//! Who calls, as the verified claims of a token tell.

use std::sync::Arc;

use super::{Fact, FactValue};
use crate::{
    decision::{Denial, DenyReason},
    identifiers::{ApplicationId, ClientId, GroupId, Guid, TenantId, UserId},
    token::Claims,
};

/// A caller: an application on its own, or a user through an application.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The application that the token was issued to (`azp`).
    pub client_id: ClientId,
    /// Its name in the documents; set by the policy that granted it.
    pub(super) application: Option<ApplicationId>,
    /// Those of the user's groups that the application lists; set by the policy.
    pub(super) listed_groups: Vec<GroupId>,
    /// Groups that the token does not list, as they were looked up.
    resolved_groups: Option<Arc<[GroupId]>>,
    kind: Kind,
    tenant: TenantId,
    claims: Arc<Claims>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Application,
    User,
}

impl Caller {
    /// Tells applications from users: `idtyp` is `app`, or there is an `scp`, and never both.
    ///
    /// # Errors
    /// `token_claims_invalid` for a token that claims to be both or neither, or that does not
    /// tell which application it was issued to.
    pub fn from_claims(claims: Arc<Claims>, tenant: TenantId) -> Result<Self, Denial> {
        let is_application = claims.idtyp.as_deref() == Some("app");
        let is_user = claims.scp.as_deref().is_some_and(|scopes| !scopes.trim().is_empty());
        let kind = match (is_application, is_user) {
            (true, false) => Kind::Application,
            (false, true) => Kind::User,
            (true, true) => {
                return Err(invalid(
                    "The token claims to be an application's (idtyp) and a user's (scp).",
                ));
            }
            (false, false) => {
                return Err(invalid(
                    "The token has neither idtyp nor scp. The application's registration most likely lacks the optional claim idtyp for access tokens.",
                ));
            }
        };
        if is_application && claims.scp.is_some() {
            return Err(invalid("The token of an application carries scp."));
        }
        let client_id =
            claims.azp.as_deref().and_then(|azp| Guid::from_token(azp).ok()).ok_or_else(|| {
                invalid("The token does not tell which application it was issued to (azp).")
            })?;
        Ok(Self {
            client_id,
            application: None,
            listed_groups: Vec::new(),
            resolved_groups: None,
            kind,
            tenant,
            claims,
        })
    }

    /// Whether it is an application on its own.
    pub fn is_application(&self) -> bool {
        self.kind == Kind::Application
    }

    /// `application` or `user`.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Application => "application",
            Kind::User => "user",
        }
    }

    /// The name of the calling application in the documents, once the policy has granted it.
    pub fn application(&self) -> Option<&ApplicationId> {
        self.application.as_ref()
    }

    /// The roles of the token; an application's alone mean anything.
    pub fn has_role(&self, wanted: &str) -> bool {
        self.claims.roles.iter().flatten().any(|role| role == wanted)
    }

    /// Whether the user's token carries a scope.
    pub fn has_scope(&self, wanted: &str) -> bool {
        self.scopes().any(|scope| scope == wanted)
    }

    /// The groups that the token lists, or that were looked up in its stead. Texts that are no
    /// GUID can match none and are left out.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        let listed = self.claims.groups.iter().flatten();
        let resolved = self.resolved_groups.iter().flat_map(|groups| groups.iter().copied());
        listed.filter_map(|group| Guid::from_token(group).ok()).chain(resolved)
    }

    /// Whether the user has too many groups for the token to list, and they are not known yet.
    pub fn has_groups_overage(&self) -> bool {
        self.claims.groups.is_none()
            && self.resolved_groups.is_none()
            && self.claims.has_groups_overage()
    }

    /// The caller with groups that were looked up. Where the token lists groups, those alone count.
    pub fn with_resolved_groups(mut self, groups: Arc<[GroupId]>) -> Self {
        if self.has_groups_overage() {
            self.resolved_groups = Some(groups);
        }
        self
    }

    /// The tenant and the object id of a user, which together are a person; `None` for an
    /// application, and for a token that does not tell.
    pub fn user(&self) -> Option<(TenantId, UserId)> {
        let id = self.claims.oid.as_deref().and_then(|oid| Guid::from_token(oid).ok())?;
        (self.kind == Kind::User).then_some((self.tenant, id))
    }

    /// What a fact says of this caller.
    pub fn fact(&self, fact: Fact) -> FactValue<'_> {
        let claims = &self.claims;
        let value = match fact {
            Fact::Kind => FactValue::Text(self.kind()),
            Fact::Application => text(self.application.as_ref().map(ApplicationId::as_str)),
            Fact::ClientId => FactValue::Id(self.client_id),
            Fact::ObjectId => text(claims.oid.as_deref()),
            Fact::Subject => text(claims.sub.as_deref()),
            Fact::TenantId => FactValue::Id(self.tenant),
            Fact::Roles => FactValue::Texts(claims.roles.as_deref().unwrap_or_default()),
            Fact::Scopes => FactValue::Words(claims.scp.as_deref().unwrap_or_default()),
            Fact::Groups => FactValue::Ids(&self.listed_groups),
            Fact::Name => self.of_user(claims.name.as_deref()),
            Fact::Username => self.of_user(claims.preferred_username.as_deref()),
            Fact::NavIdent => self.of_user(claims.nav_ident.as_deref()),
        };
        value.or_absent()
    }

    fn of_user<'a>(&self, value: Option<&'a str>) -> FactValue<'a> {
        match self.kind {
            Kind::User => text(value),
            Kind::Application => FactValue::Absent,
        }
    }

    fn scopes(&self) -> impl Iterator<Item = &str> {
        self.claims.scp.as_deref().unwrap_or_default().split_ascii_whitespace()
    }
}

fn text(value: Option<&str>) -> FactValue<'_> {
    value.map_or(FactValue::Absent, FactValue::Text)
}

fn invalid(detail: &'static str) -> Denial {
    Denial::new(DenyReason::TokenClaimsInvalid, detail)
}
