"""Members of replies that are times: AWS sends numbers, boto3 gives datetimes."""

from __future__ import annotations

# By service; a test holds them against botocore's models.
TIMES: dict[str, frozenset[str]] = {
    "emr": frozenset(
        {
            "AuthTokenExpirationTime",
            "CreatedAt",
            "CreationDateTime",
            "EndDateTime",
            "EndTime",
            "EndedAt",
            "ExpiresAt",
            "IdleSince",
            "ReadyDateTime",
            "StartDateTime",
            "StartTime",
            "StartedAt",
            "UpdatedAt",
        }
    ),
    "sfn": frozenset({"creationDate", "redriveDate", "startDate", "stopDate", "timestamp", "updateDate"}),
    "glue": frozenset(
        {
            "CompletedOn",
            "CreateTime",
            "CreatedOn",
            "CreatedTimeStamp",
            "CreatedTimestamp",
            "CreationTime",
            "EndTime",
            "LastAccessTime",
            "LastAnalyzedTime",
            "LastConnectionValidationTime",
            "LastModifiedOn",
            "LastUpdated",
            "LastUpdatedTime",
            "RequestTime",
            "StartTime",
            "StartedOn",
            "StartingTimestamp",
            "UpdateTime",
        }
    ),
    "ssm": frozenset(
        {
            "CreatedDate",
            "ExecutionEndTime",
            "ExecutionStartTime",
            "ExpiresAfter",
            "LastAssociationExecutionDate",
            "LastModifiedDate",
            "LastNoRebootInstallOperationTime",
            "LastPingDateTime",
            "LastSuccessfulAssociationExecutionDate",
            "OperationEndTime",
            "OperationStartTime",
            "RegistrationDate",
            "RequestedDateTime",
            "ResponseFinishDateTime",
            "ResponseStartDateTime",
            "ReviewedTime",
            "ScheduledTime",
        }
    ),
}
