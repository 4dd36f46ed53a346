//! What the connection adds to the user agent.

use std::sync::Arc;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Appends to the SDK's own header, which is no part of the signature.
#[derive(Clone, Debug)]
pub(super) struct UserAgent(Arc<str>);

impl UserAgent {
    pub fn new(extra: &str) -> Self {
        let printable: String = extra.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
        Self(printable.into())
    }
}

#[dyn_dispatch_hint]
impl Intercept for UserAgent {
    fn name(&self) -> &'static str {
        "UserAgent"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        let whole = match headers.get("user-agent") {
            Some(own) => format!("{own} {}", self.0),
            None => self.0.to_string(),
        };
        headers.insert("user-agent", whole);
        Ok(())
    }
}
