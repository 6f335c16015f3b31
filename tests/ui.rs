//! What the compiler says of a misused attribute: each case in `ui/` has its words beside it.
//!
//! After a change of the words: `TRYBUILD=overwrite cargo test -p breakerbox-tests --test ui`, and
//! read what changed. The `.stderr` files are those of the stable compiler of CI.

#[test]
fn a_mistake_is_told_where_it_is_and_what_to_write_instead() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
