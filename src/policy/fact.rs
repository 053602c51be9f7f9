//! What can be told to an upstream about its caller.

use std::borrow::Cow;

/// What a fact says of one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactValue<'a> {
    /// The token does not tell, or the fact is about users and the caller is none.
    Absent,
    One(Cow<'a, str>),
    /// Roles, scopes and groups.
    List(Vec<Cow<'a, str>>),
}

/// One fact about a caller; by default it goes out as the prefix and [`Fact::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    Kind,
    Application,
    ClientId,
    ObjectId,
    Subject,
    TenantId,
    Roles,
    Scopes,
    Groups,
    Name,
    Username,
    NavIdent,
}

impl Fact {
    /// Every fact, in the order in which headers are written.
    pub const ALL: [Self; 12] = [
        Self::Kind,
        Self::Application,
        Self::ClientId,
        Self::ObjectId,
        Self::Subject,
        Self::TenantId,
        Self::Roles,
        Self::Scopes,
        Self::Groups,
        Self::Name,
        Self::Username,
        Self::NavIdent,
    ];

    /// The name in configuration and, behind the prefix, of the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Application => "application",
            Self::ClientId => "client-id",
            Self::ObjectId => "object-id",
            Self::Subject => "subject",
            Self::TenantId => "tenant-id",
            Self::Roles => "roles",
            Self::Scopes => "scopes",
            Self::Groups => "groups",
            Self::Name => "name",
            Self::Username => "username",
            Self::NavIdent => "navident",
        }
    }
}
