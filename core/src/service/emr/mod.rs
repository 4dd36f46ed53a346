//! emr
