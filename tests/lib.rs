//! The code blocks of the README and of the pages, compiled and run. The tests are targets of this package.

#![forbid(unsafe_code)]

/// `README.md`
#[cfg(all(doctest, feature = "admin", feature = "persist", feature = "redis"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// `docs/settings.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/settings.md")]
pub struct Settings;

/// `docs/configuration.md`
#[cfg(all(doctest, feature = "config"))]
#[doc = include_str!("../docs/configuration.md")]
pub struct Configuration;

/// `docs/errors-and-fallbacks.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/errors-and-fallbacks.md")]
pub struct ErrorsAndFallbacks;

/// `docs/operating.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/operating.md")]
pub struct Operating;

/// `docs/monitoring.md`
#[cfg(all(doctest, feature = "observe"))]
#[doc = include_str!("../docs/monitoring.md")]
pub struct Monitoring;

/// `docs/cli.md`
#[cfg(all(doctest, feature = "admin"))]
#[doc = include_str!("../docs/cli.md")]
pub struct Cli;

/// `docs/testing.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/testing.md")]
pub struct Testing;

/// `docs/performance.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/performance.md")]
pub struct Performance;

/// `docs/admin.md`
#[cfg(all(doctest, feature = "admin"))]
#[doc = include_str!("../docs/admin.md")]
pub struct Admin;

/// `docs/alerts.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/alerts.md")]
pub struct Alerts;

/// `docs/fleet.md`
#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../docs/fleet.md")]
pub struct Fleet;

/// `docs/persistence.md`
#[cfg(all(doctest, feature = "persist"))]
#[doc = include_str!("../docs/persistence.md")]
pub struct Persistence;

/// `docs/tower.md`
#[cfg(all(doctest, feature = "tower"))]
#[doc = include_str!("../docs/tower.md")]
pub struct Tower;

/// `docs/http.md`
#[cfg(all(doctest, feature = "reqwest"))]
#[doc = include_str!("../docs/http.md")]
pub struct Http;

/// `docs/thresholds.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/thresholds.md")]
pub struct Thresholds;

/// `docs/migrating.md`
#[cfg(all(doctest, feature = "tower"))]
#[doc = include_str!("../docs/migrating.md")]
pub struct Migrating;

/// `docs/troubleshooting.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/troubleshooting.md")]
pub struct Troubleshooting;

/// `docs/production.md`
#[cfg(all(doctest, feature = "admin"))]
#[doc = include_str!("../docs/production.md")]
pub struct Production;

/// `docs/retries.md`
#[cfg(doctest)]
#[doc = include_str!("../docs/retries.md")]
pub struct Retries;
