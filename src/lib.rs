//! Portvakt decides, for Envoy, which applications and users may call an API.
//!
//! An Envoy asks about each request (`ext_authz`); Portvakt finds the application that is asked
//! for, verifies the caller's Entra ID token, applies the application's NAIS access policy, and
//! answers: deny with a reason, or allow with headers that tell the upstream who calls.
//!
//! # Flow
//!
//! ```text
//!            CheckRequest                                  CheckResponse
//!                 │                                              ▲
//!   frontend::ext_authz ── Request ──▶ authorizer ── Outcome ──▶ frontend::ext_authz
//!                                      │   │   │                 telemetry (log, metrics)
//!                 which application?   │   │   │   may it?
//!                           target ◀───┘   │   └───▶ policy ──▶ decision (Permit or Denial)
//!                              ▲           ▼
//!                              │         token ◀── keys ◀── the issuers, by HTTP
//!                              │         membership ◀── Microsoft Graph, where a token lists no groups
//!    files, API server, environment ──▶ applications, published whole
//! ```
//!
//! # Layout
//!
//! - [`authorizer`] is the decision from end to end, in one place, for checks and rehearsals alike.
//! - [`frontend`] holds all that knows protobuf; a second protocol would stand beside `ext_authz`.
//! - [`target`] and [`policy`] are pure; [`token`] waits for [`keys`] alone.
//! - [`membership`] looks up the groups that a token does not list; most checks never need it.
//! - [`applications`] turns documents into what `target` and `policy` work on; a second source of
//!   documents would stand there.
//! - [`explain`] says why a decision came out as it did, and what would change it.
//! - [`rehearsal`], [`comparison`] and [`graph`] tell what documents will do: policy tests, what a
//!   change means, who may call whom.
//! - [`recorder`] is told of every answer, and tells [`telemetry`], [`usage`] and [`decision_log`].
//! - `console` shows people what is in force and what is decided; `web` and [`admin`] serve HTTP/1.
//! - `file` opens what somebody named; [`config`] is what an operator decides; [`service`] starts,
//!   watches and stops the parts; [`cli`] is the command line; [`demo`] is all of it on loopback.

mod accept;
pub mod admin;
pub mod applications;
pub mod authorizer;
pub mod cli;
pub mod clock;
pub mod comparison;
pub mod config;
#[cfg(feature = "console")]
pub mod console;
pub mod decision;
pub mod decision_log;
pub mod demo;
#[cfg(test)]
mod dropped;
pub mod explain;
mod file;
pub mod finding;
pub mod frontend;
pub mod graph;
pub mod http;
pub mod identifiers;
pub mod keys;
pub mod membership;
pub mod policy;
mod printable;
mod proto;
pub mod recorder;
pub mod rehearsal;
pub mod request;
pub mod secret;
pub mod service;
mod spiffe;
mod suggest;
pub mod target;
pub mod telemetry;
pub mod token;
pub mod usage;
mod web;
pub mod yaml;
