//! Documents from a cluster.
//!
//! `cases` hold in any cluster: `make test` runs them against the server on loopback, and
//! `make test-kubernetes` against a real one. The others need a server that misbehaves.

mod beginnings;
mod cases;
mod contested;
mod credentials;
mod excess;
mod failures;
mod faults;
mod objects;
mod outages;
mod reach;
mod scene;
