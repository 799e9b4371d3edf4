//! The event journal of Fanfare in a Redis or Valkey Stream: one order for several nodes.

#![forbid(unsafe_code)]
