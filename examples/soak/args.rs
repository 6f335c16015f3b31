//! What the soak is told on its command line.

use std::env;
use std::fmt::Display;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const USAGE: &str = "\
usage: soak [options]
  --seconds N    how long the storm lasts, 1 to 1,000,000 (default 10)
  --seed N       what every random choice begins with (default: of the time)
  --breakers N   breakers made by hand, 4 to 10,000 (default 36); the annotated ones come on top
  --tasks N      async tasks that call, 1 to 100,000 (default 300)
  --threads N    OS threads that call, 1 to 1,000 (default 16)
  --light        for checkers such as valgrind: 8 breakers, 24 tasks, 4 threads, and no word on
                 resident memory, which is theirs too
  --help         this text";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Args {
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    pub(crate) breakers: usize,
    pub(crate) tasks: usize,
    pub(crate) threads: usize,
    pub(crate) is_light: bool,
}

/// What the program is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Soak(Args),
    Help,
    /// To be a backend on this port, 0 for a free one. For the program itself.
    Serve(u16),
}

pub(crate) fn read() -> Result<Order, String> {
    let mut words = env::args().skip(1);
    let (mut seconds, mut seed, mut breakers, mut tasks, mut threads) = (None, None, None, None, None);
    let mut is_light = false;
    while let Some(word) = words.next() {
        let mut number = |least, most| number(&word, words.next(), least, most);
        match word.as_str() {
            "--seconds" => seconds = Some(number(1, 1_000_000)?),
            "--seed" => seed = Some(number(0, u64::MAX)?),
            "--breakers" => breakers = Some(number(4, 10_000)?),
            "--tasks" => tasks = Some(number(1, 100_000)?),
            "--threads" => threads = Some(number(1, 1_000)?),
            "--serve" => return Ok(Order::Serve(number(0, 65_535)? as u16)),
            "--light" => is_light = true,
            "--help" | "-h" => return Ok(Order::Help),
            _ => return Err(format!("there is no option {word}")),
        }
    }
    let count = |given: Option<u64>, full, light| given.map_or(if is_light { light } else { full }, |n| n as usize);
    Ok(Order::Soak(Args {
        seconds: seconds.unwrap_or(10),
        seed: seed.unwrap_or_else(of_the_time),
        breakers: count(breakers, 36, 8),
        tasks: count(tasks, 300, 24),
        threads: count(threads, 16, 4),
        is_light,
    }))
}

fn number<T>(option: &str, word: Option<String>, least: T, most: T) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let word = word.ok_or_else(|| format!("{option} takes a number"))?;
    match word.parse() {
        Ok(number) if least <= number && number <= most => Ok(number),
        _ => Err(format!("{option} takes a whole number from {least} to {most}, not {word:?}")),
    }
}

/// Short enough to be typed again.
fn of_the_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::from(time.subsec_nanos()) ^ time.as_secs())
        % 1_000_000
}
