//! The key of a start, and how it is written into names.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::error::Result;

/// How far back a start is looked for, in seconds. An Airflow retry comes well within it.
const REACH: f64 = 7.0 * 24.0 * 3600.0;

/// A checked key: 1 to 80 of the characters that every API takes (letters, digits, `.`, `_`, `-`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key<'a>(&'a str);

impl<'a> Key<'a> {
    pub fn new(key: &'a str) -> Result<Self> {
        let fits = (1..=80).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if fits {
            Ok(Self(key))
        } else {
            Err(super::refused(
                "job.key",
                format!("a job key has 1 to 80 letters, digits, '.', '_' or '-', not {key:?}"),
            ))
        }
    }

    pub fn as_str(self) -> &'a str {
        self.0
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

/// The oldest time (Unix seconds) a start is looked for.
pub(crate) fn within_reach() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs_f64() - REACH).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_checked() {
        assert!(Key::new("mwaalib-0.a_B").is_ok());
        for bad in ["", "a b", "a/b", "é", &"x".repeat(81)] {
            assert!(Key::new(bad).is_err(), "{bad}");
        }
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
