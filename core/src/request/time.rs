//! Times as users write them.

use aws_smithy_types::date_time::{DateTime, Format};
use serde_json::Number;

/// ISO 8601 text, or a number written as text, as Unix seconds. A time without zone is UTC, as in boto3.
pub fn epoch_seconds(text: &str) -> Option<Number> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds.into());
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return Number::from_f64(seconds);
    }
    let mut text = text.replacen(' ', "T", 1);
    if text.len() == "2026-01-31".len() {
        text.push_str("T00:00:00");
    }
    let time = text.split_once('T')?.1;
    if !time.ends_with('Z') && !time.contains(['+', '-']) {
        text.push('Z');
    }
    let time = DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?;
    if time.subsec_nanos() == 0 { Some(time.secs().into()) } else { Number::from_f64(time.as_secs_f64()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_usual_forms() {
        for (text, seconds) in [
            ("2026-01-31", 1_769_817_600.0),
            ("2026-01-31T01:00:00", 1_769_821_200.0),
            ("2026-01-31 01:00:00Z", 1_769_821_200.0),
            ("2026-01-31T02:00:00+01:00", 1_769_821_200.0),
            ("2026-01-31T01:00:00.5Z", 1_769_821_200.5),
            ("1769821200", 1_769_821_200.0),
        ] {
            assert_eq!(epoch_seconds(text).and_then(|n| n.as_f64()), Some(seconds), "{text}");
        }
        for text in ["yesterday", "", "2026-13-01", "2026-01-31T"] {
            assert_eq!(epoch_seconds(text), None, "{text}");
        }
    }
}
