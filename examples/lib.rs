//! Nothing here: the examples are the targets of this package.
