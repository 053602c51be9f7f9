//! What documents are for.

/// What becomes of applications once they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    /// They decide.
    #[default]
    Active,
    /// They are tried beside those that decide.
    Candidate,
}
