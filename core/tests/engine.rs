//! The engine's promises one by one, with the clock stopped.

mod sim;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use mwaalib_core::Error;
use mwaalib_core::wait::{Options, Outcome, WaitSpec};
use serde_json::json;
use sim::aws::{Faults, Script};
use sim::stage::{MACHINE, Stage, arn, executions, notices, recorder, script, unix_now};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn one_wait_uses_the_single_call() {
    let stage = Stage::new(executions(&[100.0]), Faults::default());
    let outcome = stage.execution(0, 30.0).await.unwrap().unwrap();
    assert_eq!(outcome.results[0].state, "SUCCEEDED");
    assert_eq!(stage.calls("ListExecutions"), 0);
    assert!((4..=6).contains(&stage.calls("DescribeExecution")), "{:?}", stage.world.calls());
}

#[tokio::test(start_paused = true)]
async fn two_waits_for_one_job_share_its_calls() {
    let stage = Stage::new(executions(&[100.0]), Faults::default());
    let waits = [stage.execution(0, 30.0), stage.execution(0, 30.0)];
    for wait in waits {
        assert_eq!(wait.await.unwrap().unwrap().results[0].state, "SUCCEEDED");
    }
    assert!((4..=6).contains(&stage.calls("DescribeExecution")), "{:?}", stage.world.calls());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_waits_cost_a_call_or_two_a_round() {
    let mut ends = vec![1000.0; 1000];
    ends[0] = 500.0;
    let stage = Stage::new(executions(&ends), Faults::default());
    let mut waits: Vec<_> = (0..1000).map(|number| stage.execution(number, 60.0)).collect();
    sleep(Duration::from_secs(400)).await;
    let (lists, describes) = (stage.calls("ListExecutions"), stage.calls("DescribeExecution"));
    assert!((7..=9).contains(&lists), "{lists} lists in 400 s");
    assert_eq!(describes, 0);
    assert_eq!(waits.remove(0).await.unwrap().unwrap().results[0].id, arn(0));
    assert_eq!(stage.calls("DescribeExecution"), 1, "only who left the list is described");
    for wait in waits {
        wait.await.unwrap().unwrap();
    }
    assert_eq!(stage.calls("DescribeExecution"), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_group_changes_its_call_as_it_grows_and_shrinks() {
    let mut ends = vec![300.0; 1000];
    ends[0] = 3000.0;
    let stage = Stage::new(executions(&ends), Faults::default());
    let first = stage.execution(0, 20.0);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(stage.calls("ListExecutions"), 0, "alone");
    let many: Vec<_> = (1..1000).map(|number| stage.execution(number, 20.0)).collect();
    sleep(Duration::from_secs(100)).await;
    assert!(stage.calls("ListExecutions") >= 4, "in company");
    for wait in many {
        wait.await.unwrap().unwrap();
    }
    sleep(Duration::from_secs(60)).await;
    let before = (stage.calls("ListExecutions"), stage.calls("DescribeExecution"));
    sleep(Duration::from_secs(400)).await;
    assert_eq!(stage.calls("ListExecutions"), before.0, "alone again");
    assert!((19..=24).contains(&(stage.calls("DescribeExecution") - before.1)));
    first.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_comes_while_the_call_is_in_flight_is_not_lost() {
    let jobs = executions(&[100.0, 5.0, 5.0]);
    // All calls hang until the engine gives them up after its time limit.
    let options = Options { call_timeout: 20.0, ..Options::default() };
    let stage = Stage::with(jobs, Faults { hang: 1.0, ..Faults::default() }, options.clone());
    let first = stage.execution(0, 30.0);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.calls("DescribeExecution"), 1, "in flight");
    let others = [stage.execution(1, 30.0), stage.execution(2, 30.0)];
    sleep(Duration::from_secs(3)).await;
    assert_eq!(stage.calls("ListExecutions"), 1, "who came later need not wait for the first");
    drop((first, others));

    let stage = Stage::with(executions(&[100.0, 5.0]), Faults::default(), options);
    let first = stage.execution(0, 30.0);
    // The first call is sent after 50 to 100 ms and takes 5 to 300 ms.
    sleep(Duration::from_millis(103)).await;
    let second = stage.execution(1, 30.0);
    second.await.unwrap().unwrap();
    assert!(stage.world.now() < 40.0, "{}", stage.world.now());
    first.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_changes_are_told() {
    let states = [(0.0, "PENDING"), (100.0, "RUNNING"), (200.0, "COMPLETED")];
    let jobs = HashMap::from([(("emr_step", "s-1".to_owned()), script(Some("j-1"), &states))]);
    let stage = Stage::new(jobs, Faults::default());
    let (sink, events) = recorder();
    stage.wait(Stage::spec("emr_step", Some("j-1"), &["s-1"], 10.0), Some(sink)).await.unwrap().unwrap();
    let told = serde_json::to_value(&*events.lock().unwrap()).unwrap();
    let change = |state: &str, previous: Option<&str>| json!({"type": "state", "kind": "emr_step", "id": "s-1", "state": state, "previous": previous});
    let expected = [change("PENDING", None), change("RUNNING", Some("PENDING")), change("COMPLETED", Some("RUNNING"))];
    assert_eq!(told, json!(expected));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_kept_and_says_what_was_seen() {
    let stage = Stage::new(executions(&[1000.0]), Faults::default());
    let mut spec = Stage::spec("sfn_execution", None, &[&arn(0)], 30.0);
    spec.deadline = Some(unix_now() + 100.0);
    match stage.wait(spec, None).await.unwrap() {
        Err(Error::Deadline { ids, states, .. }) => {
            assert_eq!((ids, states), (vec![arn(0)], vec!["RUNNING".to_owned()]))
        }
        other => panic!("{other:?}"),
    }
    assert!((99.0..101.0).contains(&stage.world.now()), "{}", stage.world.now());
}

#[tokio::test(start_paused = true)]
async fn a_job_that_ends_just_before_the_deadline_is_seen() {
    let stage = Stage::new(executions(&[95.0]), Faults::default());
    let mut spec = Stage::spec("sfn_execution", None, &[&arn(0)], 60.0);
    spec.deadline = Some(unix_now() + 100.0);
    assert!(stage.wait(spec, None).await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_leaves_one_look() {
    let stage = Stage::new(executions(&[0.0, 1000.0]), Faults::default());
    let mut spec = Stage::spec("sfn_execution", None, &[&arn(0)], 60.0);
    spec.deadline = Some(unix_now() - 500.0);
    assert!(stage.wait(spec.clone(), None).await.unwrap().is_ok(), "it ended while nobody looked");
    spec.ids = vec![arn(1)];
    assert!(matches!(stage.wait(spec, None).await.unwrap(), Err(Error::Deadline { .. })));
    assert!(stage.world.now() < 2.0, "{}", stage.world.now());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_leaves_nothing() {
    let stage = Stage::new(executions(&[1000.0; 20]), Faults::default());
    let waits: Vec<_> = (0..20).map(|number| stage.execution(number, 10.0)).collect();
    sleep(Duration::from_secs(25)).await;
    assert_eq!(stage.engine.metrics().waits_active, 20);
    for wait in &waits {
        wait.abort();
    }
    sleep(Duration::from_millis(1)).await;
    let metrics = stage.engine.metrics();
    assert_eq!((metrics.waits_active, metrics.waits_dropped, metrics.pollers), (0, 20, 0));
    let calls = stage.world.calls();
    sleep(Duration::from_secs(100)).await;
    assert_eq!(stage.world.calls(), calls);
    assert_eq!(Arc::strong_count(&stage.world), 1, "nothing holds on to the session");
}

#[tokio::test(start_paused = true)]
async fn a_crawl_that_came_before_does_not_count() {
    let mut crawler = script(None, &[(0.0, "READY"), (60.0, "RUNNING"), (300.0, "READY")]);
    crawler.last = vec![(0.0, "FAILED", 0.0), (300.0, "SUCCEEDED", 60.0)];
    let stage = Stage::new(HashMap::from([(("glue_crawler", "c".to_owned()), crawler)]), Faults::default());
    let spec = |since| WaitSpec { since, ..Stage::spec("glue_crawler", None, &["c"], 10.0) };
    let (any, ours) = (stage.wait(spec(None), None), stage.wait(spec(Some(0.001)), None));
    match any.await.unwrap() {
        Err(Error::JobFailed(failure)) => assert_eq!(failure.state, "FAILED"),
        other => panic!("{other:?}"),
    }
    let outcome = ours.await.unwrap().unwrap();
    assert_eq!(outcome.results[0].state, "SUCCEEDED");
    assert!(stage.world.now() > 300.0);
}

#[tokio::test(start_paused = true)]
async fn all_instances_of_a_command_may_be_waited_for() {
    let instance = |id: &str, begin, end| {
        (("ssm_command", id.to_owned()), script(Some("c-1"), &[(begin, "InProgress"), (end, "Success")]))
    };
    // At first the list is empty: that means not yet, not done.
    let stage =
        Stage::new(HashMap::from([instance("i-1", 20.0, 50.0), instance("i-2", 25.0, 90.0)]), Faults::default());
    let outcome = stage.wait(Stage::spec("ssm_command", Some("c-1"), &[], 10.0), None).await.unwrap().unwrap();
    let mut ids: Vec<&str> = outcome.results.iter().map(|result| result.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["i-1", "i-2"]);
    assert!(stage.world.now() > 90.0);
    assert_eq!(stage.calls("GetCommandInvocation"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_short_budget_stretches_all_alike_and_says_so() {
    let states = [(0.0, "RUNNING"), (2000.0, "COMPLETED")];
    let job = |number: usize| (("emr_step", format!("s-{number}")), script(Some(&format!("j-{number}")), &states));
    let stage = Stage::new((0..60).map(job).collect(), Faults::default());
    let (sink, events) = recorder();
    let begin = |number: usize| {
        let spec = Stage::spec("emr_step", Some(&format!("j-{number}")), &[&format!("s-{number}")], 30.0);
        stage.wait(spec, (number == 5).then(|| sink.clone()))
    };
    // 60 clusters, one step each: 60 calls a round, of which the budget allows 0.5 a second.
    let waits: Vec<_> = (0..60).map(begin).collect();
    let began = Instant::now();
    for wait in waits {
        wait.await.unwrap().unwrap();
    }
    let last = began.elapsed().as_secs_f64();
    assert!(last < 2000.0 + 150.0, "a round takes 120 s; the last was told after {last} s");
    let notices = notices(&events);
    assert!(notices.iter().any(|notice| notice.contains("instead of every 30 s")), "{notices:?}");
    assert!(stage.world.overdrawn().values().all(|over| *over < 0.01), "{:?}", stage.world.overdrawn());
}

/// Executions of one machine that fail together.
fn failing(count: usize) -> HashMap<(&'static str, String), Script> {
    let script = || script(Some(MACHINE), &[(0.0, "RUNNING"), (100.0, "FAILED")]);
    (0..count).map(|number| (("sfn_execution", arn(number)), script())).collect()
}

/// What the failure that ends a wait is put down to.
async fn cause(wait: JoinHandle<Result<Outcome, Error>>) -> String {
    match wait.await.unwrap() {
        Err(Error::JobFailed(failure)) => failure.cause.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn many_failures_at_once_are_each_explained_within_the_budget() {
    let stage = Stage::new(failing(1000), Faults::default());
    let waits: Vec<_> = (0..1000).map(|number| stage.execution(number, 20.0)).collect();
    for wait in waits {
        assert_eq!(cause(wait).await, "told");
    }
    assert_eq!(stage.calls("GetExecutionHistory"), 1000);
    assert_eq!(stage.engine.metrics().apis["sfn:GetExecutionHistory"].calls, 1000);
    assert!(stage.world.overdrawn().values().all(|over| *over < 0.01), "{:?}", stage.world.overdrawn());
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_though_its_cause_cannot_be_had() {
    let budgets = json!({"budgets": {"sfn:GetExecutionHistory": {"burst": 1, "refill": 0.01}}}).to_string();
    let options = Options::from_json(&budgets).unwrap();
    let stage = Stage::with(failing(500), Faults::default(), options);
    let waits: Vec<_> = (0..500).map(|number| stage.execution(number, 20.0)).collect();
    let mut causes: BTreeMap<String, usize> = BTreeMap::new();
    for wait in waits {
        *causes.entry(cause(wait).await).or_default() += 1;
    }
    assert!(stage.world.now() < 260.0, "{} s, {causes:?}", stage.world.now());
    let count = |part: &str| causes.iter().filter(|(cause, _)| cause.contains(part)).map(|(_, count)| count).sum();
    let (told, slow, crowd): (usize, usize, usize) = (count("told"), count("within 20 s"), count("too many"));
    assert!(told >= 1 && slow >= 100 && crowd >= 100 && told + slow + crowd == 500, "{causes:?}");
}

#[tokio::test(start_paused = true)]
async fn the_end_is_told_no_later_than_by_a_poller_of_its_own() {
    let ends: Vec<f64> = (0..500).map(|number| 100.0 + f64::from(number) * 0.61).collect();
    let stage = Stage::new(executions(&ends), Faults::default());
    let began = Instant::now();
    let waits: Vec<_> = (0..500).map(|number| stage.execution(number, 60.0)).collect();
    let mut late = Vec::new();
    for (wait, end) in waits.into_iter().zip(&ends) {
        wait.await.unwrap().unwrap();
        late.push(began.elapsed().as_secs_f64() - end);
    }
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    assert!(mean <= 30.5, "{mean} s on average; a poller of its own needs 30 s");
}

#[tokio::test(start_paused = true)]
async fn many_that_ended_together_do_not_keep_the_others_from_being_listed() {
    // 3,000 descriptions take three minutes of the budget.
    let mut ends = vec![100.0; 3000];
    ends.extend((0..100).map(|number| 150.0 + f64::from(number) * 10.0));
    let stage = Stage::new(executions(&ends), Faults::default());
    let waits: Vec<_> = (0..ends.len()).map(|number| stage.execution(number, 20.0)).collect();
    sleep(Duration::from_secs(115)).await;
    let lists = stage.calls("ListExecutions");
    sleep(Duration::from_secs(120)).await;
    assert!(stage.calls("DescribeExecution") < 2500, "{:?}", stage.world.calls());
    let rounds = stage.calls("ListExecutions") - lists;
    assert!((5..=10).contains(&rounds), "{rounds} lists in 120 s");
    for wait in waits {
        wait.await.unwrap().unwrap();
    }
}

/// Runs of one Glue job that end late, and newer ones of other people.
fn runs(ours: usize, others: usize) -> HashMap<(&'static str, String), Script> {
    let run = |begun: f64| script(Some("job"), &[(begun, "RUNNING"), (5000.0, "SUCCEEDED")]);
    let ours = (0..ours).map(|number| (("glue_job_run", format!("jr-{number}")), run(0.0)));
    ours.chain((0..others).map(|number| (("glue_job_run", format!("other-{number}")), run(1.0)))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_scan_goes_on_as_long_as_it_may_save_calls() {
    let wait = |stage: &Stage, ours: usize| -> Vec<_> {
        let spec = |number| Stage::spec("glue_job_run", Some("job"), &[&format!("jr-{number}")], 60.0);
        (0..ours).map(|number| stage.wait(spec(number), None)).collect()
    };
    // A thousand runs behind 600 newer ones: three pages without any of them.
    let stage = Stage::new(runs(1000, 600), Faults::default());
    sleep(Duration::from_secs(10)).await;
    let waits = wait(&stage, 1000);
    sleep(Duration::from_secs(600)).await;
    let (lists, singles) = (stage.calls("GetJobRuns"), stage.calls("GetJobRun"));
    assert!(singles == 0 && (70..=100).contains(&lists), "{lists} lists and {singles} single calls in ten rounds");
    drop(waits);

    // A hundred runs behind 4,000: a look at ten pages, and for some rounds none.
    let stage = Stage::new(runs(100, 4000), Faults::default());
    sleep(Duration::from_secs(10)).await;
    let waits = wait(&stage, 100);
    sleep(Duration::from_secs(600)).await;
    let (lists, singles) = (stage.calls("GetJobRuns"), stage.calls("GetJobRun"));
    assert!(lists <= 60 && (900..=1250).contains(&singles), "{lists} lists and {singles} single calls in ten rounds");
    drop(waits);
}

#[tokio::test(start_paused = true)]
async fn steps_far_back_are_asked_for_by_their_ids() {
    let step = |begun: f64| script(Some("j-1"), &[(begun, "RUNNING"), (5000.0, "COMPLETED")]);
    let ours = (0..200).map(|number| (("emr_step", format!("s-{number}")), step(0.0)));
    let jobs = ours.chain((0..1000).map(|number| (("emr_step", format!("other-{number}")), step(1.0)))).collect();
    let stage = Stage::new(jobs, Faults::default());
    sleep(Duration::from_secs(10)).await;
    let spec = |number| Stage::spec("emr_step", Some("j-1"), &[&format!("s-{number}")], 300.0);
    let waits: Vec<_> = (0..200).map(|number| stage.wait(spec(number), None)).collect();
    sleep(Duration::from_secs(250)).await;
    assert_eq!(stage.calls("DescribeStep"), 0);
    assert!((20..=23).contains(&stage.calls("ListSteps")), "{:?}", stage.world.calls());
    drop(waits);
}

#[tokio::test(start_paused = true)]
async fn each_single_call_draws_on_its_own_budget() {
    let instance = |number: usize| {
        (("ssm_command", format!("i-{number}")), script(Some("c-1"), &[(0.0, "InProgress"), (500.0, "Success")]))
    };
    let stage = Stage::new((0..3).map(instance).collect(), Faults::default());
    let whole = stage.wait(Stage::spec("ssm_command", Some("c-1"), &[], 5.0), None);
    let single = stage.wait(Stage::spec("ssm_command", Some("c-1"), &["i-1"], 5.0), None);
    whole.await.unwrap().unwrap();
    single.await.unwrap().unwrap();
    let apis = stage.engine.metrics().apis;
    for api in ["GetCommandInvocation", "ListCommandInvocations"] {
        assert_eq!(apis[&format!("ssm:{api}")].calls, stage.calls(api), "{api}");
    }
}
