//! What the engine knows about a kind of wait: its states, its calls, its lists.

use std::borrow::Cow;

use serde::Serialize;

/// A state as AWS names it; borrowed when the table knows it.
pub type State = Cow<'static, str>;

/// Every state of a kind, each pending, success or failure.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StateTable {
    pub pending: &'static [&'static str],
    pub success: &'static [&'static str],
    pub failure: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Pending,
    Success,
    Failure,
}

impl StateTable {
    fn lookup(&self, state: &str) -> Option<(&'static str, Phase)> {
        [(self.pending, Phase::Pending), (self.success, Phase::Success), (self.failure, Phase::Failure)]
            .into_iter()
            .find_map(|(names, phase)| names.iter().find(|name| **name == state).map(|name| (*name, phase)))
    }

    pub fn phase(&self, state: &str) -> Option<Phase> {
        self.lookup(state).map(|(_, phase)| phase)
    }

    /// The table's own copy of the name, so that ten thousand waits hold none.
    pub fn intern(&self, state: &str) -> State {
        match self.lookup(state) {
            Some((name, _)) => Cow::Borrowed(name),
            None => Cow::Owned(state.to_owned()),
        }
    }
}

/// One AWS operation, the IAM action that allows it, and the rate AWS allows.
#[derive(Debug)]
pub struct Api {
    pub service: &'static str,
    pub name: &'static str,
    pub permission: &'static str,
    /// Calls that may be made at once after a pause.
    pub burst: f64,
    /// Calls a second after that.
    pub refill: f64,
    /// A second budget, shared by all calls of the service.
    pub account: Option<&'static Account>,
}

/// A budget that AWS puts on all calls of a service together.
#[derive(Debug)]
pub struct Account {
    pub service: &'static str,
    pub burst: f64,
    pub refill: f64,
}

/// A call that answers many waits.
#[derive(Debug)]
pub struct List {
    pub api: &'static Api,
    /// The list takes ids, at most so many.
    pub ids: Option<usize>,
    /// The list can be paged through without ids.
    pub pages: Option<Pages>,
    /// Where the reply holds a job's description. Without it, a job that ended
    /// is described once more by the single call.
    pub items: Option<Items>,
    /// The list is of one parent (a cluster, a state machine): no parent, no list.
    pub needs_parent: bool,
}

#[derive(Debug)]
pub struct Pages {
    /// Entries a page.
    pub size: usize,
    /// Only jobs that have not ended are listed: who is missing has ended, or
    /// is not listed yet.
    pub active_only: bool,
}

/// `{"Steps": [{"Id": ...}]}` in the list's reply is `{"Step": {...}}` in the single one's.
#[derive(Debug)]
pub struct Items {
    pub list: &'static str,
    pub id: &'static str,
    pub single: &'static str,
}

/// One kind of wait.
#[derive(Debug)]
pub struct Kind {
    pub name: &'static str,
    pub states: StateTable,
    pub single: &'static Api,
    /// The call behind the id `*`, which stands for all jobs of the parent.
    pub whole: Option<&'static Api>,
    pub list: Option<List>,
    /// Derives the parent from an id, for kinds whose ids name it.
    pub parent_of: Option<fn(&str) -> Option<String>>,
    /// The console's page of a job, by its region, parent and id: what follows the host.
    pub console: fn(&str, Option<&str>, &str) -> Option<String>,
}

/// The id that stands for all jobs of a parent.
pub const ALL: &str = "*";

impl Kind {
    pub fn single_api(&self, id: &str) -> &'static Api {
        match self.whole {
            Some(api) if id == ALL => api,
            _ => self.single,
        }
    }

    /// The list call, where this parent has one.
    pub fn list_for(&self, parent: Option<&str>) -> Option<&List> {
        self.list.as_ref().filter(|list| !list.needs_parent || parent.is_some())
    }

    /// All operations that waiting for this kind may call.
    pub fn apis(&self) -> impl Iterator<Item = &'static Api> {
        [Some(self.single), self.whole, self.list.as_ref().map(|list| list.api)].into_iter().flatten()
    }
}
