//! The code blocks of the README and of the pages, compiled and run. The tests are targets of this package.

#![forbid(unsafe_code)]

/// `README.md`
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// `docs/settings.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/settings.md")]
pub struct Settings;

/// `docs/errors-and-fallbacks.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/errors-and-fallbacks.md")]
pub struct ErrorsAndFallbacks;

/// `docs/operating.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/operating.md")]
pub struct Operating;

/// `docs/testing.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/testing.md")]
pub struct Testing;

/// `docs/performance.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/performance.md")]
pub struct Performance;
