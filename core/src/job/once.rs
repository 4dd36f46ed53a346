//! The one path that every keyed start takes: find, else start, once.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use super::{Aws, Job, Key, Reattached, Started};
use crate::error::{Class, Error, Result};

/// How often a start is sent before its error is passed up.
const MAX_SENDS: u32 = 5;
/// Marks that are found taken before AWS's refusal is passed up.
const MAX_TAKEN: u32 = 100;
/// Seconds between looks that AWS throttles, after the SDK's own retries. A start is worth the time.
const PATIENCE: [u64; 5] = [5, 10, 20, 40, 60];

/// How a job found under a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pending,
    Succeeded,
    /// Ended badly, or is on its way there because somebody cancelled it.
    Failed,
}

#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub ids: Vec<String>,
    pub parent: Option<String>,
    pub outcome: Outcome,
    /// In the shape of the start call's reply.
    pub response: Value,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// The newest job under the key.
    pub found: Option<Found>,
    /// The number of the next attempt under the key, where jobs under one key are numbered.
    pub attempt: u32,
}

impl Search {
    fn usable(self) -> std::result::Result<Started, u32> {
        match self.found {
            Some(found) if found.outcome != Outcome::Failed => Ok(Started {
                ids: found.ids,
                parent: found.parent,
                reattached: Some(match found.outcome {
                    Outcome::Succeeded => Reattached::Succeeded,
                    _ => Reattached::Pending,
                }),
                response: found.response,
                since: None,
                notice: None,
            }),
            _ => Err(self.attempt),
        }
    }
}

/// How one API starts jobs and finds them again.
pub(crate) trait Start: Sync {
    const SERVICE: &'static str;
    const OPERATION: &'static str;
    /// The permission that `find` needs.
    const FIND_PERMISSION: &'static str;

    /// Looks for what was started under `key`.
    fn find<A: Aws>(&self, aws: &A, request: &Value, key: Key<'_>) -> impl Future<Output = Result<Search>> + Send;

    /// The number of the first attempt whose mark nobody has used, for a start that takes over nothing.
    fn unused<A: Aws>(&self, _aws: &A, _request: &Value, _key: Key<'_>) -> impl Future<Output = Result<u32>> + Send {
        async { Ok(0) }
    }

    /// The request with the key written into it.
    fn marked(&self, request: &Value, key: Key<'_>, attempt: u32) -> Result<Value>;

    /// What the reply to `request` says was started.
    fn started(&self, request: &Value, response: Value) -> Result<Started>;

    /// Whether AWS says that this attempt's mark is taken, so that the next one is to be used.
    fn taken(&self, _unmarked: &Value, _error: &Error) -> bool {
        false
    }

    /// A lesser request to send instead when this one is refused.
    fn lesser(&self, _request: &Value, _unmarked: &Value, _key: Key<'_>, _error: &Error) -> Option<Value> {
        None
    }
}

/// A call that looks for an earlier start, or is part of such a look.
pub(crate) async fn look<A: Aws>(aws: &A, service: &str, operation: &str, body: &Value) -> Result<Value> {
    for seconds in PATIENCE {
        match aws.call(service, operation, body).await {
            Err(error) if error.class() == Some(Class::Throttled) => {
                aws.pause(Duration::from_secs(seconds) + spread(seconds * 500)).await;
            }
            other => return other,
        }
    }
    aws.call(service, operation, body).await
}

pub(crate) async fn run<A: Aws, S: Start>(aws: &A, start: &S, job: &Job) -> Result<Started> {
    let mut notice = aws.admit(S::SERVICE, S::OPERATION, &job.request)?;
    let Some(key) = job.key.as_deref().map(|key| Key::new(key, job.since)).transpose()? else {
        let response = aws.call(S::SERVICE, S::OPERATION, &job.request).await?;
        return start.started(&job.request, response).map(|started| Started { notice, ..started });
    };
    let mut attempt = 0;
    if job.reuse {
        match start.find(aws, &job.request, key).await {
            Ok(search) => match search.usable() {
                Ok(started) => return Ok(started),
                Err(next) => attempt = next,
            },
            // No such cluster or job: the start itself says so best.
            Err(Error::Aws(error)) if error.class == Class::NotFound => {}
            Err(Error::Aws(error)) if error.class == Class::AccessDenied => {
                let unseen = format!(
                    "cannot look for a job started by an earlier attempt without {}: {}",
                    S::FIND_PERMISSION,
                    error.message
                );
                notice = Some(notice.map_or(unseen.clone(), |told| format!("{told}; {unseen}")));
            }
            Err(error) => return Err(error),
        }
    } else {
        attempt = match start.unused(aws, &job.request, key).await {
            // Without leave to look, AWS says itself which marks are taken.
            Err(Error::Aws(error)) if matches!(error.class, Class::NotFound | Class::AccessDenied) => 0,
            other => other?,
        };
    }
    let mut started = send(aws, start, job, key, attempt).await?;
    started.notice = notice;
    Ok(started)
}

/// Sends the start until AWS has surely taken or refused it. After an error that leaves open
/// whether AWS took it (a lost reply, a 5xx), it is looked for before it is sent again.
async fn send<A: Aws, S: Start>(aws: &A, start: &S, job: &Job, key: Key<'_>, mut attempt: u32) -> Result<Started> {
    let mut request = start.marked(&job.request, key, attempt)?;
    // What is found after a lost reply is this call's own, unless an earlier one's is as good.
    let ours = if job.reuse { key } else { key.restarted() };
    let (mut sends, mut taken) = (0, 0);
    loop {
        let error = match aws.call_once(S::SERVICE, S::OPERATION, &request).await {
            Ok(response) => return start.started(&request, response),
            Err(error) => error,
        };
        if taken < MAX_TAKEN && start.taken(&job.request, &error) {
            taken += 1;
            attempt += 1;
            if job.reuse {
                match start.find(aws, &job.request, key).await?.usable() {
                    Ok(started) => return Ok(started),
                    Err(next) => attempt = attempt.max(next),
                }
            }
            request = start.marked(&job.request, key, attempt)?;
            continue;
        }
        sends += 1;
        if sends >= MAX_SENDS {
            return Err(error);
        }
        if let Some(lesser) = start.lesser(&request, &job.request, key, &error) {
            request = lesser;
            continue;
        }
        match error.class() {
            Some(Class::Throttled | Class::Expired) => aws.pause(backoff(sends)).await,
            Some(Class::Transient) => {
                aws.pause(backoff(sends)).await;
                // A failing look leaves it open still: pass up the first error, a retry will find it.
                let Ok(search) = start.find(aws, &job.request, ours).await else {
                    return Err(error);
                };
                // Numbered jobs: one before this attempt was there before it.
                if (job.reuse || search.attempt == 0 || search.attempt > attempt)
                    && let Ok(started) = search.usable()
                {
                    return Ok(started);
                }
            }
            _ => return Err(error),
        }
    }
}

/// 1, 2, 4, 8 seconds, spread by half so that many starters do not march in step.
fn backoff(sends: u32) -> Duration {
    let base = 1 << sends.min(4);
    Duration::from_millis(500 * base) + spread(250 * base)
}

/// Any time up to so many milliseconds.
fn spread(most: u64) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Duration::from_millis(now.map_or(0, |now| u64::from(now.subsec_micros() % 1000)) * most / 1000)
}
