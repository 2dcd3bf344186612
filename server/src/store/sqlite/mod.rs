//! SQLite: a file, one durable writer, many readers (WAL, `synchronous=FULL`).
//!
//! Statements run where they are called: a row by its key is read in less time than it takes to hand the question to
//! another thread. Whoever writes, or reads much, has a thread of his own for it.

mod link;
pub(crate) mod nursery;
mod open;
mod pool;
mod precaution;

pub(crate) use self::link::Link;
pub(crate) use self::open::make_tables;
pub use self::open::{OpenFault, Opened as Database};
pub(crate) use self::pool::{File, NotHeld, Pool};
