//! A server under measurement, in a process of its own.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::Failure;

/// How long a program may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that ends with its owner.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    /// From its start until it was ready.
    pub startup: Duration,
    /// How long each reload of the documents took, in milliseconds.
    pub reloads: Receiver<f64>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is ours, and nothing of it is needed any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    pub fn floor() -> Result<Self, Failure> {
        let started = Instant::now();
        let mut process =
            Command::new(env::current_exe()?).arg("floor").stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let (_, reloads) = mpsc::channel();
        Ok(Self { process, address: line.trim().parse()?, startup: started.elapsed(), reloads })
    }

    pub fn portvakt(configuration: &Path) -> Result<Self, Failure> {
        let started = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_portvakt"))
            .args(["serve", "--config"])
            .arg(configuration)
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(process.stderr.take().ok_or("no log")?).lines();
        let (mut address, mut ready) = (None, None);
        while address.is_none() || ready.is_none() {
            let line = lines.next().ok_or("the service ended at once")??;
            let event: Value = serde_json::from_str(&line).map_err(|_| line)?;
            match event["message"].as_str() {
                // The Unix socket is known already.
                Some("listening for checks") if address.is_none() => {
                    address = event["address"].as_str().and_then(|address| address.parse().ok());
                }
                Some("readiness changed") if event["ready"] == true => {
                    ready = Some(started.elapsed())
                }
                _ => {}
            }
        }
        let (sender, reloads) = mpsc::channel();
        thread::spawn(move || {
            let told = lines.map_while(Result::ok).filter_map(|line| reload_milliseconds(&line));
            for milliseconds in told {
                // Whoever does not listen any more does not want to know.
                let _ = sender.send(milliseconds);
            }
        });
        let (Some(address), Some(startup)) = (address, ready) else {
            return Err("not ready".into());
        };
        Ok(Self { process, address, startup, reloads })
    }

    /// An Envoy with one worker that will listen at `address`.
    pub fn envoy(
        program: &Path,
        configuration: &Path,
        address: SocketAddr,
    ) -> Result<Self, Failure> {
        let mut envoy = Command::new(program);
        envoy
            .arg("--config-path")
            .arg(configuration)
            .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"])
            .stdin(Stdio::null());
        Self::listening(envoy, address)
    }

    /// A program that will listen at `address`.
    pub fn listening(mut program: Command, address: SocketAddr) -> Result<Self, Failure> {
        let started = Instant::now();
        let process = program.spawn()?;
        let (_, reloads) = mpsc::channel();
        let mut server = Self { process, address, startup: Duration::ZERO, reloads };
        while TcpStream::connect(address).is_err() {
            if started.elapsed() > PATIENCE || server.process.try_wait()?.is_some() {
                return Err("it does not listen; its own messages are above".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        server.startup = started.elapsed();
        Ok(server)
    }

    /// CPU time so far, of all its threads, in the scheduler's own nanoseconds
    /// (`/proc/PID/task/TID/schedstat`, first figure).
    pub fn cpu(&self) -> Result<Duration, Failure> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            nanoseconds += first_figure(&task?.path().join("schedstat"))?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Has all its threads run on these processors, in taskset(1)'s words, such as `1` or `0-1`.
    pub fn confine(&self, processors: &str) -> Result<(), Failure> {
        confine(&["--all-tasks"], processors, self.process.id())
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }
}

fn reload_milliseconds(line: &str) -> Option<f64> {
    let event: Value = serde_json::from_str(line).ok()?;
    (event["message"] == "documents in force").then(|| event["milliseconds"].as_f64())?
}

/// Size of the program in MiB.
pub fn program_mib() -> Result<f64, Failure> {
    let bytes = fs::metadata(env!("CARGO_BIN_EXE_portvakt"))?.len();
    Ok(u32::try_from(bytes >> 10).map(f64::from)? / 1024.0)
}

/// Has the calling thread run on these processors.
pub fn confine_thread(processors: &str) -> Result<(), Failure> {
    // A link to the thread: `<process>/task/<thread>`.
    let thread = fs::read_link("/proc/thread-self")?;
    let number = thread.file_name().and_then(|name| name.to_str()).ok_or("no thread")?;
    confine(&[], processors, number.parse()?)
}

fn confine(options: &[&str], processors: &str, task: u32) -> Result<(), Failure> {
    let output = Command::new("taskset")
        .args(options)
        .args(["--cpu-list", "--pid", processors, &task.to_string()])
        .output()
        .map_err(|error| format!("taskset, of util-linux: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}

/// CPU time of the calling thread so far.
pub fn thread_cpu() -> Result<Duration, Failure> {
    Ok(Duration::from_nanos(first_figure(Path::new("/proc/thread-self/schedstat"))?))
}

fn first_figure(file: &Path) -> Result<u64, Failure> {
    let text = fs::read_to_string(file)?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}
