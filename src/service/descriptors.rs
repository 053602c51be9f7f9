//! How many connections the process' file descriptors allow.

use tracing::warn;

use crate::config::Limits;

/// For documents, issuers, probes, the log, and everything else that is no connection of an Envoy.
const RESERVE: usize = 128;
/// Where Linux tells a process its limits (proc_pid_limits(5)).
const LIMITS: &str = "/proc/self/limits";

/// The limits with no more connections than there are file descriptors for: without any left, the
/// documents could not be read and no probe be answered.
pub fn within_reach(limits: Limits) -> Limits {
    let open_files = std::fs::read_to_string(LIMITS).ok().and_then(|text| open_files(&text));
    let most = open_files.map_or(usize::MAX, |files| files.saturating_sub(RESERVE).max(1));
    if limits.connections > most {
        warn!(
            configured = limits.connections,
            allowed = most,
            "limits.connections is more than the limit of open files allows; raise that limit"
        );
    }
    Limits { connections: limits.connections.min(most), ..limits }
}

/// The soft limit of open files; nothing where there is none.
fn open_files(text: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_of_open_files_is_read() {
        let line = |soft: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units\n\
                 Max open files            {soft}                 1048576              files\n"
            )
        };
        assert_eq!(open_files(&line("1024")), Some(1024));
        assert_eq!(open_files(&line("unlimited")), None);
        assert_eq!(open_files("of another system"), None);
    }
}
