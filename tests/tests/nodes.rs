//! Several nodes on one PostgreSQL.

mod machinery;
