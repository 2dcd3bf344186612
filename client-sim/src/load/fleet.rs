//! The servers that are loaded, and the connections to them.

use crate::failure::Failure;
use crate::http::{Api, Speaks};

/// The nodes of one installation, in the order in which they were named; at least one.
#[derive(Clone, Debug)]
pub struct Fleet {
    nodes: Vec<Vec<Api>>,
    first: Api,
}

impl Fleet {
    /// Connections to the servers at `bases`, `lines` to each (over HTTP/1.1 one client opens as many as it needs).
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// As [`Api::with`]; [`Failure::Missing`] without an address.
    pub fn new(bases: &[String], authority: Option<&str>, speaks: Speaks, lines: u32) -> Result<Self, Failure> {
        let lines = if speaks == Speaks::Http2 { lines.max(1) } else { 1 };
        let node = |base: &String| (0..lines).map(|_| Api::with(base, authority, speaks)).collect();
        let nodes = bases.iter().map(node).collect::<Result<Vec<Vec<Api>>, _>>()?;
        let first = nodes.first().and_then(|lines| lines.first()).cloned();
        Ok(Self { first: first.ok_or(Failure::Missing("there is no server to load"))?, nodes })
    }

    /// The first node, where people and gateways are made.
    #[must_use]
    pub const fn first(&self) -> &Api {
        &self.first
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// One connection to each node.
    pub fn each(&self) -> impl Iterator<Item = &Api> {
        self.nodes.iter().filter_map(|lines| lines.first())
    }

    /// A connection to a node, both in turn.
    #[must_use]
    pub fn line(&self, node: usize, line: usize) -> &Api {
        let lines = self.nodes.get(node % self.nodes.len().max(1));
        lines.and_then(|lines| lines.get(line % lines.len().max(1))).unwrap_or(&self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_lines_take_turns() {
        let bases = ["http://127.0.0.1:1", "http://127.0.0.1:2"].map(str::to_owned);
        let fleet = Fleet::new(&bases, None, Speaks::Http2, 3).unwrap();
        let base = |node| fleet.line(node, 7).base().to_owned();
        assert_eq!([base(0), base(1), base(2)], ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:1"]);
        assert_eq!((fleet.nodes(), fleet.each().count(), fleet.first().base()), (2, 2, "http://127.0.0.1:1"));
        assert!(Fleet::new(&[], None, Speaks::Http1, 1).is_err());
    }
}
