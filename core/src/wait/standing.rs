//! How one session stands with AWS, known to all its groups.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::kind::Api;
use super::lock;
use super::remote::Remote;

/// Credentials so new are not renewed because AWS does not know them: the next would be the same.
const NEW: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Standing {
    answered: AtomicBool,
    renewed: tokio::sync::Mutex<Option<Instant>>,
    denied: Mutex<HashSet<&'static str>>,
}

impl Standing {
    /// AWS has answered once: credentials and connection are good.
    pub fn answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    pub fn answers(&self) {
        self.answered.store(true, Relaxed);
    }

    /// Whether nobody has been told yet that this API is denied.
    pub fn denied_first(&self, api: &Api) -> bool {
        lock(&self.denied).insert(api.permission)
    }

    /// Gets new credentials, unless that was done since the call that failed was sent; whether it did.
    ///
    /// The next call tells whether it helped.
    pub async fn renew(&self, remote: &Arc<dyn Remote>, sent: Instant, unknown: bool, limit: Duration) -> bool {
        let mut renewed = self.renewed.lock().await;
        let enough = if unknown { sent.checked_sub(NEW).unwrap_or(sent) } else { sent };
        if renewed.is_some_and(|last| last >= enough) {
            return false;
        }
        let _ = timeout(limit, remote.refresh()).await;
        *renewed = Some(Instant::now());
        true
    }
}
