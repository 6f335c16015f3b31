//! What a breaker is in its registry.

/// What a breaker is in its registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    #[default]
    Alone,
    /// The breaker of a key.
    Member,
    /// That of all keys of a family without a place: nothing opens it but an operator.
    Others,
    /// That of a key which has given up its place. Whoever holds it may use it; nobody hears of it.
    Left,
}
