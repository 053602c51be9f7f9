//! What is wrong with a configuration or a document, and where.
//!
//! Reading never stops at the first fault: readers collect findings, and those
//! who called them decide what to do with them (`serve` logs, `lint` prints).

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::printable::Printable;

/// Where something was written: a file's line and column, or an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's path as given, or `environment variable NAME`.
    pub source: Arc<str>,
    /// Counted from 1; 0 where the source has no lines or the fault concerns all of it.
    pub line: u64,
    /// Counted from 1, in characters; 0 where `line` is.
    pub column: u64,
}

impl Place {
    /// The source as a whole.
    pub fn whole(source: impl Into<Arc<str>>) -> Self {
        Self { source: source.into(), line: 0, column: 0 }
    }
}

impl Serialize for Place {
    /// `{"file": …, "line": …, "column": …}`: how the JSON of commands and of the console
    /// tells of a place.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut place = serializer.serialize_struct("Place", 3)?;
        place.serialize_field("file", &*self.source)?;
        place.serialize_field("line", &self.line)?;
        place.serialize_field("column", &self.column)?;
        place.end()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", Printable(&self.source)),
            line => write!(f, "{}:{line}:{}", Printable(&self.source), self.column),
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration or the document cannot be used.
    Error,
    /// It can be used, but most likely does not do what its author meant.
    Warning,
}

impl Severity {
    /// The word that `portvakt lint` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub place: Place,
    pub severity: Severity,
    pub code: Code,
    /// What is wrong and how to put it right, in one sentence or two.
    pub message: String,
}

impl fmt::Display for Finding {
    /// `file:line:column: severity: code: message`, always one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, severity, code, message } = self;
        let message = Printable(message);
        write!(f, "{place}: {}: {}: {message}", severity.as_str(), code.as_str())
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident => $code:literal,)+) => {
        /// The closed set of kinds of findings. The words are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word that is printed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }

        impl Serialize for Code {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

codes! {
    /// The file cannot be read, or is not UTF-8.
    FileUnreadable => "file_unreadable",
    /// The text is not YAML.
    YamlSyntax => "yaml_syntax",
    /// A key that the configuration does not have.
    UnknownKey => "unknown_key",
    /// Something that must be stated is not.
    Missing => "missing",
    /// A value of the wrong type.
    WrongType => "wrong_type",
    /// A value of the right type that cannot be used.
    InvalidValue => "invalid_value",
    /// An address without TLS to another machine.
    InsecureUrl => "insecure_url",
    /// Settings that contradict each other or weaken what they are for.
    RiskySetting => "risky_setting",
    /// More documents or findings than a file may have, or more elements than a list.
    TooMany => "too_many",
    /// A document for a namespace that its folder may not speak for: it is ignored.
    ForeignNamespace => "foreign_namespace",
    /// Two documents of the same kind describe the same application: neither counts if they differ.
    DuplicateDocument => "duplicate_document",
    /// A consumer with two client ids in the files of further consumers: neither counts.
    DuplicateConsumer => "duplicate_consumer",
    /// An application without a client id: nothing can be let in.
    NoClientId => "no_client_id",
    /// An application of a tenant that is not configured.
    UnknownTenant => "unknown_tenant",
    /// A group identifier that is no GUID: it grants nothing.
    InvalidGroup => "invalid_group",
    /// `application: '*'`, which grants nothing.
    WildcardRule => "wildcard_rule",
    /// A rule whose consumer has no known client id: it grants nothing.
    UnresolvedRule => "unresolved_rule",
    /// An application that lets through whom it refuses.
    InShadow => "in_shadow",
    /// A host that several applications claim: it is nobody's.
    HostClaimedTwice => "host_claimed_twice",
    /// A client id that several applications claim: none of them lets anyone in.
    ClientIdClaimedTwice => "client_id_claimed_twice",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_document_says_makes_a_line_of_its_own() {
        let finding = Finding {
            place: Place { source: "a\nb.yaml".into(), line: 2, column: 3 },
            severity: Severity::Warning,
            code: Code::UnknownKey,
            message: "no key \"x\n::error::y\u{1b}[2J\"".to_owned(),
        };
        let line = "a\\nb.yaml:2:3: warning: unknown_key: no key \"x\\n::error::y\\u{1b}[2J\"";
        assert_eq!(finding.to_string(), line);
    }

    #[test]
    fn the_documentation_has_a_row_for_every_code() {
        let documentation = include_str!("../docs/documents.md");
        for code in Code::ALL {
            let row = format!("| `{}` | ", code.as_str());
            assert!(documentation.lines().any(|line| line.starts_with(&row)), "{row}");
        }
    }
}
