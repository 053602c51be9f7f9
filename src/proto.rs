//! Names and numbers of the messages in `proto/`, each message a module. Only the frontend uses
//! them.

#![allow(
    dead_code,
    reason = "a statement of whole messages, of which the frontend uses what it needs"
)]

include!(concat!(env!("OUT_DIR"), "/proto.rs"));

#[cfg(test)]
mod tests;
