//! What can be told to an upstream about its caller.

use crate::identifiers::Guid;

/// What a fact says of one caller. Borrowed from the claims: it is written down for every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactValue<'a> {
    /// The token does not tell, or the fact is about users and the caller is none.
    Absent,
    Text(&'a str),
    Id(Guid),
    /// A list in one text, separated by blanks: scopes.
    Words(&'a str),
    /// A list: roles.
    Texts(&'a [String]),
    /// A list: groups.
    Ids(&'a [Guid]),
}

impl FactValue<'_> {
    /// Whether there may be several values.
    pub fn is_list(&self) -> bool {
        matches!(self, Self::Words(_) | Self::Texts(_) | Self::Ids(_))
    }

    /// Each value in turn; empty ones say nothing and are passed over.
    pub fn for_each(&self, mut each: impl FnMut(&str)) {
        match self {
            Self::Absent => {}
            Self::Text(text) => each(text),
            Self::Id(id) => id.with_text(each),
            Self::Words(words) => words.split_ascii_whitespace().for_each(each),
            Self::Texts(texts) => {
                texts.iter().filter(|text| !text.is_empty()).for_each(|text| each(text));
            }
            Self::Ids(ids) => ids.iter().for_each(|id| id.with_text(&mut each)),
        }
    }

    /// The same, or [`FactValue::Absent`] where there is no value in it.
    pub(super) fn or_absent(self) -> Self {
        let mut is_empty = true;
        self.for_each(|value| is_empty &= value.is_empty());
        if is_empty { Self::Absent } else { self }
    }
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
