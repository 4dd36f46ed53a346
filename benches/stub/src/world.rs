//! What the stub knows: jobs by kind and parent, their states, and how often it was asked.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Default)]
pub struct World {
    pub groups: HashMap<(String, String), Group>,
    pub calls: BTreeMap<String, u64>,
}

/// The jobs of one parent (a state machine, a Glue job, a cluster), oldest first.
#[derive(Default)]
pub struct Group {
    pub jobs: Vec<Job>,
    index: HashMap<String, usize>,
}

pub struct Job {
    pub id: String,
    pub started: f64,
    before: String,
    after: Option<(f64, String)>,
}

impl Job {
    /// The state now: a planned change takes effect when its time has come.
    pub fn state(&self, now: f64) -> &str {
        match &self.after {
            Some((at, state)) if *at <= now => state,
            _ => &self.before,
        }
    }

    pub fn ended(&self, now: f64) -> Option<f64> {
        self.after.as_ref().map(|(at, _)| *at).filter(|at| *at <= now)
    }
}

impl Group {
    pub fn add(&mut self, id: String, state: &str, started: f64) {
        self.index.insert(id.clone(), self.jobs.len());
        self.jobs.push(Job { id, started, before: state.to_owned(), after: None });
    }

    pub fn get(&self, id: &str) -> Option<&Job> {
        self.index.get(id).map(|&place| &self.jobs[place])
    }

    pub fn change(&mut self, place: usize, at: f64, state: &str) {
        self.jobs[place].after = Some((at, state.to_owned()));
    }
}

impl World {
    pub fn count(&mut self, operation: &str) {
        *self.calls.entry(operation.to_owned()).or_default() += 1;
    }

    pub fn group(&self, kind: &str, parent: &str) -> Option<&Group> {
        self.groups.get(&(kind.to_owned(), parent.to_owned()))
    }

    pub fn job(&self, kind: &str, parent: &str, id: &str) -> Option<&Job> {
        self.group(kind, parent)?.get(id)
    }
}

/// Seconds since the epoch.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
