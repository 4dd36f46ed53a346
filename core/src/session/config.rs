//! Settings -> the SDK configuration that all clients of a session share.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::app_name::AppName;
use aws_types::origin::Origin;

use super::identity::Identities;
use super::settings::{RetryMode, Settings, is_address, settings_error};
use super::{credentials, http};
use crate::Result;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_ATTEMPTS: u32 = 5;

/// Two configurations that differ only in how often a request is tried: `retrying`
/// for what is asked once, `single` for polls, which the wait engine repeats itself.
pub(super) struct Configs {
    pub retrying: SdkConfig,
    pub single: SdkConfig,
    /// Names the identity without showing it, so that equal ones share call budgets.
    pub identity: String,
    pub identities: Identities,
}

pub(super) async fn load(settings: &Settings) -> Result<Configs> {
    check_environment(settings)?;
    // Without one each call would fail as if the network did, and be tried again and again.
    let Some(region) = region(settings).await else {
        return Err(settings_error(
            "no region: set region_name in the connection or on the operator, or AWS_DEFAULT_REGION",
        ));
    };
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http::client(settings)?)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(settings.connect_timeout()?.unwrap_or(CONNECT_TIMEOUT))
                .read_timeout(settings.read_timeout()?.unwrap_or(READ_TIMEOUT))
                .build(),
        )
        .app_name(AppName::new("mwaalib").map_err(|e| settings_error(e.to_string()))?)
        .region(region);
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(retry) = retry_config(settings) {
        loader = loader.retry_config(retry);
    }
    if let Some(provider) = credentials::base(settings).await? {
        loader = loader.credentials_provider(provider);
    }
    let base = loader.load().await;
    let retrying = match &settings.assume_role {
        Some(role) => credentials::assumed(role, settings, base),
        None => base,
    };
    let identities = Identities::default();
    let mut retrying = retrying.into_builder().identity_cache(identities.cache());
    if let Some(url) = &settings.endpoint_url {
        retrying = retrying.endpoint_url(url);
        // Before what the environment says of single services.
        retrying.insert_origin("endpoint_url", Origin::shared_config());
    }
    let retrying = retrying.build();
    let single = retrying.to_builder().retry_config(RetryConfig::disabled()).build();
    Ok(Configs { identity: credentials::label(settings), identities, retrying, single })
}

/// The addresses that the environment gives, where the connection's does not come before them.
fn check_environment(settings: &Settings) -> Result<()> {
    const SERVICES: [&str; 8] = ["EMR", "SFN", "GLUE", "SSM", "S3", "CLOUDWATCH_LOGS", "STS", "IAM"];
    if settings.endpoint_url.is_some() {
        return Ok(());
    }
    let names = SERVICES.iter().map(|service| format!("AWS_ENDPOINT_URL_{service}"));
    for name in std::iter::once("AWS_ENDPOINT_URL".to_owned()).chain(names) {
        match std::env::var(&name) {
            Ok(url) if !is_address(&url) => {
                return Err(settings_error(format!("environment: {name}: {url:?} is not http(s)://host[:port]")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn retry_config(settings: &Settings) -> Option<RetryConfig> {
    if settings.retry_mode.is_none() && settings.max_attempts.is_none() {
        // AWS_MAX_ATTEMPTS and AWS_RETRY_MODE, or the profile, may still say.
        let from_env = std::env::var_os("AWS_MAX_ATTEMPTS").is_some() || std::env::var_os("AWS_RETRY_MODE").is_some();
        if from_env || settings.profile.is_some() {
            return None;
        }
    }
    let retry = match settings.retry_mode {
        Some(RetryMode::Adaptive) => RetryConfig::adaptive(),
        _ => RetryConfig::standard(),
    };
    Some(retry.with_max_attempts(settings.max_attempts.unwrap_or(MAX_ATTEMPTS)))
}

/// The region as boto3 finds it: the settings', the environment's, the profile's.
/// Never the instance metadata's, which boto3 does not ask and which costs seconds elsewhere.
async fn region(settings: &Settings) -> Option<Region> {
    if let Some(region) = &settings.region {
        return Some(Region::new(region.clone()));
    }
    // boto3 reads the first alone; where they differ, it decides.
    for name in ["AWS_DEFAULT_REGION", "AWS_REGION"] {
        if let Some(region) = std::env::var(name).ok().filter(|region| !region.is_empty()) {
            return Some(Region::new(region));
        }
    }
    let mut profile = aws_config::profile::region::Builder::default();
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    aws_config::meta::region::ProvideRegion::region(&profile.build()).await
}
