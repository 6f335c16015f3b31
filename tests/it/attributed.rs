//! Annotated functions in the global registry: listed before any call, named, shared, merged.

use breakerbox::{CircuitBreaker, Key, Mode, State, Value, circuit_breaker};

mod bank {
    use breakerbox::circuit_breaker;

    #[circuit_breaker]
    pub(super) fn rate() -> Result<u8, String> {
        Ok(1)
    }

    #[circuit_breaker(name = "never called", failure_threshold = 7)]
    #[expect(dead_code, reason = "a function that nobody calls is listed all the same")]
    fn forgotten() -> Result<u8, String> {
        Ok(1)
    }

    pub(super) struct Euro(pub u8);
    pub(super) struct Yen(pub u8);

    impl Euro {
        #[circuit_breaker]
        pub(super) fn fetch(&self) -> Result<u8, String> {
            if self.0 == 0 { Err("down".to_owned()) } else { Ok(self.0) }
        }
    }

    impl Yen {
        #[circuit_breaker]
        pub(super) fn fetch(&self) -> Result<u8, String> {
            Ok(self.0)
        }
    }
}

fn named(part: &str) -> Vec<CircuitBreaker> {
    breakerbox::breakers().into_iter().filter(|breaker| breaker.name().contains(part)).collect()
}

#[test]
fn a_function_never_called_is_listed_with_its_settings() {
    let breaker = breakerbox::breaker("never called").expect("listed");
    assert_eq!(breaker.status().setting(Key::FailureThreshold).value, Value::Count(7));
    let [location] = breaker.locations()[..] else { panic!("one function") };
    assert_eq!((location.function, location.module), ("forgotten", "it::attributed::bank"));
}

#[test]
fn the_default_name_is_module_and_function() {
    assert_eq!(bank::rate(), Ok(1));
    let breaker = breakerbox::breaker("it::attributed::bank::rate").expect("listed");
    assert_eq!(breaker.status().totals.successes, 1);
}

#[test]
fn two_functions_share_a_breaker_only_if_someone_named_it() {
    for _ in 0..5 {
        assert!(bank::Euro(0).fetch().is_err());
    }
    assert_eq!(bank::Yen(1).fetch(), Ok(1));
    let breakers = named("bank::fetch");
    let names: Vec<&str> = breakers.iter().map(CircuitBreaker::name).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[0], "it::attributed::bank::fetch");
    assert_eq!(names[1], format!("{}:{}", names[0], breakers[1].locations()[0].line));
    assert_eq!(breakers[0].state(), State::Open);
    assert_eq!(breakers[1].state(), State::Closed);
}

#[test]
fn functions_of_one_name_share_state_and_settings_and_contradictions_are_told() {
    #[circuit_breaker(name = "shared", failure_threshold = 2)]
    fn first(ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "shared", recovery_timeout = 7)]
    async fn second() -> Option<u8> {
        Some(2)
    }
    #[circuit_breaker(name = "shared", failure_threshold = 9)]
    fn third() -> Option<u8> {
        Some(3)
    }
    assert_eq!((first(false), first(false)), (None, None));
    assert_eq!(third(), None);
    assert_eq!(futures_util::FutureExt::now_or_never(second()), Some(None));
    let status = breakerbox::breaker("shared").expect("listed").status();
    assert_eq!((status.totals.failures, status.totals.rejections.open), (2, 2));
    assert_eq!(status.setting(Key::RecoveryTimeout).value.to_string(), "7s");
    assert_eq!(status.locations.len(), 3);
    let [conflict] = &status.conflicts[..] else { panic!("one conflict: {:?}", status.conflicts) };
    // The first by source location is in force, whatever the linker's order.
    assert_eq!((&*conflict.kept, &*conflict.ignored), ("2", "9"));
    assert_eq!((conflict.kept_at, conflict.ignored_at), (status.locations[0], status.locations[2]));
    assert!(breakerbox::registry().conflicts().contains(conflict));
}

#[test]
fn operators_reach_annotated_functions_by_name() {
    #[circuit_breaker(name = "operated")]
    fn operated() -> Result<u8, breakerbox::CircuitBreakerError> {
        Ok(1)
    }
    breakerbox::registry().force_open("operated").expect("known");
    assert_eq!(operated().expect_err("refused").name(), "operated");
    let breaker = breakerbox::breaker("operated").expect("listed");
    assert_eq!(breaker.mode(), Mode::ForcedOpen);
    assert!(breakerbox::open_breakers().iter().any(|open| open.name() == "operated"));
    breakerbox::registry().reset("operated").expect("known");
    assert!(operated().is_ok());
}

#[test]
fn everything_that_crosses_threads_may() {
    fn crosses<T: Send + Sync + 'static>() {}
    fn moves<T: Send>(_: T) {}
    crosses::<CircuitBreaker>();
    crosses::<breakerbox::Registry>();
    crosses::<breakerbox::Permit<'static>>();
    crosses::<breakerbox::CircuitBreakerError>();
    crosses::<breakerbox::Status>();
    crosses::<breakerbox::Event>();
    crosses::<breakerbox::Subscription>();
    let breaker = CircuitBreaker::new("crossing", breakerbox::Config::default()).expect("valid");
    moves(breaker.call_async(async { Some(1) }));
}

#[test]
fn a_fallback_hears_whether_the_call_failed_or_was_refused() {
    #[expect(
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        reason = "as the attribute passes and wants them"
    )]
    fn reason(_: u8, error: breakerbox::CircuitBreakerError) -> Result<String, String> {
        Ok(format!("{} {}", error.reason(), error.is_rejected()))
    }
    #[circuit_breaker(name = "heard", failure_threshold = 1, fallback = reason, fallback_on = any)]
    fn fails(_n: u8) -> Result<String, String> {
        Err("down".to_owned())
    }
    assert_eq!(fails(1).as_deref(), Ok("failed false"));
    assert_eq!(fails(1).as_deref(), Ok("open true"));
}

/// Runs itself again in a process whose standard error is full and whose environment has a mistake.
#[cfg(target_os = "linux")]
#[test]
fn a_standard_error_that_cannot_be_written_harms_no_call() -> Result<(), Box<dyn std::error::Error>> {
    const CHILD: &str = "BREAKERBOX_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        assert_eq!(bank::rate(), Ok(1));
        assert_eq!(breakerbox::registry().warnings().len(), 1);
        return Ok(());
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    let status = std::process::Command::new(std::env::current_exe()?)
        // Not captured, or nothing would be written at all.
        .args(["--nocapture", "--exact", "attributed::a_standard_error_that_cannot_be_written_harms_no_call"])
        .env(CHILD, "1")
        .env("CIRCUIT_BREAKER_FAILURE_TRESHOLD", "1")
        .stdout(std::process::Stdio::null())
        .stderr(full)
        .status()?;
    assert!(status.success());
    Ok(())
}
