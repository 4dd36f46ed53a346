//! SDK errors -> the core's, with what a caller may do about them.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{AwsError, Class, Error};

impl Error {
    /// What an SDK call failed with, as the core's error.
    pub fn from_sdk<E>(service: &str, operation: &str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let request_id = error.raw_response().and_then(request_id);
        let aws = |code: &str, message: String, class: Class| {
            Self::Aws(AwsError {
                service: service.to_owned(),
                operation: operation.to_owned(),
                code: code.to_owned(),
                message,
                request_id: request_id.clone(),
                status,
                class,
            })
        };
        if let SdkError::ServiceError(context) = &error {
            let code = context.err().code().unwrap_or("Unknown");
            let message = context.err().message().unwrap_or("no message");
            return aws(code, message.to_owned(), classify(code, message, status));
        }
        if let Some(failure) = find(&error) {
            return failure;
        }
        let message = chain(&error);
        match &error {
            SdkError::TimeoutError(_) => aws("Timeout", message, Class::Transient),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => aws("Timeout", message, Class::Transient),
            SdkError::DispatchFailure(failure) if failure.is_user() => aws("BadRequest", message, Class::Permanent),
            // It stays wrong until somebody changes something.
            SdkError::DispatchFailure(_) if sources(&error).any(is_bad_certificate) => {
                aws("CertificateError", message, Class::Permanent)
            }
            SdkError::DispatchFailure(_) => aws("ConnectionError", message, Class::Transient),
            // A reply that cannot be read was cut off, or came from a proxy in between.
            SdkError::ResponseError(_) => aws("UnreadableReply", message, Class::Transient),
            _ => aws("RequestNotBuilt", message, Class::Permanent),
        }
    }
}

fn request_id(response: &HttpResponse) -> Option<String> {
    ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"]
        .iter()
        .find_map(|name| response.headers().get(*name))
        .map(str::to_owned)
}

/// A failure to get credentials hides inside the failure to send.
fn find(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut credentials = None;
    for current in sources(error) {
        if let Some(own) = current.downcast_ref::<Error>() {
            return Some(own.clone());
        }
        if let Some(found) = current.downcast_ref::<CredentialsError>() {
            credentials = credentials.or(Some(found));
        }
    }
    let found = credentials?;
    // Not set up at all is final; a metadata service or STS that does not answer may come back.
    let transient = match found {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => false,
        CredentialsError::ProviderTimedOut(_) => true,
        _ => !sources(found).any(is_refusal),
    };
    Some(Error::Credentials { message: chain(found), transient })
}

fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let current = next?;
        next = current.source();
        Some(current)
    })
}

/// An I/O error hides what it was made from, and here one is made from another.
fn is_bad_certificate(error: &(dyn StdError + 'static)) -> bool {
    let mut current = error;
    while let Some(inner) = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        current = inner;
    }
    matches!(current.downcast_ref::<rustls::Error>(), Some(rustls::Error::InvalidCertificate(_)))
}

/// What the SDK's own providers get when STS or SSO answers with an error.
fn is_refusal(error: &(dyn StdError + 'static)) -> bool {
    use aws_sdk_sts::operation::assume_role::AssumeRoleError;
    use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
    let code = error
        .downcast_ref::<AssumeRoleError>()
        .and_then(ProvideErrorMetadata::code)
        .or_else(|| error.downcast_ref::<AssumeRoleWithWebIdentityError>().and_then(ProvideErrorMetadata::code));
    code.is_some_and(|code| !matches!(classify(code, "", None), Class::Transient | Class::Throttled))
}

/// The messages of an error and its causes, without those that repeat.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(current) = source {
        let text = current.to_string();
        if !text.is_empty() && !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = current.source();
    }
    message
}

const THROTTLED: [&str; 15] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "TooManyUpdates",
    "KmsThrottlingException",
];

const EXPIRED: [&str; 5] =
    ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired", "RequestTimeTooSkewed"];

const TRANSIENT: [&str; 13] = [
    "InternalFailure",
    "InternalError",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceError",
    "InternalServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "RequestTimeout",
    "RequestTimeoutException",
    "OperationTimeoutException",
    "IDPCommunicationError",
    "IDPCommunicationErrorException",
];

/// AWS does not know these credentials (any more), or not yet.
const CREDENTIALS: [&str; 6] = [
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
];

const DENIED: [&str; 7] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "NotAuthorized",
    "UnauthorizedException",
    "KmsAccessDeniedException",
];

const NOT_FOUND: [&str; 6] =
    ["NotFound", "DoesNotExist", "NoSuch", "InvalidCommandId", "InvalidInstanceId", "ResourceNotReady"];

impl AwsError {
    /// Whether AWS refused the credentials as such. New ones may do better: from the provider, or,
    /// if it gives the same again, from whoever set it up.
    pub fn refuses_credentials(&self) -> bool {
        CREDENTIALS.contains(&bare(&self.code))
    }
}

fn bare(code: &str) -> &str {
    code.rsplit('#').next().unwrap_or(code)
}

/// What the error code, and where a service is vague the message, says about trying again.
pub fn classify(code: &str, message: &str, status: Option<u16>) -> Class {
    let code = bare(code);
    if THROTTLED.contains(&code) || status == Some(429) || message.contains("Rate exceeded") {
        return Class::Throttled;
    }
    if EXPIRED.contains(&code) || message.contains("Signature expired") {
        return Class::Expired;
    }
    if TRANSIENT.contains(&code) || status.is_some_and(|status| status >= 500) {
        return Class::Transient;
    }
    if DENIED.contains(&code) {
        return Class::AccessDenied;
    }
    if NOT_FOUND.iter().any(|part| code.contains(part)) || status == Some(404) {
        return Class::NotFound;
    }
    // EMR has no error code of its own for an id it does not know.
    if code == "InvalidRequestException" && message.contains(" id ") && message.contains("is not valid") {
        return Class::NotFound;
    }
    Class::Permanent
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
