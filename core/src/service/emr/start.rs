//! Starts EMR clusters and steps, and finds them again by the key in a tag, or in their names.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::{Class, Error, Result};
use crate::job::{Aws, Found, Key, Outcome, Search, Start, Started, labelled, look, request_member, text_member};

/// EMR's limit for the names of clusters and steps.
const NAME_LIMIT: usize = 256;
/// Pages of 50 that are searched at most.
const MAX_PAGES: usize = 40;
const KEY_TAG: &str = "mwaalib:key";

/// RunJobFlow: the key in a tag; in the cluster's name only where tags are refused, as people and
/// operators look clusters up by name.
pub(crate) struct JobFlow;

impl Start for JobFlow {
    const SERVICE: &'static str = "emr";
    const OPERATION: &'static str = "RunJobFlow";
    const FIND_PERMISSION: &'static str = "elasticmapreduce:ListClusters and elasticmapreduce:DescribeCluster";

    async fn find<A: Aws>(&self, aws: &A, request: &Value, key: Key<'_>) -> Result<Search> {
        let asked = request_member(request, Self::OPERATION, "Name")?;
        let suffix = format!("[{}]", key.as_str());
        let mut body = json!({"CreatedAfter": key.oldest()});
        let mut clusters: Vec<(f64, Value)> = Vec::new();
        for _ in 0..MAX_PAGES {
            let mut page = look(aws, "emr", "ListClusters", &body).await?;
            for cluster in page["Clusters"].as_array_mut().into_iter().flatten() {
                let created = &cluster["Status"]["Timeline"]["CreationDateTime"];
                let named = cluster["Name"].as_str().is_some_and(|name| name == asked || name.ends_with(&suffix));
                if named && key.covers(created) && cluster_outcome(&cluster["Status"], request) != Outcome::Failed {
                    clusters.push((created.as_f64().unwrap_or_default(), cluster.take()));
                }
            }
            match page["Marker"].as_str() {
                Some(marker) => body["Marker"] = json!(marker),
                None => break,
            }
        }
        clusters.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        for (_, cluster) in clusters {
            let id = cluster["Id"].as_str().unwrap_or_default().to_owned();
            if !cluster["Name"].as_str().is_some_and(|name| name.ends_with(&suffix)) && !tagged(aws, &id, key).await? {
                continue;
            }
            let found = Found {
                parent: None,
                outcome: cluster_outcome(&cluster["Status"], request),
                response: json!({"JobFlowId": id, "ClusterArn": cluster["ClusterArn"]}),
                ids: vec![id],
            };
            return Ok(Search { found: Some(found), attempt: 0 });
        }
        Ok(Search::default())
    }

    fn marked(&self, request: &Value, key: Key<'_>, _attempt: u32) -> Result<Value> {
        let mut request = request.clone();
        request_member(&request, Self::OPERATION, "Name")?;
        let tag = json!({"Key": KEY_TAG, "Value": key.as_str()});
        match request["Tags"].as_array_mut() {
            Some(tags) => tags.push(tag),
            None => request["Tags"] = json!([tag]),
        }
        Ok(request)
    }

    fn started(&self, _request: &Value, response: Value) -> Result<Started> {
        let id = text_member(&response, "JobFlowId", Self::OPERATION)?;
        Ok(Started { ids: vec![id], parent: None, reattached: None, response, since: None, notice: None })
    }

    /// One tag more may need elasticmapreduce:AddTags, be forbidden by a condition on tag keys, or be
    /// one too many: the key then goes into the name.
    fn lesser(&self, request: &Value, unmarked: &Value, key: Key<'_>, error: &Error) -> Option<Value> {
        let Error::Aws(refusal) = error else { return None };
        let about_tags = refusal.class == Class::AccessDenied
            || refusal.class == Class::Permanent && refusal.message.to_ascii_lowercase().contains("tag");
        let marked = request["Tags"].as_array().and_then(|tags| tags.last()).is_some_and(|tag| tag["Key"] == KEY_TAG);
        let name = unmarked["Name"].as_str()?;
        (about_tags && marked).then(|| {
            let mut request = unmarked.clone();
            request["Name"] = json!(labelled(name, key.as_str(), NAME_LIMIT));
            request
        })
    }
}

async fn tagged<A: Aws>(aws: &A, cluster: &str, key: Key<'_>) -> Result<bool> {
    let reply = look(aws, "emr", "DescribeCluster", &json!({"ClusterId": cluster})).await?;
    let mut tags = reply["Cluster"]["Tags"].as_array().into_iter().flatten();
    Ok(tags.any(|tag| tag["Key"] == KEY_TAG && tag["Value"] == key.as_str()))
}

/// A cluster that ended because somebody asked for it has not done its work; nor has one that was
/// to be kept alive and is gone.
fn cluster_outcome(status: &Value, request: &Value) -> Outcome {
    let code = status["StateChangeReason"]["Code"].as_str().unwrap_or_default();
    let kept_alive = request["Instances"]["KeepJobFlowAliveWhenNoSteps"].as_bool().unwrap_or(false);
    let done = matches!(code, "" | "ALL_STEPS_COMPLETED") && !kept_alive;
    match status["State"].as_str().unwrap_or_default() {
        "TERMINATED_WITH_ERRORS" => Outcome::Failed,
        "TERMINATED" if done => Outcome::Succeeded,
        "TERMINATING" if done => Outcome::Pending,
        "TERMINATED" | "TERMINATING" => Outcome::Failed,
        _ => Outcome::Pending,
    }
}

/// AddJobFlowSteps: key, attempt and position in each step's name.
pub(crate) struct Steps;

impl Start for Steps {
    const SERVICE: &'static str = "emr";
    const OPERATION: &'static str = "AddJobFlowSteps";
    const FIND_PERMISSION: &'static str = "elasticmapreduce:ListSteps";

    /// The newest attempt's steps in the order of their request. One call's steps are all there or
    /// none is; what an incomplete listing misses is not waited for.
    async fn find<A: Aws>(&self, aws: &A, request: &Value, key: Key<'_>) -> Result<Search> {
        let mut body = json!({"ClusterId": request_member(request, Self::OPERATION, "JobFlowId")?});
        let asked = request["Steps"].as_array().map_or(0, Vec::len);
        // Listed newest first: the first to be seen are the newest attempt's.
        let mut newest: Option<u32> = None;
        let mut steps: BTreeMap<usize, (String, String)> = BTreeMap::new();
        'pages: for _ in 0..MAX_PAGES {
            let page = look(aws, "emr", "ListSteps", &body).await?;
            for step in page["Steps"].as_array().into_iter().flatten() {
                if !key.covers(&step["Status"]["Timeline"]["CreationDateTime"]) {
                    break 'pages;
                }
                let label = step["Name"].as_str().and_then(|name| read_label(name, key));
                let Some((attempt, position)) = label.filter(|(_, position)| *position < asked) else {
                    continue;
                };
                if *newest.get_or_insert(attempt) != attempt {
                    break 'pages;
                }
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                steps.entry(position).or_insert_with(|| (text(&step["Id"]), text(&step["Status"]["State"])));
            }
            if steps.contains_key(&0) {
                break;
            }
            match page["Marker"].as_str() {
                Some(marker) => body["Marker"] = json!(marker),
                None => break,
            }
        }
        let Some(newest) = newest else {
            return Ok(Search::default());
        };
        let outcome = steps_outcome(steps.values().map(|(_, state)| state.as_str()));
        let ids: Vec<String> = steps.into_values().map(|(id, _)| id).collect();
        let found = Found {
            parent: body["ClusterId"].as_str().map(str::to_owned),
            outcome,
            response: json!({"StepIds": ids}),
            ids,
        };
        Ok(Search { found: Some(found), attempt: newest + 1 })
    }

    fn marked(&self, request: &Value, key: Key<'_>, attempt: u32) -> Result<Value> {
        let mut request = request.clone();
        for (position, step) in request["Steps"].as_array_mut().into_iter().flatten().enumerate() {
            let name = step["Name"].as_str().unwrap_or_default();
            step["Name"] = json!(labelled(name, &format!("{}/{attempt}/{position}", key.as_str()), NAME_LIMIT));
        }
        Ok(request)
    }

    fn started(&self, request: &Value, response: Value) -> Result<Started> {
        let ids = response["StepIds"]
            .as_array()
            .map(|ids| ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect())
            .ok_or_else(|| Error::internal("AddJobFlowSteps: the reply has no StepIds"))?;
        let parent = request_member(request, Self::OPERATION, "JobFlowId")?.to_owned();
        Ok(Started { ids, parent: Some(parent), reattached: None, response, since: None, notice: None })
    }
}

/// Attempt and position from a step's name, when it carries this key.
fn read_label(name: &str, key: Key<'_>) -> Option<(u32, usize)> {
    let label = name.strip_suffix(']')?.rsplit_once('[')?.1;
    let (attempt, position) = label.strip_prefix(key.as_str())?.strip_prefix('/')?.split_once('/')?;
    Some((attempt.parse().ok()?, position.parse().ok()?))
}

fn steps_outcome<'a>(mut states: impl Iterator<Item = &'a str> + Clone) -> Outcome {
    let failed = |state| matches!(state, "CANCEL_PENDING" | "CANCELLED" | "FAILED" | "INTERRUPTED");
    if states.clone().any(failed) {
        Outcome::Failed
    } else if states.all(|state| state == "COMPLETED") {
        Outcome::Succeeded
    } else {
        Outcome::Pending
    }
}
