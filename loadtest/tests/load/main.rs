//! The load generator against small servers that keep their side or break it in one chosen way.

mod batches;
mod gaps;
mod nodes;
mod scenarios;
mod storms;
mod support;
mod truth;
