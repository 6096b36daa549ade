//! Models of waking the committer.

use ferric_models::handover_models as models;

#[test]
fn every_write_is_committed() {
    models::every_write_is_committed();
}

#[test]
fn no_hurry_is_overlooked() {
    models::no_hurry_is_overlooked();
}

#[test]
fn stopping_is_not_overlooked() {
    models::stopping_is_not_overlooked();
}
