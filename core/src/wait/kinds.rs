//! The registry of wait kinds. A new service adds its `states.rs` here.

use super::kind::Kind;

#[path = "../service/emr/states.rs"]
pub mod emr;
#[path = "../service/glue/states.rs"]
pub mod glue;
#[path = "../service/sfn/states.rs"]
pub mod sfn;
#[path = "../service/ssm/states.rs"]
pub mod ssm;

pub static KINDS: [&Kind; 6] =
    [&emr::JOB_FLOW, &emr::STEP, &sfn::EXECUTION, &glue::JOB_RUN, &glue::CRAWLER, &ssm::COMMAND];

pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}
