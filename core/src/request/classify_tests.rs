use super::*;

use Class::{AccessDenied, Expired, NotFound, Permanent, Throttled, Transient};

/// Every error that the operations of waits declare, as of botocore's models.
const DECLARED: &[(&str, &[(&str, Class)])] = &[
    ("emr DescribeCluster", &[("InternalServerException", Transient), ("InvalidRequestException", Permanent)]),
    ("emr ListClusters", &[("InternalServerException", Transient), ("InvalidRequestException", Permanent)]),
    ("emr DescribeStep", &[("InternalServerException", Transient), ("InvalidRequestException", Permanent)]),
    ("emr ListSteps", &[("InternalServerException", Transient), ("InvalidRequestException", Permanent)]),
    (
        "sfn DescribeExecution",
        &[
            ("ExecutionDoesNotExist", NotFound),
            ("InvalidArn", Permanent),
            ("KmsAccessDeniedException", AccessDenied),
            // The key is disabled or is being deleted: somebody did that.
            ("KmsInvalidStateException", Permanent),
            ("KmsThrottlingException", Throttled),
        ],
    ),
    (
        "sfn ListExecutions",
        &[
            ("InvalidArn", Permanent),
            // A page that is gone: single calls take over for a while.
            ("InvalidToken", Permanent),
            ("StateMachineDoesNotExist", NotFound),
            ("StateMachineTypeNotSupported", Permanent),
            ("ValidationException", Permanent),
            ("ResourceNotFound", NotFound),
        ],
    ),
    (
        "glue GetJobRun",
        &[
            ("InvalidInputException", Permanent),
            ("EntityNotFoundException", NotFound),
            ("InternalServiceException", Transient),
            ("OperationTimeoutException", Transient),
        ],
    ),
    (
        "glue GetJobRuns",
        &[
            ("InvalidInputException", Permanent),
            ("EntityNotFoundException", NotFound),
            ("InternalServiceException", Transient),
            ("OperationTimeoutException", Transient),
        ],
    ),
    ("glue GetCrawler", &[("EntityNotFoundException", NotFound), ("OperationTimeoutException", Transient)]),
    ("glue BatchGetCrawlers", &[("InvalidInputException", Permanent), ("OperationTimeoutException", Transient)]),
    (
        "ssm GetCommandInvocation",
        &[
            ("InternalServerError", Transient),
            ("InvalidCommandId", NotFound),
            ("InvalidInstanceId", NotFound),
            ("InvalidPluginName", Permanent),
            ("InvocationDoesNotExist", NotFound),
        ],
    ),
    (
        "ssm ListCommandInvocations",
        &[
            ("InternalServerError", Transient),
            ("InvalidCommandId", NotFound),
            ("InvalidInstanceId", NotFound),
            ("InvalidFilterKey", Permanent),
            ("InvalidNextToken", Permanent),
        ],
    ),
    (
        "ssm ListCommands",
        &[
            ("InternalServerError", Transient),
            ("InvalidCommandId", NotFound),
            ("InvalidInstanceId", NotFound),
            ("InvalidFilterKey", Permanent),
            ("InvalidNextToken", Permanent),
        ],
    ),
    (
        "logs GetLogEvents",
        &[
            ("InvalidParameterException", Permanent),
            ("ResourceNotFoundException", NotFound),
            ("ServiceUnavailableException", Transient),
        ],
    ),
    (
        "sts AssumeRole",
        &[
            ("MalformedPolicyDocument", Permanent),
            ("PackedPolicyTooLarge", Permanent),
            ("RegionDisabledException", Permanent),
            ("ExpiredTokenException", Expired),
        ],
    ),
    (
        "sts AssumeRoleWithWebIdentity",
        &[
            ("MalformedPolicyDocument", Permanent),
            ("PackedPolicyTooLarge", Permanent),
            ("IDPRejectedClaim", Permanent),
            ("IDPCommunicationError", Transient),
            ("InvalidIdentityToken", Permanent),
            ("ExpiredTokenException", Expired),
            ("RegionDisabledException", Permanent),
        ],
    ),
];

#[test]
fn every_declared_error_has_its_class() {
    for (operation, errors) in DECLARED {
        for (code, class) in *errors {
            assert_eq!(classify(code, "", Some(400)), *class, "{operation}: {code}");
        }
    }
}

/// What any operation may answer, whatever it declares.
#[test]
fn common_errors_have_their_class() {
    for (code, status, class) in [
        ("ThrottlingException", 400, Throttled),
        ("Throttling", 400, Throttled),
        ("RequestLimitExceeded", 503, Throttled),
        ("TooManyRequestsException", 429, Throttled),
        ("SomethingNew", 429, Throttled),
        ("InternalFailure", 500, Transient),
        ("ServiceUnavailable", 503, Transient),
        ("SomethingNew", 502, Transient),
        ("RequestTimeout", 408, Transient),
        ("ExpiredTokenException", 400, Expired),
        ("RequestExpired", 400, Expired),
        ("com.amazon.coral.service#ExpiredTokenException", 400, Expired),
        ("AccessDeniedException", 400, AccessDenied),
        ("UnrecognizedClientException", 400, Permanent),
        ("ValidationException", 400, Permanent),
        ("MissingAuthenticationToken", 403, Permanent),
        ("SomethingNew", 404, NotFound),
        ("SomethingNew", 400, Permanent),
    ] {
        assert_eq!(classify(code, "", Some(status)), class, "{code} {status}");
    }
}

#[test]
fn a_message_says_what_its_code_does_not() {
    let class = |code, message| classify(code, message, Some(400));
    assert_eq!(class("InvalidRequestException", "Cluster id 'j-1' is not valid."), NotFound);
    assert_eq!(class("InvalidRequestException", "Step id 's-1' is not valid."), NotFound);
    assert_eq!(class("ValidationException", "Rate exceeded"), Throttled);
    assert_eq!(class("InvalidSignatureException", "Signature expired: 2026 is now earlier than 2027"), Expired);
}

#[test]
fn refused_credentials_are_told_apart() {
    let refused = |code: &str| {
        let class = classify(code, "", Some(403));
        let (service, operation, code) = ("sfn".to_owned(), "ListExecutions".to_owned(), code.to_owned());
        AwsError { service, operation, code, message: String::new(), request_id: None, status: None, class }
            .refuses_credentials()
    };
    for code in ["UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "aws#AuthFailure"] {
        assert!(refused(code), "{code}");
    }
    for code in ["AccessDeniedException", "ExpiredTokenException", "ValidationException"] {
        assert!(!refused(code), "{code}");
    }
}
