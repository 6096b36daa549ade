//! Models of searching the index without its lock.

use ferric_models::index_models as models;

#[test]
fn replaced_entries_are_not_missed() {
    models::replaced_entries_are_not_missed();
}

#[test]
fn a_slot_taken_by_another_key_is_no_entry_of_the_old_one() {
    models::a_slot_taken_by_another_key_is_no_entry_of_the_old_one();
}

#[test]
fn a_slot_taken_by_a_key_of_the_same_hash() {
    models::a_slot_taken_by_a_key_of_the_same_hash();
}

#[test]
fn searches_get_past_entries_that_come_and_go() {
    models::searches_get_past_entries_that_come_and_go();
}

#[test]
fn a_rebuilt_table_has_everything() {
    models::a_rebuilt_table_has_everything();
}

#[test]
fn split_tables_have_everything() {
    models::split_tables_have_everything();
}

#[test]
fn noting_an_access_undoes_nothing() {
    models::noting_an_access_undoes_nothing();
}

#[test]
fn a_dropped_index_is_searched_to_the_end() {
    models::a_dropped_index_is_searched_to_the_end();
}
