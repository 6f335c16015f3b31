//! Settings that are constants of the user's: judged while their crate is compiled, at the place
//! where they stand. What the settings come to together is `policy::check`.

use std::time::Duration;

use crate::policy::out_of_range;
use crate::settings::{Key, Value};

pub const fn count(key: Key, count: u32) -> (Key, Value) {
    judged(key, Value::Count(count))
}

pub const fn time(key: Key, time: Duration) -> (Key, Value) {
    judged(key, Value::Time(time))
}

pub const fn share(key: Key, share: f64) -> (Key, Value) {
    judged(key, Value::Share(share))
}

const fn judged(key: Key, value: Value) -> (Key, Value) {
    if let Some(text) = out_of_range(key, value) {
        panic!("{}", text);
    }
    (key, value)
}
