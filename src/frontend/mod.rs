//! Where requests come from: one folder for each protocol that asks for decisions.

pub mod ext_authz;
