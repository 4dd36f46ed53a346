//! What a seed plays: jobs, the waits for them, and how each wait must end.

use std::collections::HashMap;

use mwaalib_core::Error;
use mwaalib_core::service;
use mwaalib_core::wait::kind::Kind;
use mwaalib_core::wait::{Outcome, WaitSpec};

use super::aws::{Faults, Script};
use super::random::Random;

#[derive(Clone, Debug)]
pub enum Expect {
    Success(Vec<(String, &'static str)>),
    /// One of these jobs in its state.
    Failure(Vec<(String, &'static str)>),
    NotFound(String),
    Denied(String),
    Unknown(String),
    Deadline,
    /// As told, unless the one look after the deadline met nothing but faults.
    Late(Box<Expect>),
    /// All jobs of a parent, in any order.
    Whole(Vec<(String, &'static str)>),
    Dropped,
}

#[derive(Clone, Debug)]
pub struct Act {
    /// When the wait begins.
    pub at: f64,
    pub session: u64,
    pub spec: WaitSpec,
    /// Seconds after its start; negative if it had passed.
    pub deadline: Option<f64>,
    pub dropped: Option<f64>,
    /// When the last of what it waits for has happened.
    pub over: f64,
    pub expect: Expect,
}

pub struct Plot {
    pub jobs: HashMap<(&'static str, String), Script>,
    pub acts: Vec<Act>,
    pub faults: Faults,
}

struct Author {
    random: Random,
    sessions: usize,
    jobs: HashMap<(&'static str, String), Script>,
    acts: Vec<Act>,
}

pub fn write(seed: u64) -> Plot {
    let mut random = Random::new(seed);
    let rough = random.unit();
    let mut some = |most: f64| if random.unit() < 0.5 { 0.0 } else { most * rough * random.unit() };
    let mut faults = Faults {
        throttled: some(0.3),
        server_error: some(0.15),
        reset: some(0.1),
        hang: some(0.02),
        lost: some(0.1),
        stale: some(0.3),
        ..Faults::default()
    };
    if random.unit() < 0.3 {
        let lists =
            ["ListExecutions", "GetJobRuns", "BatchGetCrawlers", "ListClusters", "ListSteps", "ListCommandInvocations"];
        faults.denied.push(random.pick(&lists));
    }
    if random.unit() < 0.2 {
        faults.share = Some(random.between(0.3, 1.0));
    }
    if random.unit() < 0.3 {
        faults.expiry = Some(random.between(300.0, 1800.0));
    }
    let sessions = random.pick(&[1, 1, 2, 3]);
    let mut author = Author { random, sessions, jobs: HashMap::new(), acts: Vec::new() };
    for kind in service::kinds() {
        author.kind(kind);
    }
    if !faults.denied.contains(&"ListCommandInvocations") {
        author.commands();
    }
    Plot { jobs: author.jobs, acts: author.acts, faults }
}

impl Author {
    fn kind(&mut self, kind: &'static Kind) {
        if self.random.unit() < 0.3 {
            return;
        }
        // EMR allows one call in two seconds: its crowds are smaller.
        let crowd: &[usize] = if kind.name.starts_with("emr") { &[1, 3, 12, 60] } else { &[1, 2, 30, 400] };
        let delay = self.random.pick(&[5.0, 20.0, 30.0, 60.0]);
        let single_parent = kind.list.as_ref().is_some_and(|list| !list.needs_parent);
        for group in 0..if single_parent { 1 } else { 1 + self.random.below(3) } {
            let parent = match kind.name {
                "sfn_execution" => Some(format!("arn:aws:states:us-east-1:1:stateMachine:m{group}")),
                _ if single_parent => None,
                name => Some(format!("{name}-parent-{group}")),
            };
            let jobs = self.random.pick(crowd);
            // Other people's jobs fill the same lists.
            for other in 0..self.random.below(2 * jobs + 2) {
                let id = id(kind, group, "other", other);
                let script = self.script(kind, &parent, false);
                self.jobs.insert((kind.name, id), script);
            }
            let mut ids = Vec::new();
            for number in 0..jobs {
                ids.extend(self.job(kind, group, number, &parent, delay));
            }
            self.several(kind, &parent, &ids, delay);
        }
    }

    /// A job's life: known at some time, pending for a while, over or not.
    fn script(&mut self, kind: &Kind, parent: &Option<String>, fails: bool) -> Script {
        let begin = self.random.between(2.0, 600.0);
        let mut states = vec![(begin, self.random.pick(kind.states.pending))];
        if kind.name == "glue_crawler" {
            states[0].1 = "RUNNING";
        }
        let mut at = begin;
        for _ in 0..self.random.below(4) {
            at += self.random.between(1.0, 600.0);
            let next = if kind.name == "glue_crawler" { "STOPPING" } else { self.random.pick(kind.states.pending) };
            states.push((at, next));
        }
        at += self.random.between(1.0, 1800.0);
        let end = self.random.pick(if fails { kind.states.failure } else { kind.states.success });
        let mut last = Vec::new();
        if kind.name == "glue_crawler" {
            // Idle after an earlier crawl, until this one shows.
            last.push((begin - 1.0, self.random.pick(&["SUCCEEDED", "FAILED"]), begin - 500.0));
            last.push((at, end, begin));
            states.insert(0, (begin - 1.0, "READY"));
            states.push((at, "READY"));
        } else {
            states.push((at, end));
        }
        let listed = begin - 1.0 + if self.random.unit() < 0.3 { self.random.between(0.0, 20.0) } else { 0.0 };
        Script { parent: parent.clone(), states, listed, last, denied: false }
    }

    fn job(
        &mut self,
        kind: &'static Kind,
        group: usize,
        number: usize,
        parent: &Option<String>,
        delay: f64,
    ) -> Option<(String, Script)> {
        let id = id(kind, group, "job", number);
        let fails = self.random.unit() < 0.3;
        let mut script = self.script(kind, parent, fails);
        let (over, end) = match script.last.last() {
            Some((at, outcome, _)) => (*at, *outcome),
            None => *script.states.last().unwrap(),
        };
        let begun = script.states[0].0;
        // Mostly just after the start, at times before AWS knows it or long after it ended.
        let at = match self.random.below(10) {
            0 => (begun - self.random.between(0.0, 30.0)).max(0.0),
            1 => over + self.random.between(0.0, 300.0),
            _ => begun + self.random.between(0.0, 5.0),
        };
        let since = (kind.name == "glue_crawler").then(|| script.states[1].0);
        let mut act = Act {
            at,
            session: self.session(),
            spec: spec(kind, parent, &[&id], delay, since),
            deadline: None,
            dropped: None,
            over,
            expect: ended(&id, end, fails),
        };
        let ordinary = match self.random.below(40) {
            0 => {
                act.expect = Expect::NotFound(id.clone());
                act.over = at + 60.0;
                self.acts.push(act);
                return None;
            }
            // (A crawler that is in no list is said not to exist.)
            1 if script.last.is_empty() => {
                script.denied = true;
                // A list tells of jobs that the single call may not describe; only a wait that is
                // sure to need the single call is sure to be denied.
                script.listed = f64::INFINITY;
                act.expect = Expect::Denied(id.clone());
                act.over = at;
                false
            }
            2 if script.last.is_empty() => {
                script.states.push((over, "MELTED"));
                act.expect = Expect::Unknown(id.clone());
                false
            }
            3 if over - at > 400.0 => {
                act.deadline = Some(self.random.between(30.0, over - at - 60.0));
                act.over = at + act.deadline.unwrap();
                act.expect = Expect::Deadline;
                true
            }
            4 if over > at => {
                act.dropped = Some(self.random.between(0.0, over - at));
                act.over = at + act.dropped.unwrap();
                act.expect = Expect::Dropped;
                true
            }
            5 => {
                // Another wait for the same job, at another time, as often.
                let mut twin = act.clone();
                twin.session = self.session();
                twin.at += self.random.between(0.0, 100.0);
                self.acts.push(twin);
                true
            }
            6 | 7 if kind.name == "emr_job_flow" => {
                // Idle for long after its work.
                script.states.pop();
                for (_, state) in script.states.iter_mut().filter(|(_, state)| *state == "WAITING") {
                    *state = "RUNNING";
                }
                let idle = script.states.last().map_or(begun, |(from, _)| *from) + self.random.between(1.0, 300.0);
                script.states.extend([(idle, "WAITING"), (idle + 6000.0, end)]);
                act.spec.success = Some(vec!["WAITING".to_owned()]);
                act.at = act.at.min(idle + 60.0);
                act.over = idle;
                act.expect = ended(&id, "WAITING", false);
                false
            }
            8 => {
                act.spec.success = Some(vec!["NEVER".to_owned()]);
                act.expect = ended(&id, end, true);
                true
            }
            // The deadline passed while nobody waited: one look is left, which takes 30 s at most.
            9 | 10 if over < at - 10.0 || (begun < at && over > at + 60.0) => {
                act.deadline = Some(-self.random.between(0.0, 500.0));
                act.expect = if over < at { Expect::Late(Box::new(act.expect)) } else { Expect::Deadline };
                act.over = at;
                true
            }
            _ => true,
        };
        self.acts.push(act);
        self.jobs.insert((kind.name, id.clone()), script.clone());
        ordinary.then_some((id, script))
    }

    fn session(&mut self) -> u64 {
        self.random.below(self.sessions) as u64
    }

    /// Waits for all instances of a command, whichever those are.
    fn commands(&mut self) {
        let kind = &service::ssm::states::COMMAND;
        for group in 0..self.random.below(4) {
            let parent = Some(format!("whole-{group}"));
            let part = self.random.pick(&[0.0, 0.0, 0.3]);
            let mut ends = Vec::new();
            // Some take several pages to look at.
            let most = self.random.pick(&[30, 30, 200]);
            for number in 0..1 + self.random.below(most) {
                let fails = self.random.unit() < part;
                let script = self.script(kind, &parent, fails);
                let id = format!("i-whole-{group}-{number}");
                ends.push((script.states[script.states.len() - 1], id.clone(), fails));
                self.jobs.insert((kind.name, id), script);
            }
            let failed: Vec<_> =
                ends.iter().filter(|(.., fails)| *fails).map(|((at, state), ..)| (*at, *state)).collect();
            let all = ends.iter().map(|((at, _), ..)| *at).fold(0.0, f64::max);
            let over = failed.iter().map(|(at, _)| *at).reduce(f64::min).unwrap_or(all);
            let expect = if failed.is_empty() {
                Expect::Whole(ends.iter().map(|((_, state), id, _)| (id.clone(), *state)).collect())
            } else {
                Expect::Failure(failed.iter().map(|(_, state)| ("*".to_owned(), *state)).collect())
            };
            let spec = spec(kind, &parent, &[], self.random.pick(&[5.0, 30.0]), None);
            let at = self.random.between(0.0, 600.0);
            let session = self.session();
            self.acts.push(Act { at, session, spec, deadline: None, dropped: None, over, expect });
        }
    }

    /// Waits for several jobs at once.
    fn several(&mut self, kind: &'static Kind, parent: &Option<String>, jobs: &[(String, Script)], delay: f64) {
        if jobs.len() < 3 || kind.name == "glue_crawler" {
            return;
        }
        let known: Vec<&(String, Script)> = jobs.iter().filter(|_| self.random.unit() < 0.3).take(20).collect();
        if known.is_empty() {
            return;
        }
        let at = known.iter().map(|(_, script)| script.states[0].0).fold(0.0, f64::max);
        let last = |script: &Script| *script.states.last().unwrap();
        let over = known.iter().map(|(_, script)| last(script).0).fold(0.0, f64::max);
        let ids: Vec<&str> = known.iter().map(|(id, _)| id.as_str()).collect();
        let ends = known.iter().map(|(id, script)| (id.clone(), last(script).1));
        let bad: Vec<_> = ends.clone().filter(|(_, state)| kind.states.failure.contains(state)).collect();
        let expect = if bad.is_empty() { Expect::Success(ends.collect()) } else { Expect::Failure(bad) };
        let spec = spec(kind, parent, &ids, delay, None);
        let session = self.session();
        self.acts.push(Act { at, session, spec, deadline: None, dropped: None, over, expect });
    }
}

fn id(kind: &Kind, group: usize, role: &str, number: usize) -> String {
    match kind.name {
        "sfn_execution" => format!("arn:aws:states:us-east-1:1:execution:m{group}:{role}-{number}"),
        name => format!("{name}-{group}-{role}-{number}"),
    }
}

fn ended(id: &str, state: &'static str, fails: bool) -> Expect {
    let end = vec![(id.to_owned(), state)];
    if fails { Expect::Failure(end) } else { Expect::Success(end) }
}

fn spec(kind: &Kind, parent: &Option<String>, ids: &[&str], delay: f64, since: Option<f64>) -> WaitSpec {
    WaitSpec {
        kind: kind.name.to_owned(),
        parent: parent.clone(),
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        success: None,
        failure: None,
        delay,
        deadline: None,
        verbose: false,
        since,
    }
}

impl Expect {
    /// Whether the wait ended so.
    pub fn met(&self, result: Option<&Result<Outcome, Error>>) -> bool {
        match (self, result) {
            (Self::Dropped, None) => true,
            (Self::Success(expected), Some(Ok(outcome))) => {
                outcome.results.len() == expected.len()
                    && outcome.results.iter().zip(expected).all(|(result, (id, state))| {
                        result.id == *id && result.state == *state && !result.detail.is_null()
                    })
            }
            (Self::Failure(expected), Some(Err(Error::JobFailed(failure)))) => {
                !failure.detail.is_null()
                    && expected.iter().any(|(id, state)| failure.id == *id && failure.state == *state)
            }
            (Self::NotFound(id), Some(Err(Error::Aws(e)))) => {
                e.class == mwaalib_core::error::Class::NotFound && e.message.contains(id)
            }
            (Self::Denied(id), Some(Err(Error::Aws(e)))) => {
                e.class == mwaalib_core::error::Class::AccessDenied && e.message.contains(id)
            }
            (Self::Unknown(id), Some(Err(Error::UnknownState { id: named, state, .. }))) => {
                id == named && state == "MELTED"
            }
            (Self::Deadline | Self::Late(_), Some(Err(Error::Deadline { .. }))) => true,
            (Self::Late(expected), result) => expected.met(result),
            (Self::Whole(expected), Some(Ok(outcome))) => {
                let mut found: Vec<_> =
                    outcome.results.iter().map(|result| (result.id.clone(), result.state.as_str())).collect();
                let mut expected = expected.clone();
                found.sort();
                expected.sort();
                found == expected
            }
            _ => false,
        }
    }
}
