//! Which calls answer the waits that are due, for the least number of calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::group::{GATHER, Jobs};
use super::job::Job;
use super::kind::List;

/// Enough to choose by; counting further would cost more than it tells.
const COUNT: usize = 512;
/// Lists of ids stay with ids up to here: a page may hold other jobs.
const PAGES_FROM: usize = 100;

/// What past calls taught about the group's lists, and what is under way.
#[derive(Default)]
pub(crate) struct Outlook {
    /// Pages the last scan needed; fades, since the list may have changed.
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
    pub fn scanned(&mut self, pages: usize) {
        self.pages = Some(pages as f64);
    }

    fn pages(&self, list: &List, jobs: usize) -> f64 {
        let size = list.pages.as_ref().map_or(1, |pages| pages.size);
        self.pages.unwrap_or_else(|| jobs.div_ceil(size) as f64)
    }

    fn fade(&mut self) {
        if let Some(pages) = &mut self.pages {
            *pages = (*pages * 0.95).max(1.0);
        }
    }
}

impl Jobs {
    /// The calls to begin now, besides those under way.
    pub fn plan(&mut self, now: Instant, list: Option<&List>, concurrency: usize) -> Plan {
        let (mut solo, mut joint) = (0, 0);
        if self.first_due().is_some_and(|first| first <= now) {
            for (_, job) in self.waiting().take_while(|(_, job)| job.due <= now + GATHER).take(COUNT) {
                if !job.solo {
                    joint += 1;
                } else if job.due <= now {
                    solo += 1;
                }
            }
        }
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
                // A full count may stand for many more.
                let wanted = if joint + solo == COUNT { concurrency } else { joint.div_ceil(size) };
                let count = begin(wanted, &mut self.outlook.batches);
                calls.extend(std::iter::repeat_n(Mode::Batch, count));
            }
            _ => {}
        }
        // What is due already waits for a call under way to end.
        let wake = self.waiting().map(|(_, job)| job.due).find(|due| *due > now);
        Plan { calls, wake }
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

    /// Takes the jobs that a call of this mode asks for.
    ///
    /// A call for many takes along who is due before long: it costs little or
    /// nothing, and brings those with equal intervals into step.
    pub fn pick(&mut self, mode: Mode, now: Instant, list: Option<&List>) -> Picked {
        let soon = |job: &Job| job.due <= now + job.delay() / 2;
        let keys: Vec<u64> = match mode {
            Mode::Single { solo } => self
                .waiting()
                .take_while(|(_, job)| job.due <= now)
                .find(|(_, job)| job.solo || !solo)
                .map(|(key, _)| key)
                .into_iter()
                .collect(),
            Mode::Batch => {
                let size = list.and_then(|list| list.ids).unwrap_or(1);
                let due = |job: &Job| !job.solo && soon(job);
                self.waiting().filter(|(_, job)| due(job)).map(|(key, _)| key).take(size).collect()
            }
            Mode::Scan => self.waiting().filter(|(_, job)| !job.solo && soon(job)).map(|(key, _)| key).collect(),
        };
        if mode == Mode::Scan || mode == Mode::Batch {
            self.swept = Some(now);
        }
        if mode != Mode::Scan {
            self.outlook.fade();
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

/// Whether a further page may cost less than asking for each missing job.
///
/// Newest come first: after two pages with none of ours, the rest is unlikely
/// to hold them.
pub(crate) fn worth_a_page(missing: &Missing, barren: usize) -> bool {
    missing.len() > 1 && barren < 2
}
