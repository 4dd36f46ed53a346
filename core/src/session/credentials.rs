//! Where a session's credentials come from.

use std::hash::{DefaultHasher, Hash, Hasher};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::settings::{AssumeRole, Settings, settings_error};
use crate::Result;

/// The credentials before any role is assumed; `None` means the default chain.
pub(super) fn base(settings: &Settings) -> Option<SharedCredentialsProvider> {
    if let (Some(id), Some(secret)) = (&settings.access_key_id, &settings.secret_access_key) {
        let keys = Credentials::new(id, secret, settings.session_token.clone(), None, "connection");
        return Some(SharedCredentialsProvider::new(keys));
    }
    settings.profile.as_ref().map(|profile| {
        SharedCredentialsProvider::new(
            aws_config::profile::ProfileFileCredentialsProvider::builder().profile_name(profile).build(),
        )
    })
}

/// The same configuration with the role's credentials in place of the base ones.
pub(super) fn assumed(_role: &AssumeRole, _settings: &Settings, _base: &SdkConfig) -> Result<SdkConfig> {
    Err(settings_error("assume_role: not built yet"))
}

/// A name for the identity which tells equal from different and nothing else.
pub(super) fn label(settings: &Settings) -> String {
    let mut hasher = DefaultHasher::new();
    settings.access_key_id.hash(&mut hasher);
    settings.profile.hash(&mut hasher);
    settings.endpoint_url.hash(&mut hasher);
    if let Some(role) = &settings.assume_role {
        role.role_arn.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
