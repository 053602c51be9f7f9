//! A server under measurement, in a process of its own.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::Failure;

/// A process that ends with its owner.
pub struct Server {
    process: Child,
    pub address: SocketAddr,
    /// From its start until it was ready.
    pub startup: Duration,
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
        Ok(Self { process, address: line.trim().parse()?, startup: started.elapsed() })
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
                Some("listening for checks") => {
                    address = Some(event["address"].as_str().unwrap_or_default().parse()?)
                }
                Some("readiness changed") if event["ready"] == true => {
                    ready = Some(started.elapsed())
                }
                _ => {}
            }
        }
        // A log that nobody reads would block the service.
        thread::spawn(move || lines.for_each(drop));
        let (Some(address), Some(startup)) = (address, ready) else {
            return Err("not ready".into());
        };
        Ok(Self { process, address, startup })
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

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> Result<f64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
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
