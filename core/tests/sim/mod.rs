//! The simulation's parts. Each test file uses some of them.
#![allow(dead_code)]

pub mod aws;
pub mod plot;
pub mod random;
pub mod stage;
