//! The task that polls for one group, and the calls it makes.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::apply::{Failure, Round};
use super::call::Caller;
use super::group::Group;
use super::items::Descriptions;
use super::job::{End, Job};
use super::kind::{ALL, Api, List};
use super::metered::Permit;
use super::plan::{Missing, Mode, Picked, otherwise, worth_a_page};
use super::random;
use super::remote::{Ask, Page};
use crate::error::{AwsError, Class, Error, Result};

/// A list that AWS refuses is tried again after this.
const LIST_PAUSE: Duration = Duration::from_secs(900);
/// A scan goes no further than this, whatever it still misses.
const MOST_PAGES: usize = 100;

const PAGE_TRIES: usize = 4;
const PAGE_PAUSE: Duration = Duration::from_secs(1);

/// Polls until nobody waits any more.
pub(crate) async fn run(group: Arc<Group>) {
    let _leave = Leave(Arc::clone(&group));
    group.metered.shared.counters.pollers.fetch_add(1, Relaxed);
    let mut calls = JoinSet::new();
    loop {
        let concurrency = group.metered.shared.options().concurrency;
        let plan = group.with(|jobs| {
            let list = group.list();
            (!jobs.jobs.is_empty()).then(|| jobs.plan(Instant::now(), list, concurrency))
        });
        let Some(plan) = plan else {
            // Calls in flight answer nobody.
            calls.abort_all();
            if group.metered.shared.retire(&group) {
                return;
            }
            continue;
        };
        for mode in plan.calls {
            // Made here: a task that is aborted before it runs must free its place too.
            calls.spawn(call(Slot { group: Arc::clone(&group), mode, queued: true }));
        }
        let wake = plan.wake.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            () = group.wake.notified() => {}
            () = sleep_until(wake) => {}
            Some(_) = calls.join_next(), if !calls.is_empty() => {}
        }
    }
}

/// Whatever ends the poller, nobody is left waiting for it.
struct Leave(Arc<Group>);

impl Drop for Leave {
    fn drop(&mut self) {
        let group = &self.0;
        group.metered.shared.forget(group);
        group.metered.shared.counters.pollers.fetch_sub(1, Relaxed);
        let left: Vec<_> = group.with(|jobs| {
            if jobs.outlook.stretched.take().is_some() {
                group.metered.shared.counters.stretched.fetch_sub(1, Relaxed);
            }
            jobs.jobs.drain().flat_map(|(_, job)| job.attached).collect()
        });
        for attach in left {
            attach.waiter.end(End::Error(Error::Cancelled));
        }
    }
}

async fn call(mut slot: Slot) {
    let (group, mode) = (Arc::clone(&slot.group), slot.mode);
    let (api, due) = group.with(|jobs| {
        let first = jobs.first_for(mode);
        let api = match (mode, group.list()) {
            (Mode::Batch | Mode::Scan, Some(list)) => list.api,
            _ => group.kind.single_api(first.map_or("", |job| &*job.id)),
        };
        (api, first.map_or_else(Instant::now, |job| job.due))
    });
    let caller = Caller::new(&group, api);
    let asked = Instant::now();
    let permit = caller.permit(due).await;
    slot.started();
    // Only now is chosen whom to ask for: who came while the budget was short is in.
    let now = Instant::now();
    let picked = Picks::take(&group, mode, now, api);
    if picked.jobs.is_empty() {
        return;
    }
    group.metered.shared.counters.late(now.saturating_duration_since(picked.due));
    let late = now.saturating_duration_since(due);
    caller.stretch(late, now.saturating_duration_since(asked));
    match (mode, group.list()) {
        (Mode::Scan, Some(list)) => scan(&group, &caller, permit, list, picked).await,
        (Mode::Batch, Some(list)) => batch(&group, &caller, permit, list, picked).await,
        _ => single(&group, &caller, permit, picked).await,
    }
}

/// One call's place among those of its group.
struct Slot {
    group: Arc<Group>,
    mode: Mode,
    queued: bool,
}

impl Slot {
    /// The call has its budget.
    fn started(&mut self) {
        if std::mem::take(&mut self.queued) {
            self.with(|load| load.queued -= 1);
        }
    }

    fn with(&self, act: impl FnOnce(&mut super::plan::Load)) {
        self.group.with(|jobs| match self.mode {
            Mode::Single { .. } => act(&mut jobs.outlook.singles),
            Mode::Batch => act(&mut jobs.outlook.batches),
            Mode::Scan => {}
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.started();
        self.with(|load| load.active -= 1);
        if self.mode == Mode::Scan {
            self.group.with(|jobs| jobs.outlook.scanning = false);
        }
    }
}

/// Jobs taken for a call. Those it leaves unanswered, for whatever reason, are
/// put back to be asked for again.
struct Picks<'a> {
    group: &'a Group,
    jobs: Picked,
    due: Instant,
    done: bool,
}

impl<'a> Picks<'a> {
    /// `api` is what the permit is for: the next job may need another call by now.
    fn take(group: &'a Group, mode: Mode, now: Instant, api: &'static Api) -> Self {
        let (jobs, due) = group.with(|jobs| {
            let fits = |job: &Job| std::ptr::eq(group.kind.single_api(&job.id), api);
            let picked = jobs.pick(mode, now, group.list(), fits);
            let due = picked.iter().filter_map(|(key, _)| jobs.jobs.get(key)).map(|job| job.due).min();
            (picked, due.unwrap_or(now))
        });
        Self { group, jobs, due, done: false }
    }

    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Picks<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let soon = Instant::now() + Duration::from_secs(1);
        self.group.with(|jobs| {
            for (key, _) in &self.jobs {
                if jobs.jobs.get(key).is_some_and(|job| job.in_flight) {
                    jobs.reschedule(*key, soon);
                }
            }
        });
    }
}

async fn single(group: &Group, caller: &Caller<'_>, permit: Permit, picked: Picks<'_>) {
    let Some((key, id)) = picked.jobs.first().cloned() else { return };
    let remote = &group.metered.remote;
    let answer = if *id == *ALL {
        let metered = group.metered.beginning_with(permit);
        remote.whole(group.kind, group.parent(), &metered).await
    } else {
        caller.call(permit, remote.one(group.kind, group.parent(), &id)).await
    };
    let (scale, options, answered) =
        (caller.scale(), group.metered.shared.options(), group.metered.standing.answered());
    if answer.is_ok() {
        group.metered.shared.counters.answered(caller.api, 1);
    }
    group.apply(|jobs, out| match answer {
        Ok(seen) => {
            let mut round = Round { detail: None, single: true, now: Instant::now(), scale };
            jobs.seen(group.kind, &id, seen, &mut round, out);
        }
        Err(error) => jobs.failed(group.kind, key, &Failure::new(&error, true, &options, answered), out),
    });
    picked.done();
}

async fn batch(group: &Group, caller: &Caller<'_>, permit: Permit, list: &List, picked: Picks<'_>) {
    let ask = Ask { ids: picked.jobs.iter().map(|(_, id)| Arc::clone(id)).collect(), ..Ask::default() };
    let answer = caller.call(permit, group.metered.remote.page(group.kind, group.parent(), &ask)).await;
    let mut missing: Missing = picked.jobs.iter().map(|(key, id)| (Arc::clone(id), *key)).collect();
    match answer {
        Ok(page) => {
            take_page(group, caller, list, page, &mut missing);
            group.apply(|jobs, _| jobs.ask_singly(missing.into_values()));
        }
        Err(error) => refused(group, caller, &error, missing),
    }
    picked.done();
}

async fn scan(group: &Group, caller: &Caller<'_>, permit: Permit, list: &List, picked: Picks<'_>) {
    let mut missing: Missing = picked.jobs.iter().map(|(key, id)| (Arc::clone(id), *key)).collect();
    let created_after = group.with(|jobs| jobs.oldest(&picked.jobs));
    let mut ask = Ask { created_after, ..Ask::default() };
    let (mut barren, mut permit) = (0, Some(permit));
    for pages in 1.. {
        let page = match next_page(group, caller, permit.take(), picked.due, &ask).await {
            Ok(page) => page,
            // The list was good a moment ago: what is wrong is the place in it.
            Err(error) if pages > 1 && matches!(error.class(), Some(Class::Permanent | Class::NotFound)) => break,
            Err(error) => {
                refused(group, caller, &error, missing);
                return picked.done();
            }
        };
        ask.token = page.next.clone();
        let before = missing.len();
        take_page(group, caller, list, page, &mut missing);
        barren = if missing.len() < before { 0 } else { barren + 1 };
        let enough = missing.is_empty() || ask.token.is_none();
        if enough || pages == MOST_PAGES || !worth_a_page(list, missing.len(), barren) {
            let rest = if enough { 0 } else { otherwise(list, missing.len()) };
            group.with(|jobs| jobs.outlook.scanned(pages + rest));
            break;
        }
    }
    let by_ids = ask.token.is_some() && list.ids.is_some();
    group.apply(|jobs, _| match by_ids {
        // They are further back than it was worth looking.
        true => jobs.ask_again(missing.into_values()),
        false => jobs.ask_singly(missing.into_values()),
    });
    picked.done();
}

/// Gets a page. One further down is tried again: else the scan would begin anew, and a list of
/// many pages would never be read to its end.
async fn next_page(
    group: &Group,
    caller: &Caller<'_>,
    permit: Option<Permit>,
    due: Instant,
    ask: &Ask,
) -> Result<Page> {
    let tries = if permit.is_some() { 1 } else { PAGE_TRIES };
    let mut permit = permit;
    for left in (0..tries).rev() {
        let permit = match permit.take() {
            Some(permit) => permit,
            None => caller.permit(due).await,
        };
        match caller.call(permit, group.metered.remote.page(group.kind, group.parent(), ask)).await {
            Err(error) if left > 0 && passes(&error) => sleep(PAGE_PAUSE.mul_f64(0.5 + random::unit())).await,
            answer => return answer,
        }
    }
    Err(Error::Cancelled)
}

fn passes(error: &Error) -> bool {
    matches!(error.class(), Some(Class::Transient | Class::Throttled | Class::Expired))
}

/// Applies a page to all jobs of the group that it tells of, asked for or not.
fn take_page(group: &Group, caller: &Caller<'_>, list: &List, page: Page, missing: &mut Missing) {
    let (now, scale) = (Instant::now(), caller.scale());
    let options = group.metered.shared.options();
    let mut descriptions = Descriptions::new(list.items.as_ref(), page.raw);
    let mut find = |id: &str| -> Option<Value> { descriptions.find(id) };
    let mut answered = 0;
    let mut absent: Vec<(u64, Arc<str>)> = Vec::new();
    group.apply(|jobs, out| {
        let mut round = Round { detail: Some(&mut find), single: false, now, scale };
        for (id, seen) in page.items {
            if jobs.find(&id).is_some() {
                jobs.seen(group.kind, &id, seen, &mut round, out);
                missing.remove(id.as_str());
                answered += 1;
            }
        }
        for id in page.missing {
            absent.extend(missing.remove_entry(id.as_str()).map(|(id, key)| (key, id)));
        }
        let random = random::unit();
        for (key, id) in &absent {
            let error = Error::Aws(AwsError {
                service: caller.api.service.to_owned(),
                operation: caller.api.name.to_owned(),
                code: "EntityNotFoundException".to_owned(),
                message: format!("{id} does not exist"),
                request_id: None,
                status: None,
                class: Class::NotFound,
            });
            // The list said outright that there is no such job, as the single call would.
            let failure = Failure { error: &error, single: true, random, options: &options, answered: true };
            jobs.failed(group.kind, *key, &failure, out);
        }
    });
    group.metered.shared.counters.answered(caller.api, answered + absent.len());
}

/// The list call failed: later again, or never, or job by job.
fn refused(group: &Group, caller: &Caller<'_>, error: &Error, missing: Missing) {
    // Getting credentials may have failed instead: that says nothing about the list.
    let of_list = match error {
        Error::Aws(e) => e.operation == caller.api.name && !e.refuses_credentials(),
        _ => false,
    };
    let denied = of_list && error.class() == Some(Class::AccessDenied);
    // A bad id spoils a list of ids; a list without ids is itself at fault.
    let at_fault = of_list && group.list().is_some_and(|list| list.ids.is_none());
    let lasting = denied || at_fault && matches!(error.class(), Some(Class::Permanent | Class::NotFound));
    if lasting {
        group.with(|jobs| jobs.outlook.list_off = Some(Instant::now() + LIST_PAUSE));
        group.metered.shared.counters.fallbacks.fetch_add(1, Relaxed);
    }
    let options = group.metered.shared.options();
    let failure = Failure::new(error, false, &options, group.metered.standing.answered());
    group.apply(|jobs, out| {
        for key in missing.into_values() {
            jobs.failed(group.kind, key, &failure, out);
        }
    });
    if denied && group.metered.standing.denied_first(caller.api) {
        group.notice(&format!(
            "{} is denied, so each {} is polled by itself with {}; allow {} to poll with fewer calls",
            caller.api.name, group.kind.name, group.kind.single.name, caller.api.permission,
        ));
    }
}
