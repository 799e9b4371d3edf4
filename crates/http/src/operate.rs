//! What a person who runs the server sees and does, through an [`Operator`].
//!
//! - `operator`: the operator's side of a server. `figures`: the figures of the server. `connections`: lists of its streams.
//! - `explain`: what became of one event.

mod connections;
mod explain;
mod figures;
mod operator;

pub use self::{
    connections::{Connection, ConnectionQuery, ConnectionSort},
    explain::{ConnectionFate, Explanation, Verdict},
    figures::Figures,
    operator::Operator,
};
