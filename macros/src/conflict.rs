//! Arguments that are right one by one and wrong together. Only what the attribute itself shows:
//! what constants and presets come to is judged by the const assertion of the runtime.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::Error;

use crate::args::{Args, Key};
use crate::errors::Errors;
use crate::number::Given;

/// Reports every contradiction.
pub(crate) fn check(args: &Args, errors: &mut Errors) {
    counts(args, errors);
    times(args, errors);
    rates(args, errors);
    answers(args, errors);
    keys(args, errors);
}

fn counts(args: &Args, errors: &mut Errors) {
    let count = |key| match args.setting(key).map(|setting| setting.given) {
        Some(Given::Count(count)) => Some(count),
        _ => None,
    };
    if let (Some(calls), Some(window)) = (count(Key::MinimumCalls), count(Key::WindowSize))
        && calls > window
    {
        let message = format!(
            "`minimum_calls` ({calls}) is more than `window_size` ({window}), so no rate could ever be taken: \
             raise `window_size` or lower `minimum_calls`"
        );
        errors.push(Error::new_spanned(value(args, Key::MinimumCalls), message));
    }
    if let (Some(successes), Some(trials)) = (count(Key::SuccessThreshold), count(Key::HalfOpenMaxCalls))
        && successes > trials
    {
        let message = format!(
            "`success_threshold` ({successes}) is more than `half_open_max_calls` ({trials}), so the circuit could never close: \
             raise `half_open_max_calls` or lower `success_threshold`"
        );
        errors.push(Error::new_spanned(value(args, Key::SuccessThreshold), message));
    }
}

fn times(args: &Args, errors: &mut Errors) {
    let time = |key| match args.setting(key).map(|setting| setting.given) {
        Some(Given::Time(time)) => Some(time),
        _ => None,
    };
    if let (Some(longest), Some(first)) = (time(Key::MaxRecoveryTimeout), time(Key::RecoveryTimeout))
        && longest < first
    {
        let message = "`max_recovery_timeout` is shorter than `recovery_timeout`: \
                       raise `max_recovery_timeout` or lower `recovery_timeout`";
        errors.push(Error::new_spanned(value(args, Key::MaxRecoveryTimeout), message));
    }
    let place = |key| args.setting(key).map(|setting| setting.key_span);
    if let (Some(size), Some(time)) = (place(Key::WindowSize), place(Key::WindowDuration)) {
        let message = "`window_size` and `window_duration` exclude each other: remove one of them";
        errors.push(Error::new(later(args, (Key::WindowSize, size), (Key::WindowDuration, time)), message));
    }
}

fn rates(args: &Args, errors: &mut Errors) {
    let is_off = |key| args.setting(key).is_some_and(|setting| setting.given == Given::Off);
    // A preset may set what the attribute does not.
    let missing = |key| (args.states(key).is_none() && args.states(Key::Preset).is_none()) || is_off(key);
    let (rate, duration) = (Key::SlowCallRateThreshold, Key::SlowCallDuration);
    if let Some(setting) = args.setting(rate)
        && setting.given != Given::Off
        && missing(duration)
    {
        let message = "`slow_call_rate_threshold` needs `slow_call_duration`, which says when a call is slow: \
                       `slow_call_duration = 2`";
        errors.push(Error::new(setting.key_span, message));
    }
    if is_off(Key::FailureThreshold) && missing(Key::FailureRateThreshold) && missing(Key::SlowCallRateThreshold) {
        let message = "`failure_threshold` is off and no rate is set, so nothing could open the circuit: \
                       set `failure_rate_threshold = 0.5`, or give `failure_threshold` a number";
        errors.push(Error::new_spanned(value(args, Key::FailureThreshold), message));
    }
}

fn answers(args: &Args, errors: &mut Errors) {
    if let (Some(span), None) = (args.states(Key::FallbackOn), args.states(Key::Fallback)) {
        let message =
            "`fallback_on` has no effect without `fallback`: add `fallback = path::to::function`, or remove it";
        errors.push(Error::new(span, message));
    }
    if let (Some(failure), Some(ignore)) = (args.states(Key::FailureIf), args.states(Key::IgnoreIf))
        && args.failure_if.is_some()
        && args.ignore_if.is_some()
    {
        let second = later(args, (Key::FailureIf, failure), (Key::IgnoreIf, ignore));
        let message = "`failure_if` decides alone: use it or `ignore_if`, not both";
        errors.push(Error::new(second, message));
    }
}

fn keys(args: &Args, errors: &mut Errors) {
    if let (Some(span), None) = (args.states(Key::MaxKeys), args.states(Key::By)) {
        let message = "`max_keys` has no effect without `key`, which says what each circuit breaker is for: \
                       add `key = url.host_str().unwrap_or(\"-\")`, or remove it";
        errors.push(Error::new(span, message));
    }
    let has_brackets = args.name.as_ref().is_some_and(|name| name.contains(['[', ']']));
    if let Some(span) = args.states(Key::Name).filter(|_| has_brackets && args.states(Key::By).is_some()) {
        errors.push(Error::new(
            span,
            "with `key`, `name` must not hold brackets, which stand around the key: `name = \"fetch\"`",
        ));
    }
}

/// Which of two arguments comes second, and so is the one to point at.
fn later(args: &Args, one: (Key, Span), other: (Key, Span)) -> Span {
    let place = |key| args.stated.iter().position(|(stated, _)| *stated == key);
    if place(one.0) > place(other.0) { one.1 } else { other.1 }
}

fn value(args: &Args, key: Key) -> TokenStream {
    args.setting(key).map(|setting| setting.value.to_token_stream()).unwrap_or_default()
}
