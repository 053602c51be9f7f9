//! What the fuzz targets do with their bytes. Each panics where a property does not hold.
//!
//! Ordinary tests run the same functions over the corpora (`tests/fuzz_replay.rs`).

mod documents;
mod messages;
mod paths;
mod sets;
mod tokens;

#[path = "../../tests/differential/json.rs"]
pub mod json;
#[allow(dead_code, reason = "the differential test uses the rest of it")]
#[path = "../../tests/differential/oracle.rs"]
mod oracle;

pub use documents::documents;
pub use messages::{check_request, header_encoding};
pub use paths::path_match;
pub use sets::key_set;
pub use tokens::{claims, token_form, token_header};

/// A target: its name, which is that of its corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 8] = [
    ("token_header", token_header),
    ("token_form", token_form),
    ("claims", claims),
    ("key_set", key_set),
    ("documents", documents),
    ("check_request", check_request),
    ("path_match", path_match),
    ("header_encoding", header_encoding),
];

/// A tenant, as in the seeds.
const TENANT: &str = "62366534-1ec3-4962-8869-9b5535279d0b";
/// An application, as in the seeds.
const AUDIENCE: &str = "381ce452-1d49-49df-9e7e-990ef0328d6c";
/// The tenant's issuer, as in the seeds.
const ISSUER: &str = "https://login.example/62366534-1ec3-4962-8869-9b5535279d0b/v2.0";
