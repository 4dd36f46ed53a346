//! One folder per AWS service.

pub mod emr;
pub mod glue;
pub mod logs;
pub mod s3;
pub mod sfn;
pub mod ssm;
