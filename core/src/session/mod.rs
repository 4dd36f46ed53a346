//! Sessions: one set of credentials, clients and connections per connection.

mod agent;
mod cache;
mod config;
mod credentials;
mod http;
mod identity;
mod settings;
mod unverified;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

pub use settings::{AssumeRole, Method, RetryMode, SERVICES, Settings, Tag, Verify, canonical_service};

use crate::service::Attempts;
use crate::{Result, request, service};

/// Shared by everything that uses the same connection; cloning is cheap.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    id: u64,
    configs: config::Configs,
    settings: Settings,
    single: Clients,
    retrying: Clients,
    sts: OnceLock<aws_sdk_sts::Client>,
}

#[derive(Default)]
struct Clients {
    emr: OnceLock<aws_sdk_emr::Client>,
    sfn: OnceLock<aws_sdk_sfn::Client>,
    glue: OnceLock<aws_sdk_glue::Client>,
    ssm: OnceLock<aws_sdk_ssm::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    logs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
}

impl Inner {
    fn user_agent(&self) -> Option<agent::UserAgent> {
        self.settings.user_agent_extra.as_deref().map(agent::UserAgent::new)
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Clients are built on first use: a task that only waits on EMR pays for EMR alone.
macro_rules! client {
    ($doc:literal, $name:ident, $crate_:ident, $clients:ident, $configs:ident $(, $extra:ident)?) => {
        #[doc = $doc]
        pub fn $name(&self) -> &$crate_::Client {
            client!(@cell self, $clients, $name).get_or_init(|| {
                let mut builder = $crate_::config::Builder::from(&self.0.configs.$configs);
                if let Some(url) = self.0.settings.service_endpoint(stringify!($name)) {
                    builder = builder.endpoint_url(url);
                }
                if let Some(agent) = self.0.user_agent() {
                    builder = builder.interceptor(agent);
                }
                $( builder = $extra(builder, self); )?
                $crate_::Client::from_conf(builder.build())
            })
        }
    };
    (@cell $self:ident, sts, sts) => { $self.0.sts };
    (@cell $self:ident, $clients:ident, $name:ident) => { $self.0.$clients.$name };
}

impl Session {
    /// The process's session for these settings, made on first use.
    pub async fn get(settings: &Settings) -> Result<Self> {
        cache::get(settings).await
    }

    async fn open(settings: &Settings) -> Result<Self> {
        let configs = config::load(settings).await?;
        Ok(Self(Arc::new(Inner {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            configs,
            settings: settings.clone(),
            single: Clients::default(),
            retrying: Clients::default(),
            sts: OnceLock::new(),
        })))
    }

    /// Tells sessions of one process apart.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    pub fn region(&self) -> Option<&str> {
        self.0.configs.single.region().map(|region| region.as_ref())
    }

    /// Equal for sessions that draw on the same AWS call budgets: same identity, same region.
    pub fn budget_scope(&self) -> String {
        format!("{}@{}", self.0.configs.identity, self.region().unwrap_or("-"))
    }

    /// Sends `body` as the operation's request and returns the reply's JSON.
    ///
    /// The body is checked against the operation's shape first, and sent as it
    /// is; transient failures are retried as the settings say.
    pub async fn call(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        let (body, _) = self.admit(service, operation, body)?;
        service::call(self, service, operation, &body, Attempts::AsSet).await
    }

    /// The same, sent once: for a start whose lost reply must not become a second job.
    pub async fn call_once(&self, service: &str, operation: &str, body: &Value) -> Result<Value> {
        let (body, _) = self.admit(service, operation, body)?;
        service::call(self, service, operation, &body, Attempts::One).await
    }

    /// The body as it is to be sent, and what was let through of members that the operation's shape lacks.
    pub(crate) fn admit(&self, service: &str, operation: &str, body: &Value) -> Result<(Value, Option<String>)> {
        request::admit(service, operation, body, self.0.settings.unknown_parameters)
    }

    /// Forgets the credentials at hand, so that the next request fetches new ones.
    pub fn refresh_credentials(&self) {
        self.0.configs.identities.forget();
    }

    /// The address that settings or environment give for this service, if any.
    pub(crate) fn custom_endpoint(&self, service: &str) -> Option<String> {
        let from_env = || std::env::var(format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase())).ok();
        let general = || self.0.configs.single.endpoint_url().map(str::to_owned);
        self.0.settings.endpoint(service).map(str::to_owned).or_else(from_env).or_else(general)
    }

    client!("EMR, one attempt a request: for polls.", emr, aws_sdk_emr, single, single);
    client!("Step Functions, one attempt a request: for polls.", sfn, aws_sdk_sfn, single, single);
    client!("Glue, one attempt a request: for polls.", glue, aws_sdk_glue, single, single);
    client!("SSM, one attempt a request: for polls.", ssm, aws_sdk_ssm, single, single);
    client!("S3, with retries.", s3, aws_sdk_s3, retrying, retrying, path_style);
    client!("CloudWatch Logs, with retries.", logs, aws_sdk_cloudwatchlogs, retrying, retrying);
    client!("STS, with retries.", sts, aws_sdk_sts, sts, retrying);

    /// The same clients with retries, for requests that are made once.
    pub(crate) fn retrying(&self) -> Retrying<'_> {
        Retrying(&self.0)
    }
}

pub(crate) struct Retrying<'a>(&'a Inner);

macro_rules! retrying_client {
    ($name:ident, $crate_:ident) => {
        pub fn $name(&self) -> &'a $crate_::Client {
            self.0.retrying.$name.get_or_init(|| {
                let mut builder = $crate_::config::Builder::from(&self.0.configs.retrying);
                if let Some(url) = self.0.settings.service_endpoint(stringify!($name)) {
                    builder = builder.endpoint_url(url);
                }
                if let Some(agent) = self.0.user_agent() {
                    builder = builder.interceptor(agent);
                }
                $crate_::Client::from_conf(builder.build())
            })
        }
    };
}

impl<'a> Retrying<'a> {
    retrying_client!(emr, aws_sdk_emr);
    retrying_client!(sfn, aws_sdk_sfn);
    retrying_client!(glue, aws_sdk_glue);
    retrying_client!(ssm, aws_sdk_ssm);
}

/// A custom endpoint (an emulator, a VPC endpoint by address) has no bucket subdomains.
fn path_style(builder: aws_sdk_s3::config::Builder, session: &Session) -> aws_sdk_s3::config::Builder {
    builder.force_path_style(session.custom_endpoint("s3").is_some())
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.0.settings).finish()
    }
}
