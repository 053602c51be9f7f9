//! Compiles `proto/` with protox, so that no protoc is needed, into the names and numbers that the
//! frontend reads and writes by. Looks whether the parts of the console are there that others made.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

use protox::prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor, ServiceDescriptor};

/// The one file of the console that is not ours.
const GRAPH_LIBRARY: &str = "console/node_modules/cytoscape/dist/cytoscape.esm.min.mjs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={GRAPH_LIBRARY}");
    if env::var_os("CARGO_FEATURE_CONSOLE").is_some() && !Path::new(GRAPH_LIBRARY).exists() {
        println!(
            "cargo::error=the console's parts are not installed: run `make console`, or build \
             without the console by --no-default-features"
        );
        return Ok(());
    }
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["envoy/service/auth/v3/external_auth.proto"], ["proto"])?;
    let pool = DescriptorPool::from_file_descriptor_set(files)?;
    let mut text = String::new();
    for service in pool.services() {
        write_service(&mut text, &service)?;
    }
    for message in pool.all_messages().filter(|message| !message.is_map_entry()) {
        write_fields(&mut text, &message)?;
    }
    for values in pool.all_enums() {
        write_values(&mut text, &values)?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("proto.rs"), text)?;
    Ok(())
}

fn write_service(text: &mut String, service: &ServiceDescriptor) -> std::fmt::Result {
    writeln!(text, "pub mod r#{} {{", module(service.name()))?;
    writeln!(text, "pub const NAME: &str = {:?};", service.full_name())?;
    for method in service.methods() {
        let path = format!("/{}/{}", service.full_name(), method.name());
        writeln!(text, "pub const {}: &str = {path:?};", method.name().to_uppercase())?;
    }
    writeln!(text, "}}")
}

fn write_fields(text: &mut String, message: &MessageDescriptor) -> std::fmt::Result {
    writeln!(text, "pub mod r#{} {{", module(message.name()))?;
    for field in message.fields() {
        writeln!(text, "pub const {}: u32 = {};", field.name().to_uppercase(), field.number())?;
    }
    writeln!(text, "}}")
}

fn write_values(text: &mut String, values: &EnumDescriptor) -> std::fmt::Result {
    writeln!(text, "pub mod r#{} {{", module(values.name()))?;
    for value in values.values() {
        let name = module(value.name()).to_uppercase();
        writeln!(text, "pub const {name}: u64 = {};", value.number())?;
    }
    writeln!(text, "}}")
}

/// `CheckRequest` → `check_request`; names in capitals stay one word.
fn module(name: &str) -> String {
    let mut snake = String::new();
    let mut before_is_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && before_is_lower {
            snake.push('_');
        }
        before_is_lower = letter.is_lowercase();
        snake.extend(letter.to_lowercase());
    }
    snake
}
