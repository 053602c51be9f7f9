//! Names and numbers of the messages in `proto/`, each message a module. Only the frontend uses
//! them.

include!(concat!(env!("OUT_DIR"), "/proto.rs"));

#[cfg(test)]
mod tests;
