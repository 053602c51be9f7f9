//! The documents of most tests, and the identifiers in them.

use std::{fs, path::Path};

/// The tenant of most applications.
pub const HOME: &str = "7d5b2c3e-9f14-4b8a-a6d0-52e1c8f73a94";
/// The tenant of `pension`, whose issuer fails in most tests.
pub const FOREIGN: &str = "2f6c8a1b-3d5e-4f70-8b92-c4d6e8f0a1b3";

/// The application of that tenant.
pub const PENSION: &str = "6a9c1e3d-5f72-4b80-9d4e-2c7b8a0f6e15";

pub const ORDERS_API: &str = "a2f4c0d1-5b7e-4d3a-8c69-17e05b9d4f20";
pub const DIRECTORY: &str = "e1a7c3b9-8d52-4f60-b3e4-5c9a0d7f2168";
/// Granted by `orders-api` and `directory`.
pub const WEBSHOP: &str = "b6e8d9a3-2c41-4f7b-9d05-8a3f6e1c7d52";
/// Granted by `mailbox` alone.
pub const NEWSLETTER: &str = "d3f5a8c7-6b82-4d19-9e34-0b7a4c2f8e65";

/// A group that `orders-api` lists.
pub const ORDER_DESK: &str = "0f3a1d52-6a0e-4c61-9b5d-3c1f0a7e2b11";
/// Another one that it lists.
pub const AUDIT: &str = "3b8d2f64-70c1-4e9a-a5b7-9d1c6e8f0a23";
/// A group that nobody lists.
pub const CANTEEN: &str = "5e7c9b1a-3d84-4f60-8a2e-9c6b0d1f4a37";

/// Writes them into a folder.
pub fn write(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, text) in [
        ("orders-api.yaml", include_str!("../documents/orders-api.yaml")),
        ("others.yaml", include_str!("../documents/others.yaml")),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
}

/// Replaces a file as editors do: whole, by its name.
pub fn replace(file: &Path, text: &str) {
    let beside = file.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, file).unwrap();
}
