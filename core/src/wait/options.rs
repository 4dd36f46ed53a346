//! What a deployment may set, under `[mwaalib]` in airflow.cfg.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::spec::refused;
use crate::error::Result;
use crate::service;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// By API, as `emr:ListSteps`, or by service where AWS limits all its calls together, as `emr`.
    pub budgets: BTreeMap<String, Budget>,
    /// Seconds during which a job may be unknown to AWS after it was started.
    pub not_found_grace: f64,
    /// By what part of itself an interval is shortened at random, 0 to 0.5.
    pub jitter: f64,
    /// Seconds one call may take.
    pub call_timeout: f64,
    /// Seconds a diagnosis may take.
    pub diagnose_timeout: f64,
    /// Calls in flight for one group of waits.
    pub concurrency: usize,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Calls at once.
    pub burst: f64,
    /// Calls a second.
    pub refill: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budgets: BTreeMap::new(),
            not_found_grace: 60.0,
            jitter: 0.1,
            call_timeout: 60.0,
            diagnose_timeout: 20.0,
            concurrency: 10,
        }
    }
}

impl Options {
    /// Reads and checks the JSON form; the error names the field.
    pub fn from_json(text: &str) -> Result<Self> {
        let options: Self = serde_json::from_str(text).map_err(|e| refused("options", e.to_string()))?;
        options.check()?;
        Ok(options)
    }

    pub fn check(&self) -> Result<()> {
        for (name, budget) in &self.budgets {
            if !names().any(|known| known == *name) {
                let mut known: Vec<String> = names().collect();
                known.sort();
                known.dedup();
                let message = format!("unknown API {name:?}, known are {}", known.join(", "));
                return Err(refused("options.budgets", message));
            }
            let sane =
                budget.burst >= 1.0 && budget.refill > 0.0 && budget.burst.is_finite() && budget.refill.is_finite();
            if !sane {
                let message = "burst must be at least 1 and refill more than 0".to_owned();
                return Err(refused(&format!("options.budgets.{name}"), message));
            }
        }
        let ranges = [
            ("not_found_grace", self.not_found_grace, 0.0, 86_400.0),
            ("jitter", self.jitter, 0.0, 0.5),
            ("call_timeout", self.call_timeout, 0.01, 3_600.0),
            ("diagnose_timeout", self.diagnose_timeout, 0.0, 3_600.0),
            ("concurrency", self.concurrency as f64, 1.0, 1_000.0),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err(refused(&format!("options.{name}"), format!("{value} is not between {low} and {high}")));
            }
        }
        Ok(())
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs_f64(self.not_found_grace)
    }

    pub(crate) fn call_limit(&self) -> Duration {
        Duration::from_secs_f64(self.call_timeout)
    }

    pub(crate) fn diagnose_limit(&self) -> Duration {
        Duration::from_secs_f64(self.diagnose_timeout)
    }
}

/// All names a budget may have.
fn names() -> impl Iterator<Item = String> {
    service::apis().flat_map(|api| {
        let account = api.account.map(|account| account.service.to_owned());
        account.into_iter().chain([format!("{}:{}", api.service, api.name)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        let json = r#"{"budgets": {"emr:ListSteps": {"burst": 20, "refill": 1}, "emr": {"burst": 50, "refill": 10}}}"#;
        let options = Options::from_json(json).unwrap();
        assert_eq!(options.budgets["emr:ListSteps"].burst, 20.0);
        assert_eq!(options.jitter, 0.1);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, part) in [
            (r#"{"budgets": {"emr:ListStep": {"burst": 1, "refill": 1}}}"#, "emr:ListSteps"),
            (r#"{"budgets": {"emr:ListSteps": {"burst": 0, "refill": 1}}}"#, "options.budgets.emr:ListSteps"),
            (r#"{"budgets": {"emr:ListSteps": {"burst": 1}}}"#, "refill"),
            (r#"{"jiter": 0}"#, "jiter"),
            (r#"{"jitter": 2}"#, "options.jitter"),
            ("[", "options"),
        ] {
            let error = Options::from_json(json).unwrap_err().to_string();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
