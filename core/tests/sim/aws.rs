//! A scripted AWS: jobs with timelines, lists that lag and lose, budgets, faults.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mwaalib_core::error::{AwsError, Class, Error, JobFailure, Result};
use mwaalib_core::request::classify;
use mwaalib_core::service;
use mwaalib_core::wait::EventSink;
use mwaalib_core::wait::kind::{Api, Kind, Phase};
use mwaalib_core::wait::metered::Metered;
use mwaalib_core::wait::remote::{Ask, BoxFuture, Page, Part, Remote, Seen};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::random::Random;

/// What a job does in its life; times are seconds since the simulation began.
#[derive(Clone, Debug)]
pub struct Script {
    pub parent: Option<String>,
    /// When it enters each state. Before the first, AWS does not know it.
    pub states: Vec<(f64, &'static str)>,
    /// Not in lists before: lists lag behind.
    pub listed: f64,
    /// Of a crawler: outcome and start of the last crawl, from when on.
    pub last: Vec<(f64, &'static str, f64)>,
    /// The single call is denied.
    pub denied: bool,
}

impl Script {
    pub fn state(&self, at: f64) -> Option<&'static str> {
        self.states.iter().rev().find(|(from, _)| *from <= at).map(|(_, state)| *state)
    }

    fn seen(&self, at: f64) -> Option<Seen> {
        let state = self.state(at)?;
        let last = self.last.iter().rev().find(|(from, ..)| *from <= at).filter(|_| state == "READY");
        let seen = match last {
            Some((_, outcome, started)) => Seen::again(state, outcome, Some(*started)),
            None => Seen::new(state),
        };
        Some(Seen { created: Some(self.states[0].0), ..seen })
    }
}

/// How bad the network and AWS are.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub throttled: f64,
    pub server_error: f64,
    pub reset: f64,
    pub hang: f64,
    /// A list leaves out an entry.
    pub lost: f64,
    /// A list tells the state of some seconds ago.
    pub stale: f64,
    /// List calls that IAM denies.
    pub denied: Vec<&'static str>,
    /// Credentials expire so often, in seconds.
    pub expiry: Option<f64>,
    /// No credentials can be had from then to then, which may be said to pass by itself.
    pub no_credentials: Option<(bool, f64, f64)>,
    /// The credentials are replaced then; the provider may have the new ones.
    pub rotated: Option<(f64, bool)>,
    /// All calls fail from then to then.
    pub down: Option<(f64, f64)>,
    /// So much of each budget is left to us: AWS throttles what goes beyond.
    pub share: Option<f64>,
    /// Glue's and KMS's own kind of time-out until then.
    pub slow_backend: Option<f64>,
}

struct Tokens {
    tokens: f64,
    at: f64,
}

#[derive(Default)]
struct Books {
    /// By scope and name.
    buckets: HashMap<(u64, String), Tokens>,
    /// By how much a budget was exceeded at worst, in calls.
    overdrawn: BTreeMap<String, f64>,
    calls: BTreeMap<&'static str, u64>,
    /// Calls that were cut off on their way, and calls that hung.
    cut: u64,
    hung: u64,
    /// By session.
    expires: HashMap<u64, f64>,
    renewed: Option<f64>,
    random: Option<Random>,
}

pub struct World {
    pub begun: Instant,
    pub jobs: HashMap<(&'static str, String), Script>,
    by_parent: HashMap<(&'static str, Option<String>), Vec<String>>,
    faults: Faults,
    books: Mutex<Books>,
}

impl World {
    pub fn new(jobs: HashMap<(&'static str, String), Script>, faults: Faults, seed: u64) -> Self {
        let mut by_parent: HashMap<_, Vec<String>> = HashMap::new();
        for ((kind, id), script) in &jobs {
            by_parent.entry((*kind, script.parent.clone())).or_default().push(id.clone());
        }
        for ((kind, _), ids) in &mut by_parent {
            // Newest first, as AWS lists them.
            ids.sort_by(|a, b| {
                let began = |id: &String| jobs[&(*kind, id.clone())].states[0].0;
                began(b).total_cmp(&began(a)).then_with(|| a.cmp(b))
            });
        }
        let books = Books { random: Some(Random::new(seed)), ..Books::default() };
        Self { begun: Instant::now(), jobs, by_parent, faults, books: Mutex::new(books) }
    }

    pub fn now(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    pub fn overdrawn(&self) -> BTreeMap<String, f64> {
        self.books.lock().unwrap().overdrawn.clone()
    }

    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.books.lock().unwrap().calls.clone()
    }

    /// Calls that were cut off on their way, and calls that hung until somebody gave them up.
    pub fn unanswered(&self) -> (u64, u64) {
        let books = self.books.lock().unwrap();
        (books.cut, books.hung)
    }

    fn chance(&self, part: f64) -> bool {
        part > 0.0 && self.random(|random| random.unit()) < part
    }

    fn random<T>(&self, act: impl FnOnce(&mut Random) -> T) -> T {
        act(self.books.lock().unwrap().random.as_mut().unwrap())
    }

    /// Books the call, as AWS does: within the budget or throttled.
    fn charge(&self, api: &Api, session: u64) -> Result<()> {
        let mut books = self.books.lock().unwrap();
        *books.calls.entry(api.name).or_default() += 1;
        let now = self.now();
        let account = api.account.map(|account| (account.service.to_owned(), account.burst, account.refill));
        let share = self.faults.share.unwrap_or(1.0);
        let mut throttled = false;
        for (name, burst, refill) in
            [Some((format!("{}:{}", api.service, api.name), api.burst, api.refill)), account].into_iter().flatten()
        {
            let (burst, refill) = ((burst * share).max(1.0), refill * share);
            let bucket = books.buckets.entry((scope(session), name.clone()));
            let bucket = bucket.or_insert(Tokens { tokens: burst, at: now });
            bucket.tokens = (bucket.tokens + (now - bucket.at) * refill).min(burst) - 1.0;
            bucket.at = now;
            let over = -bucket.tokens;
            if over > 0.01 {
                // What is refused costs nothing.
                bucket.tokens += 1.0;
                throttled = true;
            }
            let worst = books.overdrawn.entry(name).or_insert(0.0);
            *worst = worst.max(over);
        }
        if throttled { Err(error(api, "ThrottlingException", Class::Throttled)) } else { Ok(()) }
    }

    async fn call(&self, api: &'static Api, session: u64) -> Result<()> {
        let within = self.charge(api, session);
        let mut way = Way { world: self, arrived: false };
        let latency = self.random(|random| random.between(0.005, 0.3));
        sleep(Duration::from_secs_f64(latency)).await;
        way.arrived = true;
        drop(way);
        let faults = &self.faults;
        if self.chance(faults.hang) {
            self.books.lock().unwrap().hung += 1;
            std::future::pending::<()>().await;
        }
        within?;
        self.credentials(api, session)?;
        if faults.slow_backend.is_some_and(|until| self.now() < until) {
            let code = "OperationTimeoutException";
            return Err(error(api, code, classify(code, "", Some(400))));
        }
        if faults.denied.contains(&api.name) {
            return Err(error(api, "AccessDeniedException", Class::AccessDenied));
        }
        if self.chance(faults.throttled) {
            return Err(error(api, "ThrottlingException", Class::Throttled));
        }
        let down = faults.down.is_some_and(|(from, to)| (from..to).contains(&self.now()));
        if down || self.chance(faults.server_error) {
            return Err(error(api, "InternalServerError", Class::Transient));
        }
        if self.chance(faults.reset) {
            return Err(error(api, "ConnectionError", Class::Transient));
        }
        Ok(())
    }

    fn credentials(&self, api: &Api, session: u64) -> Result<()> {
        let (now, books) = (self.now(), self.books.lock().unwrap());
        if let Some((transient, from, to)) = self.faults.no_credentials
            && (from..to).contains(&now)
        {
            return Err(Error::Credentials { message: "no answer from 169.254.170.2".to_owned(), transient });
        }
        if let Some((at, provided)) = self.faults.rotated
            && now > at
            && !(provided && books.renewed.is_some_and(|renewed| renewed > at))
        {
            let code = "UnrecognizedClientException";
            return Err(error(api, code, classify(code, "", Some(400))));
        }
        let expires = books.expires.get(&session).copied().or(self.faults.expiry);
        if expires.is_some_and(|expires| expires < now) {
            return Err(error(api, "ExpiredTokenException", Class::Expired));
        }
        Ok(())
    }

    async fn one(&self, session: u64, kind: &'static Kind, id: &str) -> Result<Seen> {
        let api = kind.single_api(id);
        self.call(api, session).await?;
        let script = self.jobs.get(&(kind.name, id.to_owned()));
        if script.is_some_and(|script| script.denied) {
            return Err(error(api, "AccessDeniedException", Class::AccessDenied));
        }
        let seen = script.and_then(|script| script.seen(self.now()));
        let seen = seen.ok_or_else(|| error(api, "ResourceNotFound", Class::NotFound))?;
        let state = seen.state.to_string();
        Ok(seen.with_detail(json!({"Single": id, "State": state})))
    }

    /// A page of invocations after the other, then the command itself if none of them is pending.
    async fn whole(&self, session: u64, kind: &'static Kind, parent: Option<&str>, metered: &Metered) -> Result<Seen> {
        let ids = self.by_parent.get(&(kind.name, parent.map(str::to_owned))).map_or(&[][..], Vec::as_slice);
        let mut parts: Vec<Part> = Vec::new();
        for page in ids.chunks(kind.list.as_ref().and_then(|list| list.pages.as_ref()).unwrap().size) {
            let list = kind.whole.unwrap();
            metered.call(list, self.call(list, session)).await?;
            parts.extend(page.iter().filter_map(|id| {
                let state = self.jobs[&(kind.name, id.clone())].state(self.now())?.to_owned();
                Some(Part { id: id.clone(), state, detail: json!({"Part": id}) })
            }));
        }
        let first = |phase| parts.iter().find(|part| kind.states.phase(&part.state) == Some(phase));
        let state = match first(Phase::Failure).or(first(Phase::Pending)) {
            Some(part) => part.state.clone(),
            None => {
                let command = &service::ssm::states::LIST_COMMANDS;
                metered.call(command, self.call(command, session)).await?;
                let done = parts.len() == ids.len();
                first(Phase::Success).filter(|_| done).map_or("Pending".to_owned(), |part| part.state.clone())
            }
        };
        Ok(Seen { parts, ..Seen::new(state).with_detail(json!({})) })
    }

    async fn page(&self, session: u64, kind: &'static Kind, parent: Option<&str>, ask: &Ask) -> Result<Page> {
        let list = kind.list.as_ref().unwrap();
        self.call(list.api, session).await?;
        let now = self.now();
        let parent = parent.map(str::to_owned);
        let visible = |id: &str, at: f64| {
            let script = self.jobs.get(&(kind.name, id.to_owned()))?;
            (script.parent == parent && script.listed <= now).then(|| script.seen(at))?
        };
        if !ask.ids.is_empty() {
            assert!(ask.ids.len() <= list.ids.unwrap(), "{} ids in one {}", ask.ids.len(), list.api.name);
            let mut page = Page::default();
            for id in &ask.ids {
                match visible(id, now) {
                    Some(seen) => page.items.push((id.to_string(), seen)),
                    None if kind.name == "glue_crawler" => page.missing.push(id.to_string()),
                    None if kind.name == "emr_step" => {
                        return Err(error(list.api, "InvalidRequestException", Class::NotFound));
                    }
                    None => {}
                }
            }
            return Ok(page);
        }
        let pages = list.pages.as_ref().unwrap();
        let all = self.by_parent.get(&(kind.name, parent.clone())).map_or(&[][..], Vec::as_slice);
        let start: usize = ask.token.as_deref().map_or(0, |token| token.parse().unwrap());
        let mut page = Page::default();
        let mut position = start;
        while let Some(id) = all.get(position) {
            if page.items.len() == pages.size {
                page.next = Some(position.to_string());
                break;
            }
            position += 1;
            let at = if self.chance(self.faults.stale) { now - 5.0 } else { now };
            let Some(seen) = visible(id, at) else { continue };
            let ended = kind.states.phase(&seen.state).is_some_and(|phase| phase != Phase::Pending);
            let old = ask.created_after.is_some_and(|after| seen.created.unwrap() < after);
            if !(pages.active_only && ended || old || self.chance(self.faults.lost)) {
                page.items.push((id.clone(), seen));
            }
        }
        if let Some(items) = &list.items {
            let entries: Vec<Value> =
                page.items.iter().map(|(id, seen)| json!({items.id: id, "State": seen.state})).collect();
            page.raw = Some(json!({items.list: entries}).to_string().into_bytes());
        }
        Ok(page)
    }
}

pub fn error(api: &Api, code: &str, class: Class) -> Error {
    Error::Aws(AwsError {
        service: api.service.to_owned(),
        operation: api.name.to_owned(),
        code: code.to_owned(),
        message: "scripted".to_owned(),
        request_id: None,
        status: None,
        class,
    })
}

/// A call on its way to AWS.
struct Way<'a> {
    world: &'a World,
    arrived: bool,
}

impl Drop for Way<'_> {
    fn drop(&mut self) {
        if !self.arrived {
            self.world.books.lock().unwrap().cut += 1;
        }
    }
}

/// One session of the scripted AWS.
pub struct Simulated {
    pub world: Arc<World>,
    pub session: u64,
}

/// Two sessions each share an identity, and its budgets.
fn scope(session: u64) -> u64 {
    session / 2
}

impl Remote for Simulated {
    fn key(&self) -> u64 {
        self.session
    }

    fn scope(&self) -> String {
        format!("scope {}", scope(self.session))
    }

    fn one<'a>(&'a self, kind: &'static Kind, _parent: Option<&'a str>, id: &'a str) -> BoxFuture<'a, Result<Seen>> {
        Box::pin(self.world.one(self.session, kind, id))
    }

    fn page<'a>(&'a self, kind: &'static Kind, parent: Option<&'a str>, ask: &'a Ask) -> BoxFuture<'a, Result<Page>> {
        Box::pin(self.world.page(self.session, kind, parent, ask))
    }

    fn whole<'a>(
        &'a self,
        kind: &'static Kind,
        parent: Option<&'a str>,
        metered: &'a Metered,
    ) -> BoxFuture<'a, Result<Seen>> {
        Box::pin(self.world.whole(self.session, kind, parent, metered))
    }

    fn refresh(&self) -> BoxFuture<'_, Result<()>> {
        let mut books = self.world.books.lock().unwrap();
        books.renewed = Some(self.world.now());
        if let Some(expiry) = self.world.faults.expiry {
            books.expires.insert(self.session, self.world.now() + expiry);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn diagnose<'a>(
        &'a self,
        kind: &'static Kind,
        _parent: Option<&'a str>,
        id: &'a str,
        state: &'a str,
        detail: &'a Value,
        metered: &'a Metered,
    ) -> BoxFuture<'a, JobFailure> {
        Box::pin(async move {
            let history = &service::sfn::states::GET_EXECUTION_HISTORY;
            let told = kind.name == "sfn_execution"
                && metered.call(history, self.world.call(history, self.session)).await.is_ok();
            JobFailure {
                kind: kind.name.to_owned(),
                id: id.to_owned(),
                state: state.to_owned(),
                reason: None,
                cause: told.then(|| "told".to_owned()),
                logs: None,
                console_url: None,
                detail: detail.clone(),
            }
        })
    }

    fn follow<'a>(
        &'a self,
        _kind: &'static Kind,
        _parent: Option<&'a str>,
        _id: &'a str,
        _sink: EventSink,
        _ended: watch::Receiver<bool>,
        _metered: &'a Metered,
    ) -> Option<BoxFuture<'a, ()>> {
        None
    }
}
