//! The first factor by an upstream server: nothing is asked of a phone before it has said yes.
