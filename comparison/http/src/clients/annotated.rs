//! breakerbox as its attribute on an async function, with a breaker for each server.

use std::sync::Arc;

use breakerbox::{Config, circuit_breaker};
use futures_util::FutureExt;

use super::{Ask, FetchError, Page, Setup, answer};
use crate::script::{FAILURE_THRESHOLD, MINIMUM_CALLS, SLOW_CALL, SLOW_SHARE, TRIALS, WINDOW};

#[circuit_breaker(
    name = "page",
    key = page.url,
    failure_threshold = FAILURE_THRESHOLD,
    half_open_max_calls = TRIALS,
    slow_call_duration = SLOW_CALL,
    slow_call_rate_threshold = SLOW_SHARE,
    window_duration = WINDOW,
    minimum_calls = MINIMUM_CALLS
)]
async fn fetch(page: &Page) -> Result<usize, FetchError> {
    page.fetch().await
}

pub fn function(setup: Setup) -> anyhow::Result<Ask> {
    // An attribute knows no settings of the command line.
    let breakers = breakerbox::registry().keyed("page", Config::builder())?;
    breakers.reconfigure(Config::builder().recovery_timeout(setup.script.recovery_timeout))?;
    let page = setup.page()?;
    Ok(Arc::new(move || {
        let page = page.clone();
        async move { answer(&fetch(&page).await) }.boxed()
    }))
}
