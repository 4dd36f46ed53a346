//! Sends a ready-made body through a typed operation and keeps the reply as it came.
//!
//! The typed operation gives address, signature, retries and errors; the body
//! replaces the one it would have written, so that members which the compiled
//! SDK does not know pass through in both directions.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use serde_json::Value;

use crate::{Error, Result};

/// One request's body and, once sent, its reply. Clones share the reply.
#[derive(Clone)]
pub struct Raw {
    body: Arc<[u8]>,
    reply: Arc<Mutex<Option<Vec<u8>>>>,
    signing: Option<Signing>,
    target: Option<String>,
    once: bool,
}

/// Signs a request as another service's than the operation's.
#[derive(Clone, Debug)]
pub struct Signing {
    pub name: &'static str,
    pub region: Region,
}

impl Raw {
    pub fn new(body: &Value) -> Self {
        Self::text(body.to_string())
    }

    pub fn text(body: String) -> Self {
        Self { body: body.into_bytes().into(), reply: Arc::default(), signing: None, target: None, once: false }
    }

    #[must_use]
    pub fn signed(self, signing: Signing) -> Self {
        Self { signing: Some(signing), ..self }
    }

    /// Addressed to another operation than the one that carries it, as `AWSGlue.GetJob`.
    #[must_use]
    pub fn to(self, target: String) -> Self {
        Self { target: Some(target), ..self }
    }

    /// Sent once whatever happens, for what must not be done twice.
    #[must_use]
    pub fn once(self) -> Self {
        Self { once: true, ..self }
    }

    pub fn is_once(&self) -> bool {
        self.once
    }

    /// The bytes of a successful reply.
    pub fn take(&self) -> Option<Vec<u8>> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The reply's JSON; an operation without output gives an empty object.
    pub fn reply(&self) -> Result<Value> {
        let bytes = self.take().unwrap_or_default();
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&bytes).map_err(|e| Error::internal(format!("the reply is not JSON: {e}")))
    }
}

#[dyn_dispatch_hint]
impl Intercept for Raw {
    fn name(&self) -> &'static str {
        "RawBody"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("content-length", self.body.len().to_string());
        *request.body_mut() = SdkBody::from(self.body.to_vec());
        if let Some(target) = &self.target {
            request.headers_mut().insert("x-amz-target", target.clone());
        }
        if let Some(signing) = &self.signing {
            config.interceptor_state().store_put(SigningName::from_static(signing.name));
            config.interceptor_state().store_put(SigningRegion::from(signing.region.clone()));
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let response = context.response();
        if response.status().is_success() {
            let bytes = response.body().bytes().map(<[u8]>::to_vec);
            *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        }
        Ok(())
    }
}

/// A body may hold secrets.
impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raw").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
