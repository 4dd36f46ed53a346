//! How a function fails: under a name that the state machine's Retry and Catch can match.

use std::fmt;

use lambda_runtime::Diagnostic;
use mwaalib_core::Error;
use mwaalib_core::error::Class;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub error: String,
    pub message: String,
}

impl Failure {
    pub fn new(error: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error: error.into(), message: message.into() }
    }

    pub fn input(message: impl Into<String>) -> Self {
        Self::new("InvalidInput", message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.message)
    }
}

/// AWS errors keep their code, but what may pass by itself is all called `Transient`.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let name = match error {
            Error::Aws(aws) => match aws.class {
                Class::Transient | Class::Throttled | Class::Expired => "Transient".into(),
                Class::NotFound | Class::AccessDenied | Class::Permanent => aws.code,
            },
            Error::Request(_) => "RequestValidationError".into(),
            Error::UnknownState { .. } => "UnknownStateError".into(),
            _ => "InternalError".into(),
        };
        Self::new(name, message)
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.error, error_message: failure.message }
    }
}

#[cfg(test)]
mod tests {
    use mwaalib_core::error::AwsError;

    use super::*;

    fn aws(code: &str, class: Class) -> Error {
        Error::Aws(AwsError {
            service: "glue".into(),
            operation: "StartJobRun".into(),
            code: code.into(),
            message: "no".into(),
            request_id: None,
            status: Some(400),
            class,
        })
    }

    #[test]
    fn retry_can_tell_passing_errors_from_lasting_ones() {
        let name = |error| Failure::from(error).error;
        assert_eq!(name(aws("ThrottlingException", Class::Throttled)), "Transient");
        assert_eq!(name(aws("InternalServiceException", Class::Transient)), "Transient");
        assert_eq!(name(aws("ConcurrentRunsExceededException", Class::Permanent)), "ConcurrentRunsExceededException");
        let lasting = Failure::from(aws("EntityNotFoundException", Class::NotFound));
        assert_eq!(lasting.to_string(), "EntityNotFoundException: glue StartJobRun: EntityNotFoundException: no");
        assert_eq!(Diagnostic::from(lasting).error_type, "EntityNotFoundException");
    }
}
