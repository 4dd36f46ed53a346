//! Starts EMR clusters and steps, and finds them again by the key in their names.

use serde_json::{Value, json};

use crate::error::{Class, Error, Result};
use crate::job::{
    Aws, Found, Key, Outcome, Search, Start, Started, labelled, request_member, text_member, within_reach,
};

/// EMR's limit for the names of clusters and steps.
const NAME_LIMIT: usize = 256;
/// Pages of 50 that are searched at most.
const MAX_PAGES: usize = 40;
const KEY_TAG: &str = "mwaalib:key";

/// RunJobFlow: the key in the cluster's name, where ListClusters shows it, and in a tag.
pub(crate) struct JobFlow;

impl Start for JobFlow {
    const SERVICE: &'static str = "emr";
    const OPERATION: &'static str = "RunJobFlow";
    const FIND_PERMISSION: &'static str = "elasticmapreduce:ListClusters";

    async fn find<A: Aws>(&self, aws: &A, request: &Value, key: Key<'_>) -> Result<Search> {
        let mut best: Option<(f64, Value)> = None;
        let mut body = json!({"CreatedAfter": within_reach()});
        let suffix = format!("[{}]", key.as_str());
        for _ in 0..MAX_PAGES {
            let mut page = aws.call("emr", "ListClusters", &body).await?;
            for cluster in page["Clusters"].as_array_mut().into_iter().flatten() {
                if !cluster["Name"].as_str().is_some_and(|name| name.ends_with(&suffix)) {
                    continue;
                }
                let created = cluster["Status"]["Timeline"]["CreationDateTime"].as_f64().unwrap_or(0.0);
                if best.as_ref().is_none_or(|(newest, _)| created >= *newest) {
                    best = Some((created, cluster.take()));
                }
            }
            match page["Marker"].as_str() {
                Some(marker) => body["Marker"] = json!(marker),
                None => break,
            }
        }
        let found = best.map(|(_, cluster)| {
            let id = cluster["Id"].as_str().unwrap_or_default().to_owned();
            Found {
                parent: None,
                outcome: cluster_outcome(&cluster["Status"], request),
                response: json!({"JobFlowId": id, "ClusterArn": cluster["ClusterArn"]}),
                ids: vec![id],
            }
        });
        Ok(Search { found, attempt: 0 })
    }

    fn marked(&self, request: &Value, key: Key<'_>, _attempt: u32) -> Result<Value> {
        let mut request = request.clone();
        let name = request_member(&request, Self::OPERATION, "Name")?;
        request["Name"] = json!(labelled(name, key.as_str(), NAME_LIMIT));
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

    /// Tags need elasticmapreduce:AddTags, which a role that never set any may lack. The name alone
    /// is enough to find the cluster.
    fn lesser(&self, request: &Value, unmarked: &Value, error: &Error) -> Option<Value> {
        let Error::Aws(refusal) = error else { return None };
        let about_tags = refusal.class == Class::AccessDenied && refusal.message.contains("AddTags");
        let ours_alone = request["Tags"].as_array().is_some_and(|tags| tags.len() == 1);
        (about_tags && ours_alone).then(|| {
            let mut request = request.clone();
            match unmarked.get("Tags") {
                Some(tags) => request["Tags"] = tags.clone(),
                None => {
                    request.as_object_mut().map(|members| members.shift_remove("Tags"));
                }
            }
            request
        })
    }
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
        let mut newest: Option<u32> = None;
        let mut steps: Vec<(usize, String, String)> = Vec::new();
        'pages: for _ in 0..MAX_PAGES {
            let page = aws.call("emr", "ListSteps", &body).await?;
            for step in page["Steps"].as_array().into_iter().flatten() {
                let Some((attempt, position)) = step["Name"].as_str().and_then(|name| read_label(name, key)) else {
                    continue;
                };
                if newest.is_some_and(|newest| attempt < newest) {
                    break 'pages;
                }
                if newest.is_none_or(|newest| attempt > newest) {
                    newest = Some(attempt);
                    steps.clear();
                }
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                steps.push((position, text(&step["Id"]), text(&step["Status"]["State"])));
            }
            // Listed newest first: the first step of a call is the last of them to be seen.
            if steps.iter().any(|(position, ..)| *position == 0) {
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
        steps.sort();
        let outcome = steps_outcome(steps.iter().map(|(_, _, state)| state.as_str()));
        let ids: Vec<String> = steps.into_iter().map(|(_, id, _)| id).collect();
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
