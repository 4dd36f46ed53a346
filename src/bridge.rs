//! From the runtime's threads to an asyncio loop: one queue per loop.
//!
//! A `call_soon_threadsafe` for each of 10,000 ended waits would stall the loop
//! for seconds. Here whoever finds the queue empty wakes the loop once, and the
//! loop takes from the queue in small helpings between its other work.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mwaalib_core::process::PerProcess;
use mwaalib_core::wait::Event;
use mwaalib_core::{Error, Result};
use pyo3::prelude::*;

use crate::{blocking, error};

/// One helping ends after so long ...
const HELPING_TIME: Duration = Duration::from_millis(5);
/// ... or so many items, because what they set off is not counted in that time.
const HELPING_MOST: usize = 100;
/// The loop's own work between two helpings shall take about so long.
const BETWEEN: Duration = Duration::from_millis(10);

/// Items in a queue that is not taken from after which its loop is looked at.
const LOOK_EVERY: usize = 1024;

pub enum Item {
    Done { future: Py<PyAny>, result: Result<String> },
    Event { callback: Arc<Callback>, event: Event },
}

/// A function and the context it is called in: Airflow routes a trigger's log by context.
pub struct Callback {
    pub function: Py<PyAny>,
    pub context: Py<PyAny>,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    /// A drain is on its way, or under way.
    woken: bool,
}

/// The queue of one loop.
#[pyclass(frozen, module = "mwaalib._core")]
pub struct Bridge {
    event_loop: Py<PyAny>,
    queue: Mutex<Queue>,
    pace: Mutex<Pace>,
}

struct Pace {
    helping: usize,
    ended: Option<Instant>,
}

/// Bridges by the loop's address. A loop's bridge holds the loop, so that an address stays its own.
static BRIDGES: PerProcess<Mutex<HashMap<usize, Py<Bridge>>>> = PerProcess::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bridge {
    /// The bridge to the loop, made on first use; those of loops closed since are let go.
    pub fn of(event_loop: &Bound<'_, PyAny>) -> PyResult<Py<Self>> {
        let py = event_loop.py();
        let address = event_loop.as_ptr() as usize;
        if let Some(bridge) = lock(BRIDGES.get()).get(&address) {
            return Ok(bridge.clone_ref(py));
        }
        let pace = Mutex::new(Pace { helping: HELPING_MOST, ended: None });
        let bridge = Py::new(py, Self { event_loop: event_loop.clone().unbind(), queue: Mutex::default(), pace })?;
        let mut closed = Vec::new();
        let known: Vec<Py<Self>> = lock(BRIDGES.get()).values().map(|bridge| bridge.clone_ref(py)).collect();
        for other in known {
            if !other.get().is_open(py)? {
                closed.push(other.get().event_loop.as_ptr() as usize);
            }
        }
        let mut gone = Vec::new();
        let mut bridges = lock(BRIDGES.get());
        gone.extend(closed.into_iter().filter_map(|address| bridges.remove(&address)));
        bridges.insert(address, bridge.clone_ref(py));
        drop(bridges);
        Ok(bridge)
    }

    /// Puts an item into the queue of `bridge`, from any thread.
    pub fn push(bridge: &Arc<Py<Self>>, item: Item) {
        let mut queue = lock(&bridge.get().queue);
        queue.items.push_back(item);
        let woken = std::mem::replace(&mut queue.woken, true);
        // A loop that was closed after it was woken does not come: look now and then.
        let look = woken && queue.items.len().is_multiple_of(LOOK_EVERY);
        drop(queue);
        if woken && !look {
            return;
        }
        // None: the interpreter is going, and the loop with it.
        Python::try_attach(|py| {
            let this = bridge.bind(py);
            let open = if look { this.get().is_open(py) } else { Self::call_drain(this, "call_soon_threadsafe") };
            if !matches!(open, Ok(true)) {
                this.get().give_up();
            }
        });
    }

    fn call_drain(this: &Bound<'_, Self>, how: &str) -> PyResult<bool> {
        this.get().event_loop.call_method1(this.py(), how, (this.getattr("drain")?,))?;
        Ok(true)
    }

    fn is_open(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(!self.event_loop.call_method0(py, "is_closed")?.is_truthy(py)?)
    }

    /// The loop is closed: nobody waits any more.
    fn give_up(&self) {
        let left = std::mem::take(&mut *lock(&self.queue));
        // Not under the lock: what a callback held may push as it goes.
        drop(left);
    }
}

#[pymethods]
impl Bridge {
    /// Serves the queue for a while, in the loop's thread, and comes back if there is more.
    fn drain(slf: &Bound<'_, Self>) -> PyResult<()> {
        let py = slf.py();
        let bridge = slf.get();
        let helping = lock(&bridge.pace).start();
        let start = Instant::now();
        for served in 0.. {
            if served >= helping || start.elapsed() >= HELPING_TIME {
                lock(&bridge.pace).ended = Some(Instant::now());
                if Self::call_drain(slf, "call_soon").is_err() {
                    bridge.give_up();
                }
                return Ok(());
            }
            let item = {
                let mut queue = lock(&bridge.queue);
                let item = queue.items.pop_front();
                queue.woken = item.is_some();
                item
            };
            let Some(item) = item else { break };
            if let Err(e) = item.serve(py) {
                e.write_unraisable(py, Some(slf));
            }
        }
        lock(&bridge.pace).ended = None;
        Ok(())
    }
}

impl Pace {
    /// How many items to serve now, given how long the last ones kept the loop busy.
    fn start(&mut self) -> usize {
        if let Some(ended) = self.ended {
            let between = ended.elapsed();
            if between > BETWEEN * 3 / 2 {
                self.helping = (self.helping / 2).max(1);
            } else if between < BETWEEN / 2 {
                self.helping = (self.helping + self.helping / 4 + 1).min(HELPING_MOST);
            }
        }
        self.helping
    }
}

impl Item {
    fn serve(self, py: Python<'_>) -> PyResult<()> {
        match self {
            Self::Event { callback, event } => {
                let arguments = (&callback.function, blocking::event_json(&event));
                callback.context.call_method1(py, "run", arguments).map(drop)
            }
            Self::Done { future, result } => {
                if future.call_method0(py, "done")?.is_truthy(py)? {
                    return Ok(());
                }
                match result {
                    Ok(text) => future.call_method1(py, "set_result", (text,)),
                    Err(Error::Cancelled) => future.call_method0(py, "cancel"),
                    Err(e) => future.call_method1(py, "set_exception", (error::raise(py, &e),)),
                }
                .map(drop)
            }
        }
    }
}
