//! How to unit-test a service that has a breaker: on a clock that the test moves, without sleeping.
//!
//! The module `weather` is the service, the module `tests` at the end tests it. `main` walks
//! through the same steps and prints them: half an hour goes by in no time.
//!
//! ```text
//! cargo run --example testing
//! cargo test --example testing
//! ```

use std::error::Error;
use std::time::Duration;

use breakerbox::{ManualClock, State};

use weather::{Station, Weather, WeatherError};

/// The service.
mod weather {
    use breakerbox::{CircuitBreakerError, circuit_breaker};

    #[derive(Debug, thiserror::Error)]
    pub(crate) enum WeatherError {
        #[error("the station does not answer")]
        NoAnswer,
        #[error("there is no station in {0}")]
        UnknownCity(String),
        #[error(transparent)]
        Circuit(#[from] CircuitBreakerError),
    }

    /// What the service depends on. A test puts its own in the place of the real one.
    pub(crate) trait Station {
        fn temperature(&self, city: &str) -> Result<i32, WeatherError>;
    }

    pub(crate) struct Weather<S> {
        station: S,
    }

    impl<S: Station> Weather<S> {
        pub(crate) fn new(station: S) -> Self {
            Weather { station }
        }

        /// A wrong question is nobody's failure, so it must not open the circuit.
        #[circuit_breaker(
            name = "weather",
            failure_threshold = 3,
            recovery_timeout = "30m",
            success_threshold = 1,
            ignore_if = |error| matches!(error, WeatherError::UnknownCity(_))
        )]
        pub(crate) fn temperature(&self, city: &str) -> Result<i32, WeatherError> {
            self.station.temperature(city)
        }
    }
}

/// A station that does as it is told.
#[derive(Debug, Default)]
struct FakeStation {
    is_down: std::cell::Cell<bool>,
    questions: std::cell::Cell<u32>,
}

impl Station for &FakeStation {
    fn temperature(&self, city: &str) -> Result<i32, WeatherError> {
        self.questions.set(self.questions.get() + 1);
        match city {
            _ if self.is_down.get() => Err(WeatherError::NoAnswer),
            "Atlantis" => Err(WeatherError::UnknownCity(city.to_owned())),
            _ => Ok(21),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let breaker = breakerbox::breaker("weather").ok_or("the linker has not listed `weather`")?;
    let clock = ManualClock::new();
    breaker.set_clock(clock.clone());
    let station = FakeStation::default();
    let weather = Weather::new(&station);

    println!("The station works:     {} degrees, {}", weather.temperature("Oslo")?, breaker.state());

    station.is_down.set(true);
    for _ in 0..3 {
        assert!(matches!(weather.temperature("Oslo"), Err(WeatherError::NoAnswer)));
    }
    println!("Three failures:        {}", breaker.state());
    assert_eq!(breaker.state(), State::Open);

    if let Err(error) = weather.temperature("Oslo") {
        println!("Another call:          {error}");
    }
    assert_eq!(station.questions.get(), 4, "the refused call has not reached the station");

    clock.advance(Duration::from_secs(30 * 60));
    println!("Half an hour later:    {}", breaker.state());
    assert_eq!(breaker.state(), State::HalfOpen);

    station.is_down.set(false);
    println!("The station is back:   {} degrees, {}", weather.temperature("Oslo")?, breaker.state());
    assert_eq!(breaker.state(), State::Closed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use breakerbox::CircuitBreaker;

    use super::*;

    /// The breaker of `weather` as new, on a clock of the test. Tests run on several threads and
    /// the breaker belongs to the function, so those that use it take turns.
    struct Fixture {
        breaker: CircuitBreaker,
        clock: ManualClock,
        station: FakeStation,
        _turn: MutexGuard<'static, ()>,
    }

    fn fixture() -> Fixture {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let clock = ManualClock::new();
        let breaker = breakerbox::breaker("weather").unwrap();
        breaker.set_clock(clock.clone());
        breaker.reset();
        Fixture { breaker, clock, station: FakeStation::default(), _turn: turn }
    }

    fn fail_three_times(station: &FakeStation) {
        station.is_down.set(true);
        for _ in 0..3 {
            Weather::new(station).temperature("Oslo").unwrap_err();
        }
        station.is_down.set(false);
    }

    #[test]
    fn three_failures_spare_the_station_further_calls() {
        let Fixture { breaker, station, .. } = &fixture();
        fail_three_times(station);
        assert_eq!(breaker.state(), State::Open);
        let error = Weather::new(station).temperature("Oslo").unwrap_err();
        assert!(matches!(error, WeatherError::Circuit(_)));
        assert_eq!(station.questions.get(), 3);
    }

    #[test]
    fn the_station_gets_its_chance_after_half_an_hour() {
        let Fixture { breaker, clock, station, .. } = &fixture();
        fail_three_times(station);
        clock.advance(Duration::from_secs(30 * 60 - 1));
        assert_eq!(breaker.state(), State::Open);
        clock.advance(Duration::from_secs(1));
        assert_eq!(Weather::new(station).temperature("Oslo").unwrap(), 21);
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn questions_about_nowhere_do_not_open_the_circuit() {
        let Fixture { breaker, station, .. } = &fixture();
        for _ in 0..10 {
            Weather::new(station).temperature("Atlantis").unwrap_err();
        }
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn what_callers_do_with_a_refusal_needs_no_failures_at_all() {
        let Fixture { breaker, station, .. } = &fixture();
        breaker.force_open();
        let error = Weather::new(station).temperature("Oslo").unwrap_err();
        assert_eq!(error.to_string(), "circuit 'weather' is forced open");
    }
}
