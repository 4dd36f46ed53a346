//! EMR clusters and steps: their states and the calls that tell them.

use crate::wait::kind::{Account, Api, Items, Kind, List, Pages, StateTable};

/// EMR counts all calls of an account together, besides each by itself.
static ACCOUNT: Account = Account { service: "emr", burst: 25.0, refill: 5.0 };

static DESCRIBE_CLUSTER: Api = api("DescribeCluster", "elasticmapreduce:DescribeCluster", 10.0, 1.0);
static LIST_CLUSTERS: Api = api("ListClusters", "elasticmapreduce:ListClusters", 20.0, 0.5);
static DESCRIBE_STEP: Api = api("DescribeStep", "elasticmapreduce:DescribeStep", 10.0, 0.5);
static LIST_STEPS: Api = api("ListSteps", "elasticmapreduce:ListSteps", 10.0, 0.5);

const fn api(name: &'static str, permission: &'static str, burst: f64, refill: f64) -> Api {
    Api { service: "emr", name, permission, burst, refill, account: Some(&ACCOUNT) }
}

pub static JOB_FLOW: Kind = Kind {
    name: "emr_job_flow",
    states: StateTable {
        pending: &["STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING", "TERMINATING"],
        success: &["TERMINATED"],
        failure: &["TERMINATED_WITH_ERRORS"],
    },
    single: &DESCRIBE_CLUSTER,
    whole: None,
    list: Some(List {
        api: &LIST_CLUSTERS,
        ids: None,
        pages: Some(Pages { size: 50, active_only: true }),
        items: None,
        needs_parent: false,
    }),
    parent_of: None,
    console: |region, _, id| Some(format!("emr/home?region={region}#/clusterDetails/{id}")),
};

pub static STEP: Kind = Kind {
    name: "emr_step",
    states: StateTable {
        pending: &["PENDING", "CANCEL_PENDING", "RUNNING"],
        success: &["COMPLETED"],
        failure: &["CANCELLED", "FAILED", "INTERRUPTED"],
    },
    single: &DESCRIBE_STEP,
    whole: None,
    list: Some(List {
        api: &LIST_STEPS,
        ids: Some(10),
        pages: Some(Pages { size: 50, active_only: false }),
        items: Some(Items { list: "Steps", id: "Id", single: "Step" }),
        needs_parent: true,
    }),
    parent_of: None,
    console: |region, cluster, _| Some(format!("emr/home?region={region}#/clusterDetails/{}", cluster?)),
};
