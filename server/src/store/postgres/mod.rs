//! PostgreSQL: a server, and any number of nodes.
//!
//! Whoever writes has a connection of his own, and whoever reads sends single statements: no connection that others use
//! ever is in a transaction, so none can be left in one by a request that ended early.

mod alone;
mod bundle;
mod link;
mod listen;
mod open;
mod pool;

pub(crate) use self::link::Link;
pub(crate) use self::listen::{Listener, word, word_of_deadline};
pub(crate) use self::open::Found;
pub use self::open::{Database, OpenFault, Server};
pub(crate) use self::pool::Pool;
