//! EMR on EC2.

pub(crate) mod cancel;
pub(crate) mod diagnose;
pub(crate) mod probe;
pub(crate) mod start;
pub mod states;
#[cfg(test)]
mod tests;

use crate::Session;
use crate::service::operations;

operations!("emr", client, "ElasticMapReduce" by terminate_job_flows: [
    "AddInstanceFleet",
    "AddInstanceGroups",
    "AddJobFlowSteps",
    "AddTags",
    "CancelSteps",
    "CreateSecurityConfiguration",
    "DeleteSecurityConfiguration",
    "DescribeCluster",
    "DescribeNotebookExecution",
    "DescribeReleaseLabel",
    "DescribeSecurityConfiguration",
    "DescribeStep",
    "GetAutoTerminationPolicy",
    "GetBlockPublicAccessConfiguration",
    "GetClusterSessionCredentials",
    "GetManagedScalingPolicy",
    "GetSession",
    "GetSessionEndpoint",
    "ListBootstrapActions",
    "ListClusters",
    "ListInstanceFleets",
    "ListInstanceGroups",
    "ListInstances",
    "ListNotebookExecutions",
    "ListReleaseLabels",
    "ListSecurityConfigurations",
    "ListSessions",
    "ListSteps",
    "ListSupportedInstanceTypes",
    "ModifyCluster",
    "ModifyInstanceFleet",
    "ModifyInstanceGroups",
    "PutAutoScalingPolicy",
    "PutAutoTerminationPolicy",
    "PutBlockPublicAccessConfiguration",
    "PutManagedScalingPolicy",
    "RemoveAutoScalingPolicy",
    "RemoveAutoTerminationPolicy",
    "RemoveManagedScalingPolicy",
    "RemoveTags",
    "RunJobFlow",
    "SetKeepJobFlowAliveWhenNoSteps",
    "SetTerminationProtection",
    "SetUnhealthyNodeReplacement",
    "SetVisibleToAllUsers",
    "StartNotebookExecution",
    "StartSession",
    "StopNotebookExecution",
    "TerminateJobFlows",
    "TerminateSession",
]);

fn client(session: &Session, once: bool) -> &aws_sdk_emr::Client {
    if once { session.emr() } else { session.retrying().emr() }
}
