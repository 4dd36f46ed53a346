//! Settings -> the SDK configuration that all clients of a session share.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::app_name::AppName;

use super::identity::Identities;
use super::settings::{RetryMode, Settings, settings_error};
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
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http::client(settings)?)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(settings.connect_timeout()?.unwrap_or(CONNECT_TIMEOUT))
                .read_timeout(settings.read_timeout()?.unwrap_or(READ_TIMEOUT))
                .build(),
        )
        .app_name(AppName::new("mwaalib").map_err(|e| settings_error(e.to_string()))?)
        .region(region(settings).await);
    if let Some(profile) = &settings.profile {
        credentials::check_profile(profile).await?;
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some(retry) = retry_config(settings) {
        loader = loader.retry_config(retry);
    }
    if let Some(provider) = credentials::base(settings) {
        loader = loader.credentials_provider(provider);
    }
    let base = loader.load().await;
    let retrying = match &settings.assume_role {
        Some(role) => credentials::assumed(role, settings, base),
        None => base,
    };
    let identities = Identities::default();
    let retrying = retrying.into_builder().identity_cache(identities.cache()).build();
    let single = retrying.to_builder().retry_config(RetryConfig::disabled()).build();
    Ok(Configs { identity: credentials::label(settings), identities, retrying, single })
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
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
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
