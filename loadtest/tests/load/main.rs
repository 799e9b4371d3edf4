//! The load generator against small servers that keep their side or break it in one chosen way.

mod scenarios;
mod support;
mod truth;
