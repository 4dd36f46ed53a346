//! STS, over the Query protocol.

pub const VERSION: &str = "2011-06-15";

pub const OPERATIONS: &[&str] = &[
    "GetCallerIdentity", //
];
