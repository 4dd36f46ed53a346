//! sfn
