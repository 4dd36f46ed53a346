//! Credentials from a command that the AWS configuration names (`credential_process`).
//!
//! The SDK would run it through tokio's processes, whose SIGCHLD handler does not outlive a fork.

use std::process::{Command, Stdio};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};
use aws_runtime::env_config::section::EnvConfigSections;
use aws_smithy_types::date_time::{DateTime, Format};
use serde::Deserialize;

use crate::{Error, Result};

const SETTING: &str = "credential_process";
/// Other sources of a profile, which come before the command.
const BEFORE: [&str; 4] = ["role_arn", "web_identity_token_file", "sso_session", "sso_start_url"];

/// The command of a profile, if its credentials come from one.
pub(super) fn of(profiles: &EnvConfigSections, name: &str) -> Result<Option<Process>> {
    let Some(profile) = profiles.get_profile(name) else { return Ok(None) };
    if let (Some(_), Some(source)) = (profile.get("role_arn"), profile.get("source_profile"))
        && source != name
        && profiles.get_profile(source).is_some_and(|source| source.get(SETTING).is_some())
    {
        return Err(Error::credentials(format!(
            "profile {name:?} assumes a role with the {SETTING} of profile {source:?}, which mwaalib does not \
                 do: give the connection profile_name={source:?} and the role as role_arn"
        )));
    }
    if BEFORE.iter().any(|setting| profile.get(setting).is_some()) {
        return Ok(None);
    }
    Ok(profile.get(SETTING).map(|command| Process { command: command.to_owned(), profile: name.to_owned() }))
}

/// Runs the command whenever the SDK finds that credentials are needed.
pub(super) struct Process {
    command: String,
    profile: String,
}

impl ProvideCredentials for Process {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let (command, profile) = (self.command.clone(), self.profile.clone());
            let ran = tokio::task::spawn_blocking(move || run(&command, &profile)).await;
            ran.map_err(CredentialsError::unhandled)?
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// What the command prints may be secret: of it, only its own complaints are told.
fn run(command: &str, profile: &str) -> Provided {
    let failed = |what: String| {
        CredentialsError::provider_error(Error::credentials(format!("{SETTING} of profile {profile:?}: {what}")))
    };
    let ran = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).output();
    let ran = ran.map_err(|error| failed(format!("cannot be run: {error}")))?;
    if !ran.status.success() {
        let complaint = String::from_utf8_lossy(&ran.stderr);
        let complaint: String = complaint.trim().chars().take(500).collect();
        return Err(failed(format!("{}: {complaint}", ran.status)));
    }
    let output: Output = serde_json::from_slice(&ran.stdout)
        .map_err(|error| failed(format!("its output is not as it should be (line {})", error.line())))?;
    if output.version != 1 {
        return Err(failed(format!("its output has version {}, only 1 is known", output.version)));
    }
    let expiry = output.expiration.filter(|text| !text.is_empty());
    let expiry = expiry.map(|text| {
        let time = DateTime::from_str(&text, Format::DateTimeWithOffset).ok();
        time.and_then(|time| SystemTime::try_from(time).ok())
            .ok_or_else(|| failed(format!("its Expiration {text:?} is not a time")))
    });
    Ok(Credentials::new(
        output.access_key_id,
        output.secret_access_key,
        output.session_token,
        expiry.transpose()?,
        SETTING,
    ))
}

/// Without the command, whose arguments may be secret.
impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("profile", &self.profile).finish_non_exhaustive()
    }
}
