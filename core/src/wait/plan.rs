//! Which calls answer the waits that are due, for the least number of calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::group::{GATHER, Jobs};
use super::job::Job;
use super::kind::List;

/// Enough to choose by; if so many are due, nearly all are.
const COUNT: usize = 512;
/// Lists of ids stay with ids up to here: a page may hold other jobs.
const PAGES_FROM: usize = 100;

/// What past calls taught about the group's lists, and what is under way.
#[derive(Default)]
pub(crate) struct Outlook {
    /// Calls the last scan needed; fades, since the list may have changed.
    pages: Option<f64>,
    /// The list call is of no use until then.
    pub list_off: Option<Instant>,
    pub scanning: bool,
    /// Calls for single jobs and for lists of ids: waiting for budget, and in all.
    pub singles: Load,
    pub batches: Load,
    /// The interval last told to the waits as stretched.
    pub stretched: Option<Duration>,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Load {
    pub queued: usize,
    pub active: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One job by the single call. Only jobs that no list tells, if `solo`.
    Single { solo: bool },
    /// Some jobs by a list of their ids.
    Batch,
    /// All jobs by paging through the list.
    Scan,
}

pub(crate) struct Plan {
    /// Calls to begin now.
    pub calls: Vec<Mode>,
    /// When to plan again, if nothing happens before.
    pub wake: Option<Instant>,
}

pub(crate) type Picked = Vec<(u64, Arc<str>)>;

impl Outlook {
    /// A scan took so many calls, those for what it did not find included.
    pub fn scanned(&mut self, calls: usize) {
        self.pages = Some(calls as f64);
    }

    fn pages(&self, list: &List, jobs: usize) -> f64 {
        let size = list.pages.as_ref().map_or(1, |pages| pages.size);
        self.pages.unwrap_or_else(|| jobs.div_ceil(size) as f64)
    }

    /// So great a part of the jobs was asked for without a scan.
    fn fade(&mut self, part: f64) {
        if let Some(pages) = &mut self.pages {
            *pages = (*pages * (1.0 - 0.05 * part)).max(1.0);
        }
    }
}

impl Jobs {
    /// The calls to begin now, besides those under way.
    pub fn plan(&mut self, now: Instant, list: Option<&List>, concurrency: usize) -> Plan {
        // No more than that can begin or wait for budget.
        let solo = self.solo().take(2 * concurrency).take_while(|(_, job)| job.due <= now).count();
        let joint = self.joint_due(now);
        let mut calls = Vec::new();
        let mode = match joint {
            0 => None,
            _ => Some(self.mode(joint, list, now)),
        };
        let singles = solo + if mode == Some(Mode::Single { solo: false }) { joint } else { 0 };
        let only_solo = mode != Some(Mode::Single { solo: false });
        let begin = |wanted: usize, load: &mut Load| {
            let free = concurrency.saturating_sub(load.active);
            let count = wanted.saturating_sub(load.queued).min(free);
            load.queued += count;
            load.active += count;
            count
        };
        let count = begin(singles, &mut self.outlook.singles);
        calls.extend(std::iter::repeat_n(Mode::Single { solo: only_solo }, count));
        match mode {
            Some(Mode::Scan) if !self.outlook.scanning => {
                self.outlook.scanning = true;
                calls.push(Mode::Scan);
            }
            Some(Mode::Batch) => {
                let size = list.and_then(|list| list.ids).unwrap_or(1);
                let count = begin(joint.div_ceil(size), &mut self.outlook.batches);
                calls.extend(std::iter::repeat_n(Mode::Batch, count));
            }
            _ => {}
        }
        // What is due already waits for a call under way to end.
        Plan { calls, wake: self.next_due(now) }
    }

    /// How many jobs that a list may tell of are due, if any is; about, if they are many.
    fn joint_due(&self, now: Instant) -> usize {
        if self.joint().next().is_none_or(|(_, first)| first.due > now) {
            return 0;
        }
        match self.joint().take(COUNT).take_while(|(_, job)| job.due <= now + GATHER).count() {
            COUNT => self.joint_len(),
            count => count,
        }
    }

    /// The cheapest call for `due` jobs.
    fn mode(&self, due: usize, list: Option<&List>, now: Instant) -> Mode {
        let single = Mode::Single { solo: false };
        let Some(list) = list.filter(|_| due > 1 && self.outlook.list_off.is_none_or(|until| until <= now)) else {
            return single;
        };
        let jobs = self.jobs.len();
        let batches = list.ids.map(|size| due.div_ceil(size) as f64);
        let pages = list.pages.as_ref().map(|_| self.outlook.pages(list, jobs));
        match (batches, pages) {
            (Some(batches), Some(pages)) if due > PAGES_FROM && pages * 1.2 < batches => Mode::Scan,
            (Some(_), _) => Mode::Batch,
            (None, Some(pages)) if pages <= due as f64 => Mode::Scan,
            _ => single,
        }
    }

    /// The job that a call of this mode is made for first.
    pub fn first_for(&self, mode: Mode) -> Option<&Job> {
        match mode {
            Mode::Single { solo: true } => self.solo().next().map(|(_, job)| job),
            Mode::Single { solo: false } => self.first(),
            Mode::Batch | Mode::Scan => self.joint().next().map(|(_, job)| job),
        }
    }

    /// Takes the jobs that a call of this mode asks for; a single one if it `fits`.
    ///
    /// A call for many takes along who is due before long: it costs little or
    /// nothing, and brings those with equal intervals into step.
    pub fn pick(&mut self, mode: Mode, now: Instant, list: Option<&List>, fits: impl Fn(&Job) -> bool) -> Picked {
        let soon = |(_, job): &(u64, &Job)| job.due <= now + job.delay() / 2;
        let keys: Vec<u64> = match mode {
            Mode::Single { solo } => {
                let due = |(_, job): &(u64, &Job)| job.due <= now;
                let solos = self.solo().take_while(due).find(|(_, job)| fits(job));
                let joints = self.joint().take_while(due).find(|(_, job)| !solo && fits(job));
                let first = [solos, joints].into_iter().flatten().min_by_key(|(_, job)| job.due);
                first.map(|(key, _)| key).into_iter().collect()
            }
            Mode::Batch => {
                let size = list.and_then(|list| list.ids).unwrap_or(1);
                self.joint().filter(soon).map(|(key, _)| key).take(size).collect()
            }
            Mode::Scan => self.joint().filter(soon).map(|(key, _)| key).collect(),
        };
        if mode == Mode::Scan || mode == Mode::Batch {
            self.swept = Some(now);
        }
        if mode != Mode::Scan {
            self.outlook.fade(keys.len() as f64 / self.jobs.len().max(1) as f64);
        }
        keys.into_iter().filter_map(|key| self.take(key).map(|id| (key, id))).collect()
    }

    /// The creation time of the oldest of these jobs, if all are known.
    pub fn oldest(&self, picked: &Picked) -> Option<f64> {
        picked
            .iter()
            .map(|(key, _)| self.jobs.get(key).and_then(|job| job.created))
            .try_fold(f64::INFINITY, |oldest, created| created.map(|created| oldest.min(created)))
            .filter(|oldest| oldest.is_finite())
    }
}

/// The picked jobs that a scan has not met yet.
pub(crate) type Missing = HashMap<Arc<str>, u64>;

/// A page with none of ours is worth trying for so many other calls saved.
const CALLS_PER_PAGE: usize = 10;

/// What asking for the missing jobs without a scan costs, in calls.
pub(crate) fn otherwise(list: &List, missing: usize) -> usize {
    missing.div_ceil(list.ids.unwrap_or(1))
}

/// Whether a further page may cost less than asking for the missing jobs otherwise.
///
/// Newest come first, so ours may all be behind many of other people's: how
/// many pages without ours are borne depends on what finding ours would save.
pub(crate) fn worth_a_page(list: &List, missing: usize, barren: usize) -> bool {
    missing > 1 && barren < (otherwise(list, missing) / CALLS_PER_PAGE).max(2)
}
