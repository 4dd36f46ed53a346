//! What goes wrong at AWS or on the way there, with the clock stopped.

mod sim;

use std::collections::HashMap;

use mwaalib_core::Error;
use mwaalib_core::error::Class;
use mwaalib_core::service;
use sim::aws::Faults;
use sim::stage::{MACHINE, Stage, arn, executions, notices, recorder, script, unix_now};

#[tokio::test(start_paused = true)]
async fn a_denied_list_gives_way_to_single_calls_and_says_so_once() {
    let faults = Faults { denied: vec!["ListExecutions"], ..Faults::default() };
    let stage = Stage::new(executions(&[100.0; 5]), faults);
    let (sink, events) = recorder();
    let ids: Vec<String> = (0..5).map(arn).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    stage.wait(Stage::spec("sfn_execution", None, &ids, 10.0), Some(sink)).await.unwrap().unwrap();
    assert_eq!(stage.calls("ListExecutions"), 1);
    let notices = notices(&events);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("states:ListExecutions"), "{notices:?}");
    assert_eq!(stage.engine.metrics().fallbacks, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_fails_at_once() {
    let faults = Faults { denied: vec!["DescribeExecution"], ..Faults::default() };
    let stage = Stage::new(executions(&[100.0]), faults);
    match stage.execution(0, 10.0).await.unwrap() {
        Err(Error::Aws(e)) => assert_eq!(e.class, Class::AccessDenied),
        other => panic!("{other:?}"),
    }
    assert!(stage.world.now() < 1.0);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_job_gets_a_grace_and_is_named() {
    let stage = Stage::new(executions(&[]), Faults::default());
    let error = stage.execution(7, 300.0).await.unwrap().unwrap_err();
    assert!(error.to_string().contains(&arn(7)), "{error}");
    assert!((59.0..63.0).contains(&stage.world.now()), "{}", stage.world.now());

    let late =
        HashMap::from([(("sfn_execution", arn(0)), script(Some(MACHINE), &[(30.0, "RUNNING"), (90.0, "SUCCEEDED")]))]);
    let stage = Stage::new(late, Faults::default());
    assert!(stage.execution(0, 20.0).await.unwrap().is_ok(), "visible after 30 s");
}

#[tokio::test(start_paused = true)]
async fn a_bad_id_does_not_spoil_the_others_of_its_list() {
    let states = [(0.0, "RUNNING"), (200.0, "COMPLETED")];
    let job = |number: usize| (("emr_step", format!("s-{number}")), script(Some("j-1"), &states));
    let stage = Stage::new((0..5).map(job).collect(), Faults::default());
    let step = |id: &str| stage.wait(Stage::spec("emr_step", Some("j-1"), &[id], 30.0), None);
    let (bad, good) = (step("s-none"), [step("s-0"), step("s-1"), step("s-2")]);
    match bad.await.unwrap() {
        Err(Error::Aws(e)) => assert!(e.class == Class::NotFound && e.message.contains("s-none"), "{e}"),
        other => panic!("{other:?}"),
    }
    for wait in good {
        assert_eq!(wait.await.unwrap().unwrap().results[0].state, "COMPLETED");
    }
}

#[tokio::test(start_paused = true)]
async fn faults_are_ridden_out() {
    let faults = Faults { server_error: 0.4, reset: 0.3, ..Faults::default() };
    let stage = Stage::new(executions(&[50.0]), faults);
    assert!(stage.execution(0, 10.0).await.unwrap().is_ok());
    assert!(stage.world.now() < 200.0, "{}", stage.world.now());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_names_the_fault_that_was_in_the_way() {
    let stage = Stage::new(executions(&[50.0]), Faults { reset: 1.0, ..Faults::default() });
    let mut spec = Stage::spec("sfn_execution", None, &[&arn(0)], 10.0);
    spec.deadline = Some(unix_now() + 100.0);
    let error = stage.wait(spec, None).await.unwrap().unwrap_err().to_string();
    assert!(error.contains("ConnectionError") && error.contains("never seen"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_renewed_once_for_all() {
    let faults = Faults { expiry: Some(100.0), denied: vec!["ListExecutions"], ..Faults::default() };
    let stage = Stage::new(executions(&[180.0; 50]), faults);
    let waits: Vec<_> = (0..50).map(|number| stage.execution(number, 20.0)).collect();
    for wait in waits {
        wait.await.unwrap().unwrap();
    }
    let refreshes = stage.engine.metrics().refreshes;
    assert!((1..=3).contains(&refreshes), "{refreshes}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_credentials_is_ridden_out() {
    let stage =
        Stage::new(executions(&[100.0]), Faults { no_credentials: Some((true, 0.0, 15.0)), ..Faults::default() });
    assert!(stage.execution(0, 10.0).await.unwrap().is_ok(), "the first calls fell into it");

    let outage = Some((false, 20.0, 35.0));
    let stage = Stage::new(executions(&[100.0; 3]), Faults { no_credentials: outage, ..Faults::default() });
    let early = stage.execution(0, 10.0);
    tokio::time::sleep(std::time::Duration::from_secs(22)).await;
    // Another machine, another group: that the session has worked before is known there too.
    let other = arn(1).replace(":m:", ":other:");
    let other = stage.wait(Stage::spec("sfn_execution", None, &[&other], 10.0), None);
    assert!(early.await.unwrap().is_ok());
    match other.await.unwrap() {
        Err(Error::Aws(e)) => assert_eq!(e.class, Class::NotFound, "{e}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_were_never_there_fail_at_once() {
    let faults = Faults { no_credentials: Some((false, 0.0, 1e9)), ..Faults::default() };
    let stage = Stage::new(executions(&[100.0]), faults);
    assert!(matches!(stage.execution(0, 10.0).await.unwrap(), Err(Error::Credentials { .. })));
    assert!(stage.world.now() < 1.0);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_aws_does_not_know_are_renewed_once() {
    for count in [1, 50] {
        let faults = Faults { rotated: Some((40.0, true)), ..Faults::default() };
        let stage = Stage::new(executions(&[100.0; 50]), faults);
        let waits: Vec<_> = (0..count).map(|number| stage.execution(number, 10.0)).collect();
        for wait in waits {
            assert!(wait.await.unwrap().is_ok(), "the provider had new ones");
        }
        assert_eq!(stage.engine.metrics().refreshes, 1);

        let faults = Faults { rotated: Some((40.0, false)), ..Faults::default() };
        let stage = Stage::new(executions(&[100.0; 50]), faults);
        let waits: Vec<_> = (0..count).map(|number| stage.execution(number, 10.0)).collect();
        for wait in waits {
            match wait.await.unwrap() {
                Err(Error::Aws(e)) => assert_eq!(e.code, "UnrecognizedClientException"),
                other => panic!("{other:?}"),
            }
        }
        assert!(stage.world.now() < 60.0, "{}", stage.world.now());
        assert_eq!((stage.engine.metrics().refreshes, stage.engine.metrics().fallbacks), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn slow_services_behind_aws_are_ridden_out() {
    let states = [(0.0, "RUNNING"), (50.0, "SUCCEEDED")];
    let job = |number: usize| (("glue_job_run", format!("jr-{number}")), script(Some("job"), &states));
    for runs in [1, 5] {
        let faults = Faults { slow_backend: Some(30.0), ..Faults::default() };
        let stage = Stage::new(HashMap::from_iter((0..runs).map(job)), faults);
        let begin =
            |number| stage.wait(Stage::spec("glue_job_run", Some("job"), &[&format!("jr-{number}")], 10.0), None);
        let waits: Vec<_> = (0..runs).map(begin).collect();
        for wait in waits {
            assert!(wait.await.unwrap().is_ok());
        }
        assert_eq!(stage.engine.metrics().fallbacks, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_outage_is_told_once_and_so_is_its_end() {
    let down = |from, to| Faults { down: Some((from, to)), ..Faults::default() };
    for (outage, told) in [((20.0, 60.0), 0), ((20.0, 320.0), 2)] {
        let stage = Stage::new(executions(&[400.0; 5]), down(outage.0, outage.1));
        let (sink, events) = recorder();
        let ids: Vec<String> = (0..5).map(arn).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        stage.wait(Stage::spec("sfn_execution", None, &ids, 10.0), Some(sink)).await.unwrap().unwrap();
        let notices = notices(&events);
        assert_eq!(notices.len(), told, "{notices:?}");
        if let [lost, found] = &notices[..] {
            assert!(lost.contains("InternalServerError") && lost.contains("is still tried"), "{lost}");
            assert!(found.contains("can be looked at again after 29"), "{found}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_gets_on_without_its_list() {
    for kind in service::kinds() {
        let Some(list) = &kind.list else { continue };
        let machine = kind.name == "sfn_execution";
        let parent = list.needs_parent.then_some(if machine { MACHINE } else { "parent" });
        let id = |number: usize| if machine { arn(number) } else { format!("id-{number}") };
        let last = if kind.name == "glue_crawler" { "READY" } else { kind.states.success[0] };
        let job = |number| {
            let mut job = script(parent, &[(0.0, "RUNNING"), (100.0, last)]);
            job.states[0].1 = kind.states.pending[kind.states.pending.len() - 1];
            if kind.name == "glue_crawler" {
                job.last = vec![(100.0, "SUCCEEDED", 0.0)];
            }
            ((kind.name, id(number)), job)
        };
        let faults = Faults { denied: vec![list.api.name], ..Faults::default() };
        let stage = Stage::new((0..5).map(job).collect(), faults);
        let (sink, events) = recorder();
        let ids: Vec<String> = (0..5).map(id).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        stage.wait(Stage::spec(kind.name, parent, &ids, 30.0), Some(sink)).await.unwrap().unwrap();
        assert_eq!((stage.calls(list.api.name), stage.engine.metrics().fallbacks), (1, 1), "{}", kind.name);
        let notices = notices(&events);
        assert!(notices.iter().filter(|notice| notice.contains(list.api.permission)).count() == 1, "{notices:?}");
    }
}
