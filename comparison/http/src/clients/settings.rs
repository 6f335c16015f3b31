//! The settings of the breakers of breakerbox that are made by hand; those of the attribute stand beside its function.

use breakerbox::{Config, ConfigBuilder};

use crate::script::{FAILURE_THRESHOLD, MINIMUM_CALLS, SLOW_CALL, SLOW_SHARE, Script, TRIALS, WINDOW};

pub fn config(script: Script) -> ConfigBuilder {
    Config::builder()
        .failure_threshold(FAILURE_THRESHOLD)
        .recovery_timeout(script.recovery_timeout)
        .half_open_max_calls(TRIALS)
        .slow_call_duration(SLOW_CALL)
        .slow_call_rate_threshold(SLOW_SHARE)
        .window_duration(WINDOW)
        .minimum_calls(MINIMUM_CALLS)
}
