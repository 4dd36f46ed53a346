//! EMR on EC2.

pub(crate) mod probe;

use crate::Session;
use crate::service::operations;

operations!("emr", client => {
    "RunJobFlow" => run_job_flow,
    "AddJobFlowSteps" => add_job_flow_steps,
    "DescribeCluster" => describe_cluster,
    "DescribeStep" => describe_step,
    "ListClusters" => list_clusters,
    "ListSteps" => list_steps,
    "ListInstances" => list_instances,
    "ModifyCluster" => modify_cluster,
    "TerminateJobFlows" => terminate_job_flows,
    "CancelSteps" => cancel_steps,
    "SetTerminationProtection" => set_termination_protection,
    "AddTags" => add_tags,
    "RemoveTags" => remove_tags,
});

fn client(session: &Session, once: bool) -> &aws_sdk_emr::Client {
    if once { session.emr() } else { session.retrying().emr() }
}
