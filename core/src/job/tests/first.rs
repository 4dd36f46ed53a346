//! A first attempt takes over nothing: what it would find is another deployment's, or of a run since
//! deleted and made again.

use serde_json::json;

use super::super::Reattached;
use super::super::fake::{Fake, aws_error};
use super::{attempt, cases, model, now, start};
use crate::error::Class;

#[test]
fn a_first_attempt_starts_its_own_job_and_a_retry_finds_that_one() {
    for case in cases() {
        let (model, aws) = model();
        let theirs = start(&aws, &case, Some("k")).unwrap();
        for end in [None, Some(case.success)] {
            if let Some(end) = end {
                model.lock().unwrap().end(case.kind, end);
            }
            let before = model.lock().unwrap().jobs.len();
            let ours = attempt(&aws, &case, Some("k"), false, None).unwrap();
            assert_eq!(ours.reattached, None, "{}", case.kind);
            assert_ne!((&ours.ids, &ours.parent), (&theirs.ids, &theirs.parent), "{}", case.kind);
            assert_eq!(model.lock().unwrap().jobs.len(), before + case.each, "{}", case.kind);
            let found = start(&aws, &case, Some("k")).unwrap();
            assert_eq!(found.reattached, Some(Reattached::Pending), "{}", case.kind);
            assert_eq!((&found.ids, &found.parent), (&ours.ids, &ours.parent), "{}", case.kind);
        }
    }
}

#[test]
fn a_first_attempt_lists_nothing() {
    for case in cases().into_iter().filter(|case| case.kind != "sfn_execution") {
        let (_, aws) = model();
        attempt(&aws, &case, Some("k"), false, None).unwrap();
        assert_eq!(aws.calls.lock().unwrap().len(), 1, "{}", case.kind);
    }
}

#[test]
fn a_first_attempts_lost_reply_does_not_start_a_second_job() {
    for case in cases() {
        let (model, aws) = model();
        model.lock().unwrap().lose = 1;
        let started = attempt(&aws, &case, Some("k"), false, None).unwrap();
        assert_eq!(started.reattached, Some(Reattached::Pending), "{}", case.kind);
        assert_eq!(model.lock().unwrap().jobs.len(), case.each, "{}", case.kind);
    }
}

#[test]
fn names_that_are_taken_are_stepped_over_without_leave_to_look() {
    let (model, aws) = model();
    let case = cases().remove(2);
    for _ in 0..7 {
        attempt(&aws, &case, Some("k"), false, None).unwrap();
    }
    let inside = model.clone();
    let blind = Fake::new(move |operation, body| match operation {
        "DescribeExecution" => Err(aws_error("AccessDeniedException", Class::AccessDenied)),
        _ => inside.lock().unwrap().answer(operation, body),
    });
    let started = attempt(&blind, &case, Some("k"), false, None).unwrap();
    assert!(started.ids[0].ends_with(":k-7"), "{:?}", started.ids);
}

#[test]
fn what_is_older_than_the_dag_run_is_not_found() {
    for case in cases() {
        let (model, aws) = model();
        start(&aws, &case, Some("k")).unwrap();
        for job in &mut model.lock().unwrap().jobs {
            let old = json!(now() - 7200.0);
            match case.kind {
                "emr_job_flow" | "emr_step" => job["Status"]["Timeline"]["CreationDateTime"] = old,
                "glue_job_run" => job["StartedOn"] = old,
                "sfn_execution" => job["startDate"] = old,
                _ => job["RequestedDateTime"] = old,
            }
        }
        let found = attempt(&aws, &case, Some("k"), true, Some(now() - 9000.0)).unwrap();
        assert_eq!(found.reattached, Some(Reattached::Pending), "{}", case.kind);
        let fresh = attempt(&aws, &case, Some("k"), true, Some(now() - 3600.0)).unwrap();
        assert_eq!(fresh.reattached, None, "{}", case.kind);
        assert_eq!(model.lock().unwrap().jobs.len(), 2 * case.each, "{}", case.kind);
    }
}
