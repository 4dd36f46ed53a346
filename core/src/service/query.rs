//! Calls over the Query protocol: a form goes in, XML comes out.
//!
//! They travel as STS's GetCallerIdentity, the smallest operation of that
//! protocol in the SDK, with body, address and signing name replaced.

use aws_types::region::Region;
use serde_json::Value;

use super::{iam, sts};
use crate::request::raw::{Raw, Signing};
use crate::request::xml;
use crate::{Error, Result, Session};

pub(super) async fn send(session: &Session, service: &str, operation: &str, body: &Value) -> Result<Value> {
    let version = if service == "iam" { iam::VERSION } else { sts::VERSION };
    let mut raw = Raw::text(form(operation, version, body)?);
    let mut config = aws_sdk_sts::config::Builder::new();
    if service == "iam" {
        let (url, region) = iam::endpoint(session.region().unwrap_or_default());
        config.set_endpoint_url(Some(session.custom_endpoint("iam").unwrap_or_else(|| url.to_owned())));
        raw = raw.signed(Signing { name: "iam", region: Region::from_static(region) });
    }
    let request = session.sts().get_caller_identity().customize().interceptor(raw.clone()).config_override(config);
    let sent = Box::pin(request.send()).await;
    let Some(reply) = raw.take() else {
        return Err(match sent {
            Err(e) => Error::from_sdk(service, operation, e),
            Ok(_) => Error::internal(format!("{operation}: no reply")),
        });
    };
    let text = String::from_utf8_lossy(&reply);
    let result = xml::parse(&text).map_err(|e| Error::internal(format!("{operation}: {e}")))?;
    Ok(result.get(format!("{operation}Result")).cloned().unwrap_or(Value::Null))
}

/// `Action=GetRole&Version=...&RoleName=...`; the calls offered have only texts, numbers and switches.
fn form(operation: &str, version: &str, body: &Value) -> Result<String> {
    let mut form = format!("Action={operation}&Version={version}");
    for (name, value) in body.as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(Error::internal(format!("{operation}.{name}: nested members are not offered"))),
        };
        form.push_str(&format!("&{name}={}", encode(&text)));
    }
    Ok(form)
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn writes_a_form() {
        let form = form("GetRole", "1", &json!({"RoleName": "a/b c+ü"})).unwrap();
        assert_eq!(form, "Action=GetRole&Version=1&RoleName=a%2Fb%20c%2B%C3%BC");
    }
}
