//! The contract of stores, on the embedded database and on a real PostgreSQL.

mod sqlite {
    use gatematch_tests::shelf::Shelf;
    use gatematch_tests::store_contract;

    store_contract!(Shelf::new);
}

mod postgres {
    use gatematch_tests::shelf::Shelf;
    use gatematch_tests::store_contract;

    store_contract!(Shelf::on_postgres);
}
