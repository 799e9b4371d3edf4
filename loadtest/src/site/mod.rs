//! [`Site`]: two nodes of Fanfare that share a Redis, and nginx in front of them, as examples/two-nodes has it.
//!
//! Started for one run and ended with it. The run reaches it over HTTP only, as any other.

pub(crate) mod error;
mod nginx;
pub(crate) mod node;
mod part;
mod redis;

use std::path::Path;

use self::error::SiteError;
use self::nginx::Nginx;
use self::node::{Node, Recipe, Replaced, Way};
use self::redis::Redis;

/// A running site. Its parts are ended from the front to the back when it is dropped.
#[derive(Debug)]
pub(crate) struct Site {
    nginx: Nginx,
    nodes: [Node; 2],
    recipe: Recipe,
    _redis: Redis,
}

impl Site {
    pub(crate) fn start(fanfare: Option<&Path>, more_args: &str) -> Result<Self, SiteError> {
        let redis = Redis::start()?;
        let recipe = Recipe::find(fanfare, &redis.url, more_args)?;
        let nodes = [Node::start(1, &recipe)?, Node::start(2, &recipe)?];
        let nginx = Nginx::start([nodes[0].address, nodes[1].address])?;
        Ok(Self { nginx, nodes, recipe, _redis: redis })
    }

    /// Where browsers and publishers go.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.nginx.address)
    }

    pub(crate) fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Replaces a node, counted from 0, and waits until the new one is ready.
    pub(crate) fn replace(&mut self, node: usize, way: Way) -> Result<Replaced, SiteError> {
        self.nodes[node].replace(way, &self.recipe)
    }
}
