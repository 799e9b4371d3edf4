//! The dashboard in Chromium, in front of an engine whose figures are made up: what it shows, what it does, and that it stays small.
//!
//! `page.js` uses the page as somebody would, and reports what it sees. Each test has a scenario of the same name there.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod acts;
mod bounds;
mod figures;
mod names;
mod real;
mod script;
mod site;
mod stage;
mod walks;
mod watched;
