//! Starts Glue job runs, and finds them again by the key in their arguments.

use serde_json::{Value, json};

use crate::error::Result;
use crate::job::{Aws, Found, Key, Outcome, Search, Start, Started, look, newest, request_member, text_member};

/// The argument that carries the key. Glue scripts read named arguments and see no other.
const KEY_ARGUMENT: &str = "--mwaalib-key";
/// Pages of 200 that are searched at most.
const MAX_PAGES: usize = 10;

pub(crate) struct JobRun;

impl Start for JobRun {
    const SERVICE: &'static str = "glue";
    const OPERATION: &'static str = "StartJobRun";
    const FIND_PERMISSION: &'static str = "glue:GetJobRuns";

    async fn find<A: Aws>(&self, aws: &A, request: &Value, key: Key<'_>) -> Result<Search> {
        let job = request_member(request, Self::OPERATION, "JobName")?;
        let mut body = json!({"JobName": job, "MaxResults": 200});
        for _ in 0..MAX_PAGES {
            let page = look(aws, "glue", "GetJobRuns", &body).await?;
            let runs = page["JobRuns"].as_array().map_or(&[][..], Vec::as_slice);
            let ours = runs
                .iter()
                .filter(|run| run["Arguments"][KEY_ARGUMENT] == key.as_str() && key.covers(&run["StartedOn"]));
            if let Some(run) = newest(ours, "StartedOn") {
                return Ok(Search { found: Some(found(run, job)), attempt: 0 });
            }
            // Pages come newest first.
            if runs.iter().any(|run| !key.covers(&run["StartedOn"])) {
                break;
            }
            match page["NextToken"].as_str() {
                Some(token) => body["NextToken"] = json!(token),
                None => break,
            }
        }
        Ok(Search::default())
    }

    fn marked(&self, request: &Value, key: Key<'_>, _attempt: u32) -> Result<Value> {
        let mut request = request.clone();
        if !request["Arguments"].is_object() {
            request["Arguments"] = json!({});
        }
        request["Arguments"][KEY_ARGUMENT] = json!(key.as_str());
        Ok(request)
    }

    fn started(&self, request: &Value, response: Value) -> Result<Started> {
        let id = text_member(&response, "JobRunId", Self::OPERATION)?;
        let parent = request_member(request, Self::OPERATION, "JobName")?.to_owned();
        Ok(Started { ids: vec![id], parent: Some(parent), reattached: None, response, since: None, notice: None })
    }
}

fn found(run: &Value, job: &str) -> Found {
    let id = run["Id"].as_str().unwrap_or_default().to_owned();
    let outcome = match run["JobRunState"].as_str().unwrap_or_default() {
        "SUCCEEDED" => Outcome::Succeeded,
        "FAILED" | "STOPPED" | "STOPPING" | "TIMEOUT" | "ERROR" | "EXPIRED" => Outcome::Failed,
        _ => Outcome::Pending,
    };
    Found { parent: Some(job.to_owned()), outcome, response: json!({"JobRunId": id}), ids: vec![id] }
}
