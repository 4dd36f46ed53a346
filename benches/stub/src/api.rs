//! The AWS side: one function per operation, each a page or a description as AWS gives it.

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::world::{Group, Job, World, now};

type Answer = Result<Value, (&'static str, String)>;

pub fn answer(world: &mut World, request: &Request) -> Response {
    let Some(target) = &request.target else {
        return query(world, &request.body);
    };
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    world.count(&operation);
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let answer = match operation.as_str() {
        "DescribeExecution" => describe_execution(world, &body),
        "ListExecutions" => list_executions(world, &body),
        "GetJobRun" => get_job_run(world, &body),
        "GetJobRuns" => get_job_runs(world, &body),
        "DescribeStep" => describe_step(world, &body),
        "ListSteps" => list_steps(world, &body),
        "DescribeCluster" => describe_cluster(world, &body),
        "ListClusters" => list_clusters(world, &body),
        "GetCrawler" => get_crawler(world, &body),
        "BatchGetCrawlers" => batch_get_crawlers(world, &body),
        _ => Err(("UnknownOperationException", operation.clone())),
    };
    match answer {
        Ok(body) => Response::json(200, &body),
        Err((code, message)) => Response::json(400, &json!({"__type": code, "message": message, "Message": message})),
    }
}

/// STS speaks the query protocol.
fn query(world: &mut World, body: &[u8]) -> Response {
    let text = String::from_utf8_lossy(body);
    let action = text.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default().to_owned();
    world.count(&action);
    let result = match action.as_str() {
        "AssumeRole" => {
            "<Credentials><AccessKeyId>ASIASTUB</AccessKeyId><SecretAccessKey>stub</SecretAccessKey>\
             <SessionToken>stub</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
             <AssumedRoleUser><AssumedRoleId>A:stub</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/r/stub</Arn></AssumedRoleUser>"
        }
        "GetCallerIdentity" => {
            "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/stub</Arn><UserId>A</UserId>"
        }
        _ => {
            return Response {
                status: 400,
                content_type: "text/xml",
                body: "<ErrorResponse><Error><Code>InvalidAction</Code></Error></ErrorResponse>".into(),
            };
        }
    };
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>stub</RequestId></ResponseMetadata></{action}Response>"
    );
    Response { status: 200, content_type: "text/xml", body }
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

fn strings(body: &Value) -> Vec<&str> {
    body.as_array().map(|items| items.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// One page, newest first, of the jobs that pass; the token is the place to go on from.
fn page<'a>(group: &'a Group, token: &str, size: usize, keep: impl Fn(&Job) -> bool) -> (Vec<&'a Job>, Option<String>) {
    let from = token.parse().unwrap_or(0);
    let mut rest = group.jobs.iter().rev().filter(|job| keep(job)).skip(from);
    let items: Vec<_> = rest.by_ref().take(size).collect();
    let more = rest.next().is_some();
    (items, more.then(|| (from + size).to_string()))
}

fn size(body: &Value, name: &str, most: usize) -> usize {
    body[name]
        .as_u64()
        .and_then(|asked| usize::try_from(asked).ok())
        .filter(|&asked| asked > 0)
        .unwrap_or(most)
        .min(most)
}

// Step Functions

fn machine_of(execution: &str) -> String {
    let parts: Vec<_> = execution.split(':').collect();
    format!("{}:stateMachine:{}", parts[..parts.len().min(5)].join(":"), parts.get(6).unwrap_or(&""))
}

fn execution(job: &Job, machine: &str) -> Value {
    let now = now();
    let mut item = json!({
        "executionArn": job.id, "stateMachineArn": machine, "name": job.id.rsplit(':').next(),
        "status": job.state(now), "startDate": job.started,
    });
    if let Some(at) = job.ended(now) {
        item["stopDate"] = json!(at);
    }
    item
}

fn describe_execution(world: &World, body: &Value) -> Answer {
    let arn = text(body, "executionArn");
    let machine = machine_of(arn);
    let job = world
        .job("sfn", &machine, arn)
        .ok_or(("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'")))?;
    let mut item = execution(job, &machine);
    item["input"] = json!("{}");
    if job.state(now()) == "SUCCEEDED" {
        item["output"] = json!("{}");
    }
    Ok(item)
}

fn list_executions(world: &World, body: &Value) -> Answer {
    let machine = text(body, "stateMachineArn");
    let group = world.group("sfn", machine).ok_or(("StateMachineDoesNotExist", machine.to_owned()))?;
    let (status, now) = (body["statusFilter"].as_str(), now());
    let keep = |job: &Job| status.is_none_or(|wanted| job.state(now) == wanted);
    let (jobs, token) = page(group, text(body, "nextToken"), size(body, "maxResults", 1000), keep);
    Ok(json!({"executions": jobs.iter().map(|job| execution(job, machine)).collect::<Vec<_>>(), "nextToken": token}))
}

// Glue

fn job_run(job: &Job, name: &str) -> Value {
    let now = now();
    let mut item = json!({"Id": job.id, "JobName": name, "Attempt": 0, "StartedOn": job.started, "JobRunState": job.state(now), "ExecutionTime": 0});
    if let Some(at) = job.ended(now) {
        item["CompletedOn"] = json!(at);
    }
    item
}

fn get_job_run(world: &World, body: &Value) -> Answer {
    let (name, id) = (text(body, "JobName"), text(body, "RunId"));
    let job = world.job("glue", name, id).ok_or(("EntityNotFoundException", format!("Job run {id} not found")))?;
    Ok(json!({"JobRun": job_run(job, name)}))
}

fn get_job_runs(world: &World, body: &Value) -> Answer {
    let name = text(body, "JobName");
    let group = world.group("glue", name).ok_or(("EntityNotFoundException", format!("Job {name} not found")))?;
    let (jobs, token) = page(group, text(body, "NextToken"), size(body, "MaxResults", 200), |_| true);
    Ok(json!({"JobRuns": jobs.iter().map(|job| job_run(job, name)).collect::<Vec<_>>(), "NextToken": token}))
}

fn crawler(job: &Job) -> Value {
    let state = job.state(now());
    let mut item = json!({"Name": job.id, "State": state, "Version": 1});
    if state == "READY" {
        item["LastCrawl"] = json!({"Status": "SUCCEEDED", "StartTime": job.started});
    }
    item
}

fn get_crawler(world: &World, body: &Value) -> Answer {
    let name = text(body, "Name");
    let job = world.job("crawler", "", name).ok_or(("EntityNotFoundException", format!("Crawler {name} not found")))?;
    Ok(json!({"Crawler": crawler(job)}))
}

fn batch_get_crawlers(world: &World, body: &Value) -> Answer {
    let names = strings(&body["CrawlerNames"]);
    if names.len() > 100 {
        return Err(("InvalidInputException", "at most 100 CrawlerNames".into()));
    }
    let (found, missing): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| world.job("crawler", "", name).is_some());
    let crawlers: Vec<_> = found.iter().filter_map(|name| world.job("crawler", "", name)).map(crawler).collect();
    Ok(json!({"Crawlers": crawlers, "CrawlersNotFound": missing}))
}

// EMR

fn step(job: &Job) -> Value {
    json!({"Id": job.id, "Name": job.id, "ActionOnFailure": "CONTINUE", "Config": {"Jar": "command-runner.jar"},
           "Status": {"State": job.state(now()), "StateChangeReason": {}, "Timeline": {"CreationDateTime": job.started}}})
}

fn describe_step(world: &World, body: &Value) -> Answer {
    let (cluster, id) = (text(body, "ClusterId"), text(body, "StepId"));
    let job = world
        .job("emr_step", cluster, id)
        .ok_or(("InvalidRequestException", format!("Step id '{id}' is not valid.")))?;
    Ok(json!({"Step": step(job)}))
}

fn list_steps(world: &World, body: &Value) -> Answer {
    let cluster = text(body, "ClusterId");
    let group = world
        .group("emr_step", cluster)
        .ok_or(("InvalidRequestException", format!("Cluster id '{cluster}' is not valid.")))?;
    let (ids, states) = (strings(&body["StepIds"]), strings(&body["StepStates"]));
    if ids.len() > 10 {
        return Err(("InvalidRequestException", "at most 10 StepIds".into()));
    }
    if !ids.is_empty() {
        let steps: Vec<_> = ids.iter().filter_map(|id| group.get(id)).map(step).collect();
        return Ok(json!({"Steps": steps}));
    }
    let now = now();
    let keep = |job: &Job| states.is_empty() || states.contains(&job.state(now));
    let (jobs, marker) = page(group, text(body, "Marker"), 50, keep);
    Ok(json!({"Steps": jobs.into_iter().map(step).collect::<Vec<_>>(), "Marker": marker}))
}

fn cluster(job: &Job) -> Value {
    json!({"Id": job.id, "Name": job.id, "NormalizedInstanceHours": 0,
           "Status": {"State": job.state(now()), "StateChangeReason": {}, "Timeline": {"CreationDateTime": job.started}}})
}

fn describe_cluster(world: &World, body: &Value) -> Answer {
    let id = text(body, "ClusterId");
    let job = world
        .job("emr_cluster", "", id)
        .ok_or(("InvalidRequestException", format!("Cluster id '{id}' is not valid.")))?;
    Ok(json!({"Cluster": cluster(job)}))
}

fn list_clusters(world: &World, body: &Value) -> Answer {
    let Some(group) = world.group("emr_cluster", "") else {
        return Ok(json!({"Clusters": []}));
    };
    let (states, after, now) = (strings(&body["ClusterStates"]), body["CreatedAfter"].as_f64(), now());
    let keep =
        |job: &Job| (states.is_empty() || states.contains(&job.state(now))) && after.is_none_or(|at| job.started >= at);
    let (jobs, marker) = page(group, text(body, "Marker"), 50, keep);
    Ok(json!({"Clusters": jobs.into_iter().map(cluster).collect::<Vec<_>>(), "Marker": marker}))
}
