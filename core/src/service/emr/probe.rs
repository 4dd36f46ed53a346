//! Observes EMR clusters and steps.

use aws_sdk_emr::types::{Cluster, ClusterState, ClusterStatus, StepStatus};
use aws_smithy_types::DateTime;

use super::states;
use crate::error::{Error, Result};
use crate::service::watch::{Capture, Probe, owned, seconds, state};
use crate::session::Session;
use crate::wait::remote::{Ask, Page, Seen};

pub(crate) static JOB_FLOW: Probe = Probe {
    kind: &states::JOB_FLOW,
    one: |session, _, id| Box::pin(describe_cluster(session, id)),
    page: |session, _, ask| Box::pin(list_clusters(session, ask)),
    whole: None,
    follow: None,
};

pub(crate) static STEP: Probe = Probe {
    kind: &states::STEP,
    one: |session, cluster, id| Box::pin(describe_step(session, cluster, id)),
    page: |session, cluster, ask| Box::pin(list_steps(session, cluster, ask)),
    whole: None,
    follow: None,
};

async fn describe_cluster(session: &Session, id: &str) -> Result<Seen> {
    let reply = Capture::default();
    let call = session.emr().describe_cluster().cluster_id(id).customize().interceptor(reply.clone());
    let output = Box::pin(call.send()).await.map_err(|e| Error::from_sdk("emr", "DescribeCluster", e))?;
    let status = output.cluster().and_then(Cluster::status);
    Ok(cluster(id, status)?.with_detail(reply.json()))
}

async fn list_clusters(session: &Session, ask: &Ask) -> Result<Page> {
    let pending = states::JOB_FLOW.states.pending.iter().map(|name| ClusterState::from(*name)).collect();
    let call = session
        .emr()
        .list_clusters()
        .set_cluster_states(Some(pending))
        // Creation times come rounded, and clocks within AWS differ a little.
        .set_created_after(ask.created_after.map(|at| DateTime::from_secs_f64((at - 60.0).floor())))
        .set_marker(ask.token.clone());
    let output = Box::pin(call.send()).await.map_err(|e| Error::from_sdk("emr", "ListClusters", e))?;
    let entries = output.clusters().iter().filter_map(|entry| Some((entry.id()?, entry.status())));
    let items = entries.map(|(id, status)| Ok((id.to_owned(), cluster(id, status)?))).collect::<Result<_>>()?;
    Ok(Page { items, next: output.marker, ..Page::default() })
}

fn cluster(id: &str, status: Option<&ClusterStatus>) -> Result<Seen> {
    let name = status.and_then(ClusterStatus::state).map(ClusterState::as_str);
    let timeline = status.and_then(ClusterStatus::timeline);
    let created = seconds(timeline.and_then(|timeline| timeline.creation_date_time()));
    Ok(Seen { created, ..Seen::new(states::JOB_FLOW.states.intern(state(&states::JOB_FLOW, id, name)?)) })
}

async fn describe_step(session: &Session, cluster: Option<&str>, id: &str) -> Result<Seen> {
    let reply = Capture::default();
    let call = session.emr().describe_step().set_cluster_id(cluster.map(str::to_owned)).step_id(id);
    let sent = Box::pin(call.customize().interceptor(reply.clone()).send()).await;
    let output = sent.map_err(|e| Error::from_sdk("emr", "DescribeStep", e))?;
    let status = output.step().and_then(|step| step.status());
    Ok(step(id, status)?.with_detail(reply.json()))
}

async fn list_steps(session: &Session, cluster: Option<&str>, ask: &Ask) -> Result<Page> {
    let reply = Capture::default();
    let ids = (!ask.ids.is_empty()).then(|| owned(&ask.ids));
    let call = session
        .emr()
        .list_steps()
        .set_cluster_id(cluster.map(str::to_owned))
        .set_step_ids(ids)
        .set_marker(ask.token.clone());
    let sent = Box::pin(call.customize().interceptor(reply.clone()).send()).await;
    let output = sent.map_err(|e| Error::from_sdk("emr", "ListSteps", e))?;
    let entries = output.steps().iter().filter_map(|entry| Some((entry.id()?, entry.status())));
    let items = entries.map(|(id, status)| Ok((id.to_owned(), step(id, status)?))).collect::<Result<_>>()?;
    Ok(Page { items, next: output.marker, missing: Vec::new(), raw: reply.take() })
}

fn step(id: &str, status: Option<&StepStatus>) -> Result<Seen> {
    let name = status.and_then(StepStatus::state).map(|state| state.as_str());
    Ok(Seen::new(states::STEP.states.intern(state(&states::STEP, id, name)?)))
}
