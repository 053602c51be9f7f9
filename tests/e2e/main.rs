//! Portvakt as its users meet it: the program itself, behind a real Envoy.
//!
//! `make setup` installs the Envoys; a missing one fails the tests and never skips them.

mod callers;
mod support;
