//! State that belongs to one process and is made anew in a forked child.
//!
//! Airflow forks without exec. A lock that another thread held during the fork
//! stays locked in the child, and sockets and epoll registrations are shared
//! with the parent. So the child must neither use nor drop what it inherited:
//! it leaks it, and builds its own on first use.

use std::sync::atomic::{AtomicPtr, Ordering};

struct Slot<T> {
    pid: u32,
    value: T,
}

/// A lazily built value of which each process has its own.
///
/// `build` must be cheap and start nothing: two threads may both call it, and
/// the loser's value is dropped. Put a `OnceLock` inside for what is not cheap.
pub struct PerProcess<T: 'static> {
    slot: AtomicPtr<Slot<T>>,
    build: fn() -> T,
}

impl<T: Sync + Send> PerProcess<T> {
    pub const fn new(build: fn() -> T) -> Self {
        Self { slot: AtomicPtr::new(std::ptr::null_mut()), build }
    }

    /// The value of this process, built on first use.
    pub fn get(&'static self) -> &'static T {
        match self.current() {
            Ok(value) => value,
            Err(seen) => {
                let fresh = Box::into_raw(Box::new(Slot { pid: std::process::id(), value: (self.build)() }));
                if self.slot.compare_exchange(seen, fresh, Ordering::AcqRel, Ordering::Acquire).is_err() {
                    drop(owned(fresh));
                }
                match self.current() {
                    Ok(value) => value,
                    Err(_) => unreachable!("the slot was just filled by this process"),
                }
            }
        }
    }

    /// The value of this process if there is one already.
    pub fn peek(&'static self) -> Option<&'static T> {
        self.current().ok()
    }

    #[allow(unsafe_code)]
    fn current(&'static self) -> std::result::Result<&'static T, *mut Slot<T>> {
        let seen = self.slot.load(Ordering::Acquire);
        // SAFETY: a non-null pointer comes from Box::into_raw and, once published, is never freed.
        match unsafe { seen.as_ref() } {
            Some(slot) if slot.pid == std::process::id() => Ok(&slot.value),
            _ => Err(seen),
        }
    }
}

/// A value that forked children inherit, read and set without a lock, which a fork may find held.
///
/// Each value that was ever set is leaked: somebody may still read it. So it is for what changes seldom.
pub struct Inherited<T: 'static>(AtomicPtr<T>);

impl<T: Sync + Send> Inherited<T> {
    pub const fn new() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    pub fn set(&self, value: T) {
        self.0.store(Box::into_raw(Box::new(value)), Ordering::Release);
    }

    /// What was set last, by this process or the one it was forked from.
    #[allow(unsafe_code)]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: a non-null pointer comes from Box::into_raw and is never freed.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }
}

impl<T: Sync + Send> Default for Inherited<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(unsafe_code)]
fn owned<T>(slot: *mut Slot<T>) -> Box<Slot<T>> {
    // SAFETY: called only with a pointer from Box::into_raw that was never published.
    unsafe { Box::from_raw(slot) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    static BUILT: AtomicUsize = AtomicUsize::new(0);
    static CELL: PerProcess<usize> = PerProcess::new(|| BUILT.fetch_add(1, Ordering::SeqCst));

    #[test]
    fn is_built_once_and_stays_in_place() {
        assert!(CELL.peek().is_none());
        let first = CELL.get();
        assert!(std::ptr::eq(first, CELL.get()));
        assert_eq!(CELL.peek(), Some(first));
    }

    #[test]
    fn what_was_set_last_is_inherited() {
        static KEPT: Inherited<String> = Inherited::new();
        // As a child's engine is built: from what is kept, whenever that is.
        static BUILT_FROM: PerProcess<Option<&String>> = PerProcess::new(|| KEPT.get());
        assert_eq!(KEPT.get(), None);
        KEPT.set("first".to_owned());
        KEPT.set("second".to_owned());
        assert_eq!(BUILT_FROM.get().map(String::as_str), Some("second"));
    }
}
