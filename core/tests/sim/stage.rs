//! One engine before one scripted AWS.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use mwaalib_core::Error;
use mwaalib_core::wait::{Engine, Event, EventSink, Options, Outcome, WaitSpec};
use serde_json::json;
use tokio::task::JoinHandle;

use super::aws::{Faults, Script, Simulated, World};

pub const MACHINE: &str = "arn:aws:states:us-east-1:1:stateMachine:m";

pub struct Stage {
    pub world: Arc<World>,
    pub engine: Arc<Engine>,
}

pub fn script(parent: Option<&str>, states: &[(f64, &'static str)]) -> Script {
    let parent = parent.map(str::to_owned);
    Script { parent, states: states.to_vec(), listed: 0.0, last: Vec::new(), denied: false }
}

pub fn arn(number: usize) -> String {
    format!("arn:aws:states:us-east-1:1:execution:m:{number}")
}

/// Executions of one machine that end as SUCCEEDED at these times.
pub fn executions(ends: &[f64]) -> HashMap<(&'static str, String), Script> {
    let script = |end: &f64| script(Some(MACHINE), &[(0.0, "RUNNING"), (*end, "SUCCEEDED")]);
    ends.iter().enumerate().map(|(number, end)| (("sfn_execution", arn(number)), script(end))).collect()
}

impl Stage {
    pub fn new(jobs: HashMap<(&'static str, String), Script>, faults: Faults) -> Self {
        Self::with(jobs, faults, Options::default())
    }

    pub fn with(jobs: HashMap<(&'static str, String), Script>, faults: Faults, options: Options) -> Self {
        Self { world: Arc::new(World::new(jobs, faults, 1)), engine: Arc::new(Engine::new(options)) }
    }

    pub fn spec(kind: &str, parent: Option<&str>, ids: &[&str], delay: f64) -> WaitSpec {
        let spec = json!({"kind": kind, "parent": parent, "ids": ids, "delay": delay});
        WaitSpec::from_json(&spec.to_string()).unwrap()
    }

    pub fn wait(&self, spec: WaitSpec, sink: Option<EventSink>) -> JoinHandle<Result<Outcome, Error>> {
        let (engine, remote) =
            (Arc::clone(&self.engine), Arc::new(Simulated { world: Arc::clone(&self.world), session: 0 }));
        tokio::spawn(async move { engine.wait(remote, spec, sink).await })
    }

    pub fn execution(&self, number: usize, delay: f64) -> JoinHandle<Result<Outcome, Error>> {
        self.wait(Self::spec("sfn_execution", None, &[&arn(number)], delay), None)
    }

    pub fn calls(&self, api: &str) -> u64 {
        self.world.calls().get(api).copied().unwrap_or(0)
    }
}

/// A sink and what it has received.
pub fn recorder() -> (EventSink, Arc<Mutex<Vec<Event>>>) {
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let kept = Arc::clone(&events);
    (Arc::new(move |event| kept.lock().unwrap().push(event)), events)
}

pub fn notices(events: &Mutex<Vec<Event>>) -> Vec<String> {
    let events = events.lock().unwrap();
    let notices = events.iter().filter_map(|event| match event {
        Event::Notice { message } => Some(message.clone()),
        _ => None,
    });
    notices.collect()
}

pub fn unix_now() -> f64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()
}
