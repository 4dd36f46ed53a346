//! The SDK's answers to the wait engine's questions.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;
use tokio::sync::watch;

use super::metered::MeteredSession;
use super::probe;
use crate::diagnose::{self, Ended};
use crate::error::{Error, JobFailure, Result};
use crate::session::Session;
use crate::wait::EventSink;
use crate::wait::kind::Kind;
use crate::wait::metered::Metered;
use crate::wait::remote::{Ask, BoxFuture, Page, Remote, Seen};

/// How a service observes one kind of job.
pub(crate) struct Probe {
    pub kind: &'static Kind,
    /// One job by itself.
    pub one: for<'a> fn(&'a Session, Option<&'a str>, &'a str) -> BoxFuture<'a, Result<Seen>>,
    /// Many in one call.
    pub page: for<'a> fn(&'a Session, Option<&'a str>, &'a Ask) -> BoxFuture<'a, Result<Page>>,
    /// All of a parent, where the id `*` stands for them.
    pub whole: Option<Whole>,
    /// The log of a parent's job, where it has one.
    pub follow: Option<Follow>,
}

type Whole = for<'a> fn(&'a Session, &'a str, &'a Metered) -> BoxFuture<'a, Result<Seen>>;
type Follow = for<'a> fn(MeteredSession<'a>, &'a str, &'a str, EventSink, watch::Receiver<bool>) -> BoxFuture<'a, ()>;

/// A session, as the wait engine asks it.
pub struct AwsRemote(Session);

impl AwsRemote {
    pub fn new(session: Session) -> Self {
        Self(session)
    }
}

impl Remote for AwsRemote {
    fn key(&self) -> u64 {
        self.0.id()
    }

    fn scope(&self) -> String {
        self.0.budget_scope()
    }

    fn one<'a>(&'a self, kind: &'static Kind, parent: Option<&'a str>, id: &'a str) -> BoxFuture<'a, Result<Seen>> {
        match probe(kind) {
            Ok(probe) => (probe.one)(&self.0, parent, id),
            Err(e) => Box::pin(std::future::ready(Err(e))),
        }
    }

    fn page<'a>(&'a self, kind: &'static Kind, parent: Option<&'a str>, ask: &'a Ask) -> BoxFuture<'a, Result<Page>> {
        match probe(kind) {
            Ok(probe) => (probe.page)(&self.0, parent, ask),
            Err(e) => Box::pin(std::future::ready(Err(e))),
        }
    }

    fn whole<'a>(
        &'a self,
        kind: &'static Kind,
        parent: Option<&'a str>,
        metered: &'a Metered,
    ) -> BoxFuture<'a, Result<Seen>> {
        let whole = probe(kind).map(|probe| probe.whole.zip(parent));
        match whole {
            Ok(Some((whole, parent))) => whole(&self.0, parent, metered),
            Ok(None) => Box::pin(std::future::ready(Err(Error::internal(format!("{} has no id *", kind.name))))),
            Err(e) => Box::pin(std::future::ready(Err(e))),
        }
    }

    fn refresh(&self) -> BoxFuture<'_, Result<()>> {
        self.0.refresh_credentials();
        Box::pin(std::future::ready(Ok(())))
    }

    fn diagnose<'a>(
        &'a self,
        kind: &'static Kind,
        parent: Option<&'a str>,
        id: &'a str,
        state: &'a str,
        detail: &'a Value,
        metered: &'a Metered,
    ) -> BoxFuture<'a, JobFailure> {
        let aws = MeteredSession { session: &self.0, metered };
        Box::pin(async move { diagnose::diagnose(&aws, &Ended { kind: kind.name, parent, id, state, detail }).await })
    }

    fn follow<'a>(
        &'a self,
        kind: &'static Kind,
        parent: Option<&'a str>,
        id: &'a str,
        sink: EventSink,
        ended: watch::Receiver<bool>,
        metered: &'a Metered,
    ) -> Option<BoxFuture<'a, ()>> {
        let follow = probe(kind).ok()?.follow?;
        Some(follow(MeteredSession { session: &self.0, metered }, parent?, id, sink, ended))
    }
}

/// Keeps a copy of the reply as it came, for the description handed to the caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capture(Arc<Mutex<Option<Vec<u8>>>>);

impl Capture {
    pub fn take(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The reply, parsed.
    pub fn json(&self) -> Value {
        self.take().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Capture {
    fn name(&self) -> &'static str {
        "Capture"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let response = context.response();
        if response.status().is_success() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = response.body().bytes().map(<[u8]>::to_vec);
        }
        Ok(())
    }
}

/// A job's state, or an error that says it was missing from the reply.
pub(crate) fn state<'a>(kind: &Kind, id: &str, state: Option<&'a str>) -> Result<&'a str> {
    state.ok_or_else(|| Error::internal(format!("AWS described {} {id} without a state", kind.name)))
}

pub(crate) fn seconds(time: Option<&DateTime>) -> Option<f64> {
    time.map(DateTime::as_secs_f64)
}

pub(crate) fn owned(ids: &[Arc<str>]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
