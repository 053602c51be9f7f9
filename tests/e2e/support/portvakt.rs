//! `portvakt serve` as the process that it is.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use serde_json::Value;

use super::{log::Log, until, wait::until_equal, world::client};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_portvakt");

/// A running service; killed when dropped.
pub struct Portvakt {
    process: Child,
    pub log: Log,
    /// Where Envoys ask, as configured: addresses with their real ports, or paths of sockets.
    pub listeners: Vec<String>,
    admin: String,
}

impl Portvakt {
    /// Starts it with this configuration, and waits until it listens.
    pub async fn start(folder: &Path, config: &Value) -> Self {
        Self::spawn(Self::command(folder, config, "")).await
    }

    /// Starts it with this configuration after a line of shell, such as `ulimit`.
    pub async fn start_after(line: &str, folder: &Path, config: &Value) -> Self {
        Self::spawn(Self::command(folder, config, line)).await
    }

    /// What starts it. The shell's place is taken by the program itself.
    pub fn command(folder: &Path, config: &Value, line: &str) -> Command {
        let file = folder.join("portvakt.yaml");
        fs::write(&file, config.to_string()).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{line}\nexec {PROGRAM} serve --config \"$0\"")]);
        command.arg(&file).env_clear();
        command
    }

    /// Starts it by this command, and waits until it listens.
    pub async fn spawn(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::of("portvakt", process.stderr.take().unwrap());
        let admin = log.event("message", "listening for probes and metrics").await;
        let address = |event: &Value| event["address"].as_str().unwrap().to_owned();
        // The admin listener is the last to be logged.
        let checks = |event: &Value| event["message"] == "listening for checks";
        let listeners = log.events().iter().filter(|event| checks(event)).map(address).collect();
        Self { process, listeners, admin: address(&admin), log }
    }

    /// The first address that it is asked at.
    pub fn address(&self) -> SocketAddr {
        self.listeners[0].parse().unwrap()
    }

    /// Status and text of the admin listener's answer.
    pub async fn admin(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.admin);
        let answer = client().get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Where the admin listener is found.
    pub fn admin_address(&self) -> &str {
        &self.admin
    }

    /// Where the console is found; it was configured.
    pub fn console_address(&self) -> SocketAddr {
        let is_console = |event: &Value| event["message"] == "listening for browsers";
        let event = self.log.events().into_iter().find(is_console).expect("there is no console");
        event["address"].as_str().unwrap().parse().unwrap()
    }

    /// Until it can decide.
    pub async fn ready(self) -> Self {
        until_equal((200, "ready\n".to_owned()), async || self.admin("/readyz").await).await;
        self
    }

    /// The value of a series of `/metrics`, with its labels as they are written there.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        let (_, text) = self.admin("/metrics").await;
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map(|value| value.parse().unwrap())
    }

    /// How many checks it answered.
    pub async fn checks(&self) -> f64 {
        self.metric("portvakt_check_duration_seconds_count").await.unwrap()
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The most memory that it ever held, in bytes (proc_pid_status(5)).
    pub fn peak_memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
    }

    /// Sends it a signal, by the signal's name without `SIG`.
    pub fn signal(&self, signal: &str) {
        // The shell's own `kill` is on every machine.
        let kill = format!("kill -{signal} {}", self.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// How it ended, waited for.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the end of portvakt", async || self.process.try_wait().unwrap()).await
    }
}

impl Drop for Portvakt {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
