//! One session per settings and process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::settings::settings_error;
use super::{Session, Settings};
use crate::Result;
use crate::process::PerProcess;

type Cell = Arc<OnceCell<Session>>;

static SESSIONS: PerProcess<Mutex<HashMap<String, Cell>>> = PerProcess::new(Mutex::default);

/// Two callers with the same settings get the same session, and wait for one loading of it.
pub(super) async fn get(settings: &Settings) -> Result<Session> {
    let cell = {
        let mut sessions = SESSIONS.get().lock().unwrap_or_else(PoisonError::into_inner);
        sessions.entry(key(settings)?).or_default().clone()
    };
    cell.get_or_try_init(|| Session::open(settings)).await.cloned()
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
