//! Ten thousand waits over real sockets, through throttling, 5xx, resets and hangs.

#[path = "storm/server.rs"]
mod server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mwaalib_core::service::watch::AwsRemote;
use mwaalib_core::wait::{Budget, Engine, Options, WaitSpec};
use mwaalib_core::{Error, Session, Settings};
use server::{CLUSTERS, CRAWLERS, EXECUTIONS, INVOCATIONS, RUNS, STEPS, Server, arn, fails};

/// Budgets of no concern: here AWS throttles at random, whatever the rate.
fn options() -> Options {
    let apis = [
        "sfn:DescribeExecution",
        "sfn:ListExecutions",
        "glue:GetJobRun",
        "glue:GetJobRuns",
        "glue:GetCrawler",
        "glue:BatchGetCrawlers",
        "emr:DescribeStep",
        "emr:ListSteps",
        "emr:DescribeCluster",
        "emr:ListClusters",
        "emr",
        "ssm:GetCommandInvocation",
        "ssm:ListCommandInvocations",
        "ssm:ListCommands",
    ];
    let plenty = Budget { burst: 1e5, refill: 1e5 };
    Options {
        budgets: apis.into_iter().map(|api| (api.to_owned(), plenty)).collect(),
        call_timeout: 3.0,
        // What went wrong in a job is not the question here.
        diagnose_timeout: 0.0,
        ..Options::default()
    }
}

#[derive(Debug)]
struct Wait {
    spec: WaitSpec,
    id: String,
    /// The state it must end in, and whether that is a failure.
    end: &'static str,
    fails: bool,
}

fn waits() -> Vec<Wait> {
    let mut waits = Vec::new();
    for family in [EXECUTIONS, RUNS, STEPS, CRAWLERS, CLUSTERS, INVOCATIONS] {
        for n in 0..family.jobs {
            let parent = n % family.parents;
            let (id, parent, good, bad) = match family.kind {
                "sfn_execution" => (arn(n), None, "SUCCEEDED", "TIMED_OUT"),
                "glue_job_run" => (format!("jr-{n}"), Some(format!("j-{parent}")), "SUCCEEDED", "EXPIRED"),
                "emr_step" => (format!("s-{n}"), Some(format!("c-{parent}")), "COMPLETED", "FAILED"),
                "emr_job_flow" => (format!("j-{n}"), None, "TERMINATED", "TERMINATED_WITH_ERRORS"),
                "ssm_command" => (format!("i-{n}"), Some(format!("cmd-{parent}")), "Success", "TimedOut"),
                _ => (format!("c-{n}"), None, "SUCCEEDED", "FAILED"),
            };
            let end = if fails(n) { bad } else { good };
            waits.push(Wait { spec: spec(family.kind, parent, &id), id, end, fails: fails(n) });
        }
    }
    // Commands on all their instances, some of which fail.
    for command in 0..INVOCATIONS.parents {
        let spec = spec(INVOCATIONS.kind, Some(format!("cmd-{command}")), "*");
        waits.push(Wait { spec, id: "*".to_owned(), end: "TimedOut", fails: true });
    }
    waits
}

fn spec(kind: &str, parent: Option<String>, id: &str) -> WaitSpec {
    WaitSpec {
        kind: kind.to_owned(),
        parent,
        ids: vec![id.to_owned()],
        success: None,
        failure: None,
        delay: 2.0,
        deadline: None,
        verbose: false,
        since: (kind == CRAWLERS.kind).then_some(1.65e9),
    }
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn every_wait_gets_its_outcome() {
    // The server has a thread of its own, so that the engine's has no more than in Airflow: one.
    let outside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (server, url) = outside.block_on(Server::start());
    let inside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let settings = Settings {
        region: Some("us-east-1".to_owned()),
        access_key_id: Some("storm".to_owned()),
        secret_access_key: Some("storm".to_owned()),
        endpoint_url: Some(url),
        ..Settings::default()
    };
    let engine = Arc::new(Engine::new(options()));
    let began = Instant::now();
    let wrong = inside.block_on(async {
        let session = Session::get(&settings).await.unwrap();
        let before = resident();
        let mut running = Vec::new();
        for wait in waits() {
            let (engine, remote) = (Arc::clone(&engine), Arc::new(AwsRemote::new(session.clone())));
            running.push(tokio::spawn(async move {
                let result = engine.wait(remote, wait.spec.clone(), None).await;
                let right = match &result {
                    Ok(outcome) => {
                        let [result] = &outcome.results[..] else { return Some(format!("{outcome:?}")) };
                        !wait.fails && result.id == wait.id && result.state == wait.end && result.detail.is_object()
                    }
                    Err(Error::JobFailed(failure)) => {
                        wait.fails && failure.id == wait.id && failure.state == wait.end && failure.detail.is_object()
                    }
                    Err(_) => false,
                };
                (!right).then(|| format!("{wait:?}: {result:?}"))
            }));
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
        println!(
            "{} waits, {:.1} KiB each",
            running.len(),
            (resident() - before) as f64 / 1024.0 / running.len() as f64
        );
        let mut wrong = Vec::new();
        for wait in running {
            wrong.extend(wait.await.unwrap());
        }
        wrong
    });
    println!("over after {:.1} s; {:?}", began.elapsed().as_secs_f64(), engine.metrics());
    println!("calls {:?}", server.calls());
    assert!(wrong.is_empty(), "{} wrong, such as {}", wrong.len(), wrong[0]);
    let metrics = engine.metrics();
    assert_eq!((metrics.waits_active, metrics.waits_started), (0, 10_000));
    assert!(metrics.throttles > 0, "there was no storm");
}
