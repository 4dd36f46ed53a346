//! EMR on EC2.

pub(crate) mod cancel;
pub(crate) mod diagnose;
pub(crate) mod probe;
pub(crate) mod start;
#[cfg(test)]
mod tests;

use crate::Session;
use crate::service::operations;

operations!("emr", client, "ElasticMapReduce" by terminate_job_flows: [
    "RunJobFlow",
    "AddJobFlowSteps",
    "DescribeCluster",
    "DescribeStep",
    "ListClusters",
    "ListSteps",
    "ListInstances",
    "ModifyCluster",
    "TerminateJobFlows",
    "CancelSteps",
    "SetTerminationProtection",
    "AddTags",
    "RemoveTags",
]);

fn client(session: &Session, once: bool) -> &aws_sdk_emr::Client {
    if once { session.emr() } else { session.retrying().emr() }
}
