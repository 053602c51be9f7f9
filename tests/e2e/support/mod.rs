//! Everything around the tests: an issuer, an upstream, the service as a process, a real Envoy.

pub mod answer;
pub mod api_server;
pub mod attacks;
pub mod certificates;
pub mod checks;
pub mod cluster;
pub mod discovery;
pub mod documents;
pub mod envoy;
pub mod fleet;
pub mod frames;
pub mod graph;
pub mod issuer;
pub mod load;
pub mod log;
pub mod portvakt;
pub mod raw;
pub mod signing_key;
pub mod splitter;
pub mod token;
pub mod upstream;
pub mod wait;
pub mod world;

pub use answer::Answer;
pub use envoy::{Envoy, Release};
pub use graph::Graph;
pub use issuer::{Behaviour, Issuer};
pub use portvakt::Portvakt;
pub use signing_key::SigningKey;
pub use token::Token;
pub use upstream::Upstream;
pub use wait::until;
pub use world::World;
