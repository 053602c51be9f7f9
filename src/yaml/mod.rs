//! YAML with positions, read so that every fault of a file is found at once.
//!
//! [`documents`] turns a text into trees of [`Node`]s. [`Reader`] takes values out of them and
//! collects a [`Finding`](crate::finding::Finding) for each that is not what it should be.

mod node;
mod parse;
mod raw;
mod reader;

pub use node::{Entry, Node, Value};
pub use parse::{Document, documents, fragment, stream};
pub use reader::{Mapping, Reader};
