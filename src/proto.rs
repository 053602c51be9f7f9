//! The messages of `proto/`, as modules named after their packages. Only the frontend uses them.

#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    unused_qualifications,
    reason = "generated code"
)]

pub mod envoy {
    pub mod config {
        pub mod core {
            pub mod v3 {
                tonic::include_proto!("envoy.config.core.v3");
            }
        }
    }
    pub mod service {
        pub mod auth {
            pub mod v3 {
                tonic::include_proto!("envoy.service.auth.v3");
            }
        }
    }
    pub mod r#type {
        pub mod v3 {
            tonic::include_proto!("envoy.r#type.v3");
        }
    }
}

pub mod google {
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}

#[cfg(test)]
mod tests;
