//! Who may call: the access policy of an application and its evaluation. Pure.

mod access;
mod caller;
mod described;
mod evaluate;
mod fact;
mod mode;
#[cfg(test)]
mod oracle;
mod permit;
mod presenter;

pub use access::{AccessPolicy, UserAccess};
pub use caller::Caller;
pub use described::listed;
pub use evaluate::{Protected, Requirements, evaluate, without_token};
pub use fact::{Fact, FactValue};
pub use mode::{Mode, Shadowed};
pub use permit::Permit;
pub use presenter::Presenter;
