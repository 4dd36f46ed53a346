//! One session per settings and process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::settings::settings_error;
use super::{Session, Settings};
use crate::Result;
use crate::process::PerProcess;

/// Sessions that nobody uses are kept so many: tasks come and go, their connections remain.
const IDLE: usize = 8;

/// In a forked child, what holds an inherited session must not be its last holder: dropping it would
/// close sockets that are the parent's. So a session in use is always held here as well, and the
/// child leaks this with all that is in it.
static SESSIONS: PerProcess<Mutex<Pool<Session>>> = PerProcess::new(Mutex::default);

/// Two callers with the same settings get the same session, and wait for one loading of it.
pub(super) async fn get(settings: &Settings) -> Result<Session> {
    let key = key(settings)?;
    let (cell, unused) = {
        let mut sessions = SESSIONS.get().lock().unwrap_or_else(PoisonError::into_inner);
        sessions.take(key, |session| Arc::strong_count(&session.0) == 1)
    };
    // Closing connections takes its time.
    drop(unused);
    cell.get_or_try_init(|| Session::open(settings)).await.cloned()
}

type Cell<T> = Arc<OnceCell<T>>;

struct Pool<T> {
    cells: HashMap<String, Entry<T>>,
    uses: u64,
}

struct Entry<T> {
    cell: Cell<T>,
    used: u64,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { cells: HashMap::new(), uses: 0 }
    }
}

impl<T> Pool<T> {
    /// The cell for `key`, and cells taken out to make room for a new one.
    fn take(&mut self, key: String, unused: impl Fn(&T) -> bool) -> (Cell<T>, Vec<Cell<T>>) {
        self.uses += 1;
        let out = if self.cells.contains_key(&key) { Vec::new() } else { self.shrink(unused) };
        let entry = self.cells.entry(key).or_insert_with(|| Entry { cell: Cell::default(), used: 0 });
        entry.used = self.uses;
        (Arc::clone(&entry.cell), out)
    }

    /// Takes out what nobody uses, but for the last used.
    fn shrink(&mut self, unused: impl Fn(&T) -> bool) -> Vec<Cell<T>> {
        let idle = |entry: &Entry<T>| Arc::strong_count(&entry.cell) == 1 && entry.cell.get().is_none_or(&unused);
        let mut idle: Vec<(u64, String)> =
            self.cells.iter().filter(|(_, entry)| idle(entry)).map(|(key, entry)| (entry.used, key.clone())).collect();
        idle.sort_unstable();
        idle.truncate(idle.len().saturating_sub(IDLE));
        idle.iter().filter_map(|(_, key)| self.cells.remove(key)).map(|entry| entry.cell).collect()
    }
}

/// Settings, and the environment that fills what they leave open.
fn key(settings: &Settings) -> Result<String> {
    let mut key = serde_json::to_string(settings).map_err(|e| settings_error(e.to_string()))?;
    let mut environment: Vec<_> = std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.to_string_lossy();
            name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy")
        })
        .collect();
    environment.sort();
    for (name, value) in environment {
        key.push('\n');
        key.push_str(&name.to_string_lossy());
        key.push('=');
        key.push_str(&value.to_string_lossy());
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_of_the_rest_the_last() {
        let unused = |session: &Arc<usize>| Arc::strong_count(session) == 1;
        let mut pool: Pool<Arc<usize>> = Pool::default();
        let mut held = Vec::new();
        for number in 0..100 {
            let (cell, out) = pool.take(format!("settings {number}"), unused);
            let session = Arc::new(number);
            if number % 10 == 0 {
                held.push(Arc::clone(&session));
            }
            cell.set(session).unwrap();
            for gone in out {
                assert_eq!(Arc::strong_count(gone.get().unwrap()), 1, "somebody uses it");
            }
        }
        assert!(held.iter().all(|session| Arc::strong_count(session) == 2), "a session in use is held here too");
        assert_eq!(pool.cells.len(), held.len() + IDLE + 1);
        let (cell, _) = pool.take("settings 99".to_owned(), unused);
        assert_eq!(cell.get().map(|session| **session), Some(99));
        // One that is being opened is not taken out.
        let (opening, _) = pool.take("new".to_owned(), unused);
        let (_, out) = (0..2 * IDLE).map(|n| pool.take(format!("later {n}"), unused)).last().unwrap();
        assert!(pool.cells.contains_key("new") && out.iter().all(|cell| !Arc::ptr_eq(cell, &opening)));
    }
}
