//! Answers that are made from much.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::spawn_blocking};

/// As many at once: each takes milliseconds of a processor, and holds the last decisions meanwhile,
/// which checks wait for.
const MOST: usize = 2;

/// Places for those who read much.
#[derive(Debug)]
pub struct Readings(Arc<Semaphore>);

impl Default for Readings {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST)))
    }
}

impl Readings {
    /// Reads on no thread that answers checks. The place is taken until it is done, whether somebody
    /// still waits for it or not. `None` where reading panicked.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let place = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let reading = spawn_blocking(move || {
            let _place = place;
            read()
        });
        reading.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn who_goes_away_leaves_no_more_room_than_there_is() {
        let readings = Readings::default();
        let (ends, wait): (Vec<_>, Vec<_>) = (0..MOST).map(|_| mpsc::channel::<()>()).unzip();
        for end in wait {
            // Asked for, begun, and given up.
            assert_eq!(readings.read(move || end.recv()).now_or_never(), None);
        }
        assert_eq!(readings.read(|| ()).now_or_never(), None, "there is no place");
        assert_eq!(readings.0.available_permits(), 0);
        drop(ends);
        assert_eq!(readings.read(|| 7).await, Some(7));
    }
}
