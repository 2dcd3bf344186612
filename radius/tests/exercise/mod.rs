//! What the fuzz targets do with an input, and what must hold then. The ordinary tests replay `corpus/` through it.

mod door;
mod packet;

pub(crate) use door::door;
pub(crate) use packet::packet;
