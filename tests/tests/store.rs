//! The contract of stores on the embedded database. PostgreSQL will be a second line here.

use gatematch_tests::shelf::Shelf;
use gatematch_tests::store_contract;

store_contract!(Shelf::new);
