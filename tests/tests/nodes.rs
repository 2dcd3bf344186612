//! Several nodes on one PostgreSQL, by the ids of the security cases: two real processes and one real database.

mod decisions;
mod hearing;
mod log;
mod machinery;
mod outages;
mod start;
mod storage;
mod upgrade;
