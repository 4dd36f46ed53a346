//! What an Airflow connection says about AWS, as the Python side hands it over.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::request::Unknown;
use crate::{Error, Result};

/// Connection settings. What is absent comes from the default chain:
/// environment, profile, web identity, container, instance metadata.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    pub region: Option<String>,
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<String>,
    pub session_token: Option<String>,
    pub profile: Option<String>,
    pub endpoint_url: Option<String>,
    /// Endpoint by service name (`emr`, `sfn`, `glue`, `ssm`, `s3`, `logs`, `sts`, `iam`).
    pub service_endpoints: BTreeMap<String, String>,
    pub assume_role: Option<AssumeRole>,
    pub verify: Verify,
    /// Seconds.
    pub connect_timeout: Option<f64>,
    /// Seconds.
    pub read_timeout: Option<f64>,
    pub max_attempts: Option<u32>,
    pub retry_mode: Option<RetryMode>,
    pub user_agent_extra: Option<String>,
    /// Proxy address by scheme (`http`, `https`); absent means the environment's.
    pub proxies: BTreeMap<String, String>,
    /// Whether request members that no shape has are sent.
    pub unknown_parameters: Unknown,
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AssumeRole {
    pub role_arn: String,
    pub method: Method,
    pub session_name: Option<String>,
    pub external_id: Option<String>,
    pub duration_seconds: Option<i32>,
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub web_identity_token_file: Option<String>,
    pub tags: Vec<Tag>,
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
    pub serial_number: Option<String>,
    pub token_code: Option<String>,
    /// Region of the STS endpoint, where it differs from the session's.
    pub region: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    #[default]
    AssumeRole,
    AssumeRoleWithWebIdentity,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    #[serde(rename = "Key")]
    pub key: String,
    #[serde(rename = "Value")]
    pub value: String,
}

/// Whether and how the server's certificate is checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged, expecting = "verify: expected true, false or the path of a CA file")]
pub enum Verify {
    Switch(bool),
    /// PEM file with the certificates to trust instead of the system's.
    CaFile(String),
}

impl Default for Verify {
    fn default() -> Self {
        Self::Switch(true)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RetryMode {
    Standard,
    Adaptive,
    /// botocore's name for its old mode; the same as standard here.
    Legacy,
}

/// Service names as users write them in a connection -> names used here.
const ALIASES: [(&str, &str); 4] =
    [("stepfunctions", "sfn"), ("states", "sfn"), ("elasticmapreduce", "emr"), ("cloudwatchlogs", "logs")];

/// The services a session has a client for.
pub const SERVICES: [&str; 8] = ["emr", "sfn", "glue", "ssm", "s3", "logs", "sts", "iam"];

/// `stepfunctions` -> `sfn`, and so on.
pub fn canonical_service(name: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, service)| service)
}

impl Settings {
    /// Reads and checks the JSON form; the error names the field.
    pub fn from_json(text: &str) -> Result<Self> {
        let settings: Self =
            serde_json::from_str(text).map_err(|e| settings_error(format!("connection settings: {e}")))?;
        settings.check()?;
        Ok(settings)
    }

    /// The endpoint set for this service alone.
    pub(super) fn service_endpoint(&self, service: &str) -> Option<&str> {
        self.service_endpoints.iter().find(|(name, _)| canonical_service(name) == service).map(|(_, url)| url.as_str())
    }

    /// The endpoint set for this service, or for all.
    pub fn endpoint(&self, service: &str) -> Option<&str> {
        self.service_endpoint(service).or(self.endpoint_url.as_deref())
    }

    fn check(&self) -> Result<()> {
        if self.access_key_id.is_some() != self.secret_access_key.is_some() {
            return Err(settings_error("access_key_id and secret_access_key belong together; one of them is missing"));
        }
        if self.session_token.is_some() && self.access_key_id.is_none() {
            return Err(settings_error("session_token is set, access_key_id and secret_access_key are not"));
        }
        for (name, url) in self
            .endpoint_url
            .iter()
            .map(|url| ("endpoint_url", url))
            .chain(self.service_endpoints.iter().chain(&self.proxies).map(|(name, url)| (name.as_str(), url)))
        {
            if !is_address(url) {
                return Err(settings_error(format!("{name}: not an http:// or https:// address")));
            }
        }
        for name in self.service_endpoints.keys() {
            if !SERVICES.contains(&canonical_service(name)) {
                return Err(settings_error(format!(
                    "service_endpoints: unknown service {name:?}; known are {}",
                    SERVICES.join(", ")
                )));
            }
        }
        for name in self.proxies.keys() {
            if !["http", "https"].contains(&name.as_str()) {
                return Err(settings_error(format!("proxies: unknown scheme {name:?}; known are http, https")));
            }
        }
        self.connect_timeout()?;
        self.read_timeout()?;
        if self.max_attempts == Some(0) {
            return Err(settings_error("max_attempts must be at least 1"));
        }
        self.assume_role.as_ref().map_or(Ok(()), AssumeRole::check)
    }

    pub fn connect_timeout(&self) -> Result<Option<Duration>> {
        seconds("connect_timeout", self.connect_timeout)
    }

    pub fn read_timeout(&self) -> Result<Option<Duration>> {
        seconds("read_timeout", self.read_timeout)
    }
}

impl AssumeRole {
    fn check(&self) -> Result<()> {
        if self.role_arn.is_empty() {
            return Err(settings_error("assume_role.role_arn is missing"));
        }
        let web = self.method == Method::AssumeRoleWithWebIdentity;
        if web && self.web_identity_token_file.is_none() {
            return Err(settings_error("assume_role.web_identity_token_file is missing"));
        }
        if !web && self.web_identity_token_file.is_some() {
            return Err(settings_error(
                "assume_role.web_identity_token_file is used only with method assume_role_with_web_identity",
            ));
        }
        Ok(())
    }
}

/// Whether this is `http(s)://[user@]host[:port][/path]`.
pub(super) fn is_address(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // An IPv6 address has colons of its own, within brackets.
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (host, "80"),
    };
    ["http", "https"].contains(&scheme)
        && !host.is_empty()
        && !url.contains(char::is_whitespace)
        && port.parse::<u16>().is_ok()
}

pub(super) fn settings_error(message: impl Into<String>) -> Error {
    Error::Settings { message: message.into() }
}

fn seconds(name: &str, value: Option<f64>) -> Result<Option<Duration>> {
    let Some(value) = value else { return Ok(None) };
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(Some(duration)),
        _ => Err(settings_error(format!("{name}: {value} is not a positive number of seconds"))),
    }
}

/// Only what is safe to log.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = match (&self.access_key_id, &self.profile) {
            (Some(_), _) => "access key".to_owned(),
            (None, Some(profile)) => format!("profile {profile}"),
            (None, None) => "default chain".to_owned(),
        };
        f.debug_struct("Settings")
            .field("region", &self.region)
            .field("credentials", &identity)
            .field("role_arn", &self.assume_role.as_ref().map(|role| role.role_arn.as_str()))
            .field("endpoint_url", &self.endpoint_url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_are_told_from_other_text() {
        for good in ["http://localhost:5000", "https://vpce-1.emr.aws/", "http://u:p@proxy:3128", "http://[::1]:80/x"] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "vpce.example.com",
            "localhost:5000",
            "http://",
            "https:///x",
            "http://a b",
            "ftp://x",
            "http://h:port",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
