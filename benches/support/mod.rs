//! The parts of the end-to-end bench, in reading order.

pub mod workload;

pub mod child;

pub mod bare;

pub mod stub;

pub mod load;

pub mod wire;

pub mod report;
