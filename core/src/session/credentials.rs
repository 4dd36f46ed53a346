//! Where a session's credentials come from.

mod process;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag as StsTag};

use aws_types::os_shim_internal::{Env, Fs};

use super::settings::{AssumeRole, Method, Settings};
use crate::{Error, Result};

/// The credentials before any role is assumed; `None` means the default chain.
pub(super) async fn base(settings: &Settings) -> Result<Option<SharedCredentialsProvider>> {
    if let (Some(id), Some(secret)) = (&settings.access_key_id, &settings.secret_access_key) {
        let keys = Credentials::new(id, secret, settings.session_token.clone(), None, "connection");
        return Ok(Some(SharedCredentialsProvider::new(keys)));
    }
    let loaded = aws_config::profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), None).await;
    let Some(name) = &settings.profile else {
        // The chain's profile, which comes after the environment's keys; what is wrong with it, the chain says.
        let Some(profiles) = loaded.ok().filter(|_| std::env::var_os("AWS_ACCESS_KEY_ID").is_none()) else {
            return Ok(None);
        };
        let process = process::of(&profiles, profiles.selected_profile())?;
        return Ok(process.map(SharedCredentialsProvider::new));
    };
    let profiles = loaded.map_err(|e| Error::credentials(format!("the AWS config files cannot be read: {e}")))?;
    // The SDK says of a profile that is not there no more than that it gave no credentials.
    if profiles.get_profile(name).is_none() {
        let message = format!("profile {name:?} is in neither the AWS config nor credentials file");
        return Err(Error::credentials(message));
    }
    Ok(Some(match process::of(&profiles, name)? {
        Some(process) => SharedCredentialsProvider::new(process),
        None => SharedCredentialsProvider::new(
            aws_config::profile::ProfileFileCredentialsProvider::builder().profile_name(name).build(),
        ),
    }))
}

/// The same configuration with the role's credentials in place of the base ones. It has no address of the
/// connection: `endpoint_url` is where the connection's services are, which need not include STS.
pub(super) fn assumed(role: &AssumeRole, settings: &Settings, base: SdkConfig) -> SdkConfig {
    let mut sts = aws_sdk_sts::config::Builder::from(&base);
    if let Some(url) = settings.service_endpoint("sts") {
        sts.set_endpoint_url(Some(url.to_owned()));
    }
    if let Some(region) = &role.region {
        sts.set_region(Some(Region::new(region.clone())));
    }
    let provider = RoleProvider { sts: aws_sdk_sts::Client::from_conf(sts.build()), role: role.clone() };
    base.into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

/// Assumes the role whenever the SDK finds that credentials are needed.
#[derive(Debug)]
struct RoleProvider {
    sts: aws_sdk_sts::Client,
    role: AssumeRole,
}

impl ProvideCredentials for RoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            match self.role.method {
                Method::AssumeRole => self.assume().await,
                Method::AssumeRoleWithWebIdentity => self.assume_with_token().await,
            }
        })
    }
}

impl RoleProvider {
    async fn assume(&self) -> Provided {
        let role = &self.role;
        let tag = |tag: &super::Tag| StsTag::builder().key(&tag.key).value(&tag.value).build();
        let tags: Option<Vec<StsTag>> = (!role.tags.is_empty())
            .then(|| role.tags.iter().map(tag).collect::<std::result::Result<_, _>>())
            .transpose()
            .map_err(CredentialsError::invalid_configuration)?;
        let reply = self
            .sts
            .assume_role()
            .role_arn(&role.role_arn)
            .role_session_name(self.session_name())
            .set_external_id(role.external_id.clone())
            .set_duration_seconds(role.duration_seconds)
            .set_policy(role.policy.clone())
            .set_policy_arns(self.policy_arns())
            .set_tags(tags)
            .set_transitive_tag_keys((!role.transitive_tag_keys.is_empty()).then(|| role.transitive_tag_keys.clone()))
            .set_source_identity(role.source_identity.clone())
            .set_serial_number(role.serial_number.clone())
            .set_token_code(role.token_code.clone())
            .send()
            .await
            .map_err(|e| CredentialsError::provider_error(Error::from_sdk("sts", "AssumeRole", e)))?;
        credentials("AssumeRole", reply.credentials)
    }

    async fn assume_with_token(&self) -> Provided {
        let path = self.role.web_identity_token_file.as_deref().unwrap_or_default();
        let token = std::fs::read_to_string(path).map_err(|e| {
            let message = format!("cannot read the web identity token file {path}: {e}");
            CredentialsError::provider_error(Error::credentials(message))
        })?;
        let reply = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&self.role.role_arn)
            .role_session_name(self.session_name())
            .web_identity_token(token.trim())
            .set_duration_seconds(self.role.duration_seconds)
            .set_policy(self.role.policy.clone())
            .set_policy_arns(self.policy_arns())
            .send()
            .await
            .map_err(|e| CredentialsError::provider_error(Error::from_sdk("sts", "AssumeRoleWithWebIdentity", e)))?;
        credentials("AssumeRoleWithWebIdentity", reply.credentials)
    }

    fn session_name(&self) -> String {
        self.role.session_name.clone().unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            format!("mwaalib-{}-{}", std::process::id(), now.as_secs())
        })
    }

    fn policy_arns(&self) -> Option<Vec<PolicyDescriptorType>> {
        let arns = &self.role.policy_arns;
        (!arns.is_empty()).then(|| arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build()).collect())
    }
}

fn credentials(operation: &str, found: Option<aws_sdk_sts::types::Credentials>) -> Provided {
    let found = found.ok_or_else(|| {
        CredentialsError::provider_error(Error::credentials(format!("the reply of sts {operation} has no credentials")))
    })?;
    let expiry = SystemTime::try_from(found.expiration).map_err(CredentialsError::unhandled)?;
    Ok(Credentials::new(
        found.access_key_id,
        found.secret_access_key,
        Some(found.session_token),
        Some(expiry),
        "assumed role",
    ))
}

/// A name for the identity which tells equal from different and nothing else.
pub(super) fn label(settings: &Settings) -> String {
    let mut hasher = DefaultHasher::new();
    settings.access_key_id.hash(&mut hasher);
    settings.profile.hash(&mut hasher);
    settings.endpoint_url.hash(&mut hasher);
    settings.service_endpoints.hash(&mut hasher);
    if let Some(role) = &settings.assume_role {
        role.role_arn.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
