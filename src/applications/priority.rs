//! Whose turn it is when the processors are busy.

/// How far a thread stands back behind others; 19 would be the most.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Puts the calling thread behind all others that want a processor.
pub fn give_way() {
    // Linux alone counts threads one by one. Where it fails, all of them stay alike.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICENESS);
}
