//! Configuration and documents for the service, as many as wanted.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use portvakt::demo::DemoIssuer;

use crate::Failure;

/// The API that is asked for.
pub const SAMPLE: &str = include_str!("../../deploy/examples/applications/orders-api.yaml");
const FILES: usize = 100;
/// The file of the decision log.
const DECISIONS: &str = "decisions.jsonl";
/// Where the documents of a configuration lie.
const PATHS: &str = "paths: [applications]";

/// Writes a configuration; returns where.
pub fn configuration(
    folder: &Path,
    issuer: &DemoIssuer,
    cache_bytes: u64,
) -> Result<PathBuf, Failure> {
    let file = folder.join(format!("portvakt-{cache_bytes}.yaml"));
    let text = format!(
        "cluster: demo
listen: {{ext_authz: ['127.0.0.1:0', 'unix:{}'], admin: '127.0.0.1:0'}}
entra: {{tenants: [{{well_known_url: '{}'}}]}}
applications: {{{PATHS}}}
token_cache: {{max_bytes: {cache_bytes}}}
log: {{filter: info, format: json}}
shutdown: {{delay: 0s, grace: 1s}}
",
        socket(folder).display(),
        issuer.well_known_url()
    );
    fs::write(&file, text)?;
    Ok(file)
}

/// Puts all applications of a configuration into shadow, and adds a log of all decisions.
pub fn rehearse(configuration: &Path) -> Result<(), Failure> {
    let text = fs::read_to_string(configuration)?;
    let text = text.replace(PATHS, &format!("{PATHS}, default_mode: shadow"));
    Ok(fs::write(configuration, format!("{text}decision_log: {{to: {DECISIONS}}}\n"))?)
}

/// How many decisions were logged beside a configuration.
pub fn logged_decisions(folder: &Path) -> Result<usize, Failure> {
    let mut lines = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(DECISIONS) {
            lines += BufReader::new(File::open(entry.path())?).lines().count();
        }
    }
    Ok(lines)
}

/// The Unix socket at which the service of a folder listens too.
pub fn socket(folder: &Path) -> PathBuf {
    folder.join("check.sock")
}

/// The document of the API that is asked for.
pub fn sample(folder: &Path) -> PathBuf {
    folder.join("applications/orders-api.yaml")
}

/// Writes the sample API and as many others, each with ten rules that resolve.
pub fn applications(folder: &Path, others: usize) -> Result<(), Failure> {
    let document = sample(folder);
    let folder = folder.join("applications");
    fs::create_dir_all(&folder)?;
    fs::write(document, SAMPLE)?;
    let numbers: Vec<usize> = (0..others).collect();
    for (index, chunk) in numbers.chunks(others.div_ceil(FILES).max(1)).enumerate() {
        let mut text = String::new();
        for number in chunk {
            application(&mut text, *number, others)?;
        }
        fs::write(folder.join(format!("others-{index}.yaml")), text)?;
    }
    Ok(())
}

fn application(text: &mut String, number: usize, others: usize) -> Result<(), Failure> {
    write!(
        text,
        "---
apiVersion: nais.io/v1alpha1
kind: Application
metadata:
  name: app-{number}
  namespace: team-{}
  annotations:
    portvakt.dev/client-id: 00000000-0000-4000-8000-{number:012}
spec:
  ingresses: [https://app-{number}.example]
  azure:
    application:
      enabled: true
  accessPolicy:
    inbound:
      rules:
",
        number % 100
    )?;
    for step in 1..=10 {
        let consumer = (number + step * 7) % others;
        writeln!(
            text,
            "        - {{application: app-{consumer}, namespace: team-{}}}",
            consumer % 100
        )?;
    }
    Ok(())
}
