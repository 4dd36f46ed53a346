//! The key of a start, and how it is written into names.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::error::Result;

/// How far back a start is looked for, in seconds. An Airflow retry comes well within it.
const REACH: f64 = 7.0 * 24.0 * 3600.0;

/// How far this machine's clock may be off AWS's, in seconds; a larger difference AWS refuses.
const SKEW: f64 = 300.0;

/// A checked key: 1 to 80 of the characters that every API takes (letters, digits, `.`, `_`, `-`),
/// and how far back what carries it counts as started under it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Key<'a> {
    text: &'a str,
    oldest: f64,
}

impl<'a> Key<'a> {
    /// `since` is the Unix time before which nobody can have started anything under this key.
    pub fn new(key: &'a str, since: Option<f64>) -> Result<Self> {
        let fits = (1..=80).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if fits {
            let reach = (now() - REACH).floor();
            Ok(Self { text: key, oldest: since.map_or(reach, |since| reach.max(since - SKEW)) })
        } else {
            Err(super::refused(
                "job.key",
                format!("a job key has 1 to 80 letters, digits, '.', '_' or '-', not {key:?}"),
            ))
        }
    }

    pub fn as_str(self) -> &'a str {
        self.text
    }

    /// The same key, of what is started from now on.
    #[must_use]
    pub fn restarted(self) -> Self {
        Self { oldest: self.oldest.max(now() - SKEW), ..self }
    }

    /// The oldest time (Unix seconds) a start is looked for.
    pub fn oldest(self) -> f64 {
        self.oldest
    }

    /// Whether what was made at this time can have been started under the key.
    pub fn covers(self, made: &Value) -> bool {
        made.as_f64().is_none_or(|made| made >= self.oldest)
    }
}

/// `name` with `mark` in brackets behind it, the name cut so that both fit into `max` characters.
pub(crate) fn labelled(name: &str, mark: &str, max: usize) -> String {
    let room = max.saturating_sub(mark.len() + 3);
    let name: String = name.chars().take(room).collect();
    format!("{} [{mark}]", name.trim_end()).trim_start().to_owned()
}

/// Of a list's entries the one with the latest `time`; of equal ones the first.
pub(crate) fn newest<'a>(entries: impl Iterator<Item = &'a Value>, time: &str) -> Option<&'a Value> {
    let at = |entry: &Value| entry[time].as_f64().unwrap_or_default();
    entries.reduce(|best, entry| if at(entry) > at(best) { entry } else { best })
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_checked() {
        assert!(Key::new("mwaalib-0.a_B", None).is_ok());
        for bad in ["", "a b", "a/b", "é", &"x".repeat(81)] {
            assert!(Key::new(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_covers_what_was_made_since() {
        let day = 24.0 * 3600.0;
        let key = Key::new("k", None).unwrap();
        assert!(key.covers(&(now() - 6.0 * day).into()) && !key.covers(&(now() - 8.0 * day).into()));
        assert!(key.covers(&Value::Null), "not every list says when");
        let key = Key::new("k", Some(now() - day)).unwrap();
        assert!(key.covers(&(now() - day - 60.0).into()) && !key.covers(&(now() - 2.0 * day).into()));
        assert!(key.restarted().covers(&(now() - 60.0).into()) && !key.restarted().covers(&(now() - day / 2.0).into()));
    }

    #[test]
    fn labels_fit() {
        assert_eq!(labelled("load", "k1", 256), "load [k1]");
        assert_eq!(labelled("", "k1", 256), "[k1]");
        let long = labelled(&"ü".repeat(300), "k1", 100);
        assert_eq!(long.chars().count(), 99 + 1);
        assert!(long.ends_with(" [k1]"));
    }
}
