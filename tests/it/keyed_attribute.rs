//! `key` in the attribute: listed before any call, evaluated once, and the breaker of a call is its own to the end.
//! Which functions and keys there can be is `shapes`.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use breakerbox::{CircuitBreaker, CircuitBreakerError, Key, KeyedCircuitBreaker, State, Value, circuit_breaker};
use futures_util::FutureExt;

fn family(name: &str) -> KeyedCircuitBreaker {
    breakerbox::keyed(name).expect("registered at link time")
}

fn names(family: &KeyedCircuitBreaker) -> Vec<String> {
    family.breakers().iter().map(|breaker| breaker.name().to_owned()).collect()
}

fn totals(name: &str, key: &str) -> breakerbox::Totals {
    family(name).find(key).expect("has a breaker").status().totals
}

mod never {
    use breakerbox::circuit_breaker;

    #[circuit_breaker(name = "keyed, never called", key = host, max_keys = 7, failure_threshold = 2)]
    #[expect(dead_code, reason = "a family that nobody calls is listed all the same")]
    fn called(host: &str) -> Option<u8> {
        Some(1)
    }

    #[circuit_breaker(key = n)]
    #[expect(dead_code, reason = "its name is what counts")]
    fn unnamed(n: u8) -> Option<u8> {
        Some(n)
    }

    struct Other;
    impl Other {
        #[circuit_breaker(key = n)]
        #[expect(dead_code, reason = "its name is what counts")]
        fn unnamed(n: u8) -> Option<u8> {
            Some(n)
        }
    }
}

#[test]
fn a_family_whose_function_nobody_calls_is_listed_with_its_settings() {
    let family = family("keyed, never called");
    assert!(breakerbox::registry().all_keyed().iter().any(|listed| listed.name() == family.name()));
    assert_eq!((family.len(), family.max_keys()), (0, 7));
    assert!(breakerbox::breaker("keyed, never called").is_none(), "it has no breaker of its own");
    let made = family.get("a");
    assert_eq!(made.status().setting(Key::FailureThreshold).value, Value::Count(2));
    let [location] = made.locations()[..] else { panic!("one function") };
    assert_eq!((location.function, location.module), ("called", "it::keyed_attribute::never"));
}

#[test]
fn the_default_name_of_a_family_is_module_and_function_and_never_shared() {
    let all = breakerbox::registry().all_keyed();
    let mut names = all.iter().map(KeyedCircuitBreaker::name).filter(|name| name.contains("never::unnamed"));
    assert_eq!(names.next(), Some("it::keyed_attribute::never::unnamed"));
    assert!(names.next().is_some_and(|name| name.starts_with("it::keyed_attribute::never::unnamed:")));
}

#[test]
fn functions_of_one_name_share_the_family_and_contradictions_are_told() {
    #[circuit_breaker(name = "keyed, shared", key = host, failure_threshold = 2)]
    fn first(host: &str, ok: bool) -> Option<u8> {
        ok.then_some(1)
    }
    #[circuit_breaker(name = "keyed, shared", key = port, recovery_timeout = 7)]
    async fn second(port: u16) -> Option<u8> {
        Some(2)
    }
    #[circuit_breaker(name = "keyed, shared", key = "80", failure_threshold = 9)]
    fn third() -> Option<u8> {
        Some(3)
    }
    #[circuit_breaker(name = "keyed, shared", failure_threshold = 5)]
    fn plain() -> Option<u8> {
        Some(4)
    }
    assert_eq!((first("80", false), first("80", false)), (None, None));
    assert_eq!((third(), second(80).now_or_never()), (None, Some(None)));
    assert_eq!((first("other", true), second(443).now_or_never(), plain()), (Some(1), Some(Some(2)), Some(4)));
    let family = family("keyed, shared");
    assert_eq!(names(&family), ["keyed, shared[443]", "keyed, shared[80]", "keyed, shared[other]"]);
    let status = family.get("80").status();
    assert_eq!((status.totals.failures, status.totals.rejections.open), (2, 2));
    assert_eq!(status.setting(Key::RecoveryTimeout).value.to_string(), "7s");
    let conflicts = breakerbox::registry().conflicts();
    let of_family: Vec<_> =
        conflicts.iter().filter(|conflict| conflict.to_string().contains("keyed, shared")).collect();
    let [conflict] = of_family[..] else { panic!("one conflict: {of_family:?}") };
    assert_eq!((&*conflict.kept, &*conflict.ignored), ("2", "9"));
    let beside = breakerbox::breaker("keyed, shared").expect("the function without a key has its own");
    assert_eq!((beside.status().totals.successes, beside.locations().len()), (1, 1));
}

#[test]
fn one_key_that_is_down_refuses_no_other() {
    #[circuit_breaker(name = "keyed, hosts", key = host, failure_threshold = 2)]
    fn fetch(host: &str) -> Result<u8, CircuitBreakerError> {
        if host == "down" { Err(failure()) } else { Ok(1) }
    }
    for _ in 0..10 {
        assert!(fetch("down").is_err());
        assert!(fetch("up").is_ok());
    }
    assert_eq!((totals("keyed, hosts", "down").failures, totals("keyed, hosts", "down").rejections.open), (2, 8));
    assert_eq!(totals("keyed, hosts", "up").successes, 10);
    assert_eq!(fetch("down").expect_err("refused").name(), "keyed, hosts[down]");
    assert!(breakerbox::open_breakers().iter().any(|open| open.name() == "keyed, hosts[down]"));
    assert!(breakerbox::breakers().iter().any(|listed| listed.name() == "keyed, hosts[up]"));
}

fn failure() -> CircuitBreakerError {
    let other = CircuitBreaker::new("other", breakerbox::Config::default()).expect("valid");
    other.force_open();
    other.try_acquire().expect_err("forced open")
}

#[test]
fn the_key_is_evaluated_once_a_call_before_the_body_and_for_refused_calls_too() {
    static LOG: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    struct Temporary;
    impl Drop for Temporary {
        fn drop(&mut self) {
            log("dropped");
        }
    }
    fn log(what: &'static str) {
        LOG.lock().expect("no panic").push(what);
    }
    fn logged() -> Vec<&'static str> {
        std::mem::take(&mut LOG.lock().expect("no panic"))
    }
    fn key(_: &Temporary) -> &'static str {
        log("key");
        "a"
    }
    #[expect(clippy::unnecessary_wraps, reason = "as the fallback of functions that return it")]
    fn body() -> Option<u8> {
        log("body");
        Some(1)
    }
    #[circuit_breaker(name = "keyed, once", key = key(&Temporary))]
    fn sync() -> Option<u8> {
        body()
    }
    #[circuit_breaker(name = "keyed, once", key = key(&Temporary), fallback = body)]
    async fn later() -> Option<u8> {
        body()
    }
    #[circuit_breaker(name = "keyed, once", key = { key(&Temporary) }, timeout = 60)]
    async fn limited() -> Option<u8> {
        body()
    }
    #[circuit_breaker(name = "keyed, once", key = key(&Temporary))]
    fn future() -> impl Future<Output = Option<u8>> {
        async { body() }
    }
    let whole = ["key", "dropped", "body"];
    assert_eq!(sync(), Some(1));
    assert_eq!(logged(), whole);
    for future in [later().boxed(), limited().boxed()] {
        assert_eq!(logged(), [] as [&str; 0], "an async function does nothing before it is polled");
        assert_eq!(future.now_or_never(), Some(Some(1)));
        assert_eq!(logged(), whole);
    }
    let made = future();
    assert_eq!(logged(), ["key", "dropped"], "a function that returns a future has its key when it is called");
    assert_eq!(made.now_or_never(), Some(Some(1)));
    assert_eq!(logged(), ["body"]);
    family("keyed, once").get("a").force_open();
    assert_eq!((sync(), limited().now_or_never()), (None, Some(None)));
    assert_eq!(logged(), ["key", "dropped", "key", "dropped"]);
    assert_eq!(totals("keyed, once", "a").successes, 4);
}

#[test]
fn a_panic_of_the_key_goes_on_and_is_no_outcome() {
    struct Bad;
    impl fmt::Display for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("displayed")
        }
    }
    #[circuit_breaker(name = "keyed, panics", key = parts[1])]
    fn sync(parts: &[&str]) -> Option<u8> {
        Some(1)
    }
    #[circuit_breaker(name = "keyed, panics", key = Bad)]
    async fn later() -> Option<u8> {
        Some(1)
    }
    assert!(catch_unwind(|| sync(&["a"])).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| later().now_or_never())).is_err());
    assert!(family("keyed, panics").is_empty());
    assert_eq!(sync(&["a", "b"]), Some(1), "and harms no later call");
    assert_eq!(totals("keyed, panics", "b").failures, 0);
}

#[test]
fn a_panic_of_the_body_is_a_failure_of_its_key() {
    #[circuit_breaker(name = "keyed, body panics", key = n, failure_threshold = 1)]
    fn sync(n: u8) -> Option<u8> {
        assert_ne!(n, 1, "boom");
        Some(n)
    }
    assert!(catch_unwind(|| sync(1)).is_err());
    assert_eq!((sync(1), sync(2)), (None, Some(2)));
    assert_eq!(totals("keyed, body panics", "1").failures, 1);
}

#[test]
fn the_breaker_of_a_call_is_held_to_its_end() {
    #[circuit_breaker(name = "keyed, held", key = host, max_keys = 1)]
    async fn later(host: &str) -> Option<u8> {
        tokio::task::yield_now().await;
        Some(1)
    }
    #[circuit_breaker(name = "keyed, held", key = host)]
    fn future(host: &str) -> impl Future<Output = Option<u8>> + use<> {
        async { Some(1) }
    }
    #[circuit_breaker(name = "keyed, held", key = host)]
    fn sync(host: &str, other: &str) -> Option<u8> {
        // There is one place, and its breaker is in use.
        if other.is_empty() { Some(1) } else { sync(other, "") }
    }
    let mut under_way = later("a").boxed();
    assert!((&mut under_way).now_or_never().is_none());
    let family = family("keyed, held");
    assert_eq!(sync("b", ""), Some(1));
    assert_eq!(names(&family), ["keyed, held[a]"], "held by a call, it stays");
    let others = breakerbox::breaker("keyed, held[*]").expect("who has no place goes there");
    assert_eq!(others.status().totals.successes, 1);
    assert_eq!(under_way.now_or_never(), Some(Some(1)));
    assert_eq!(totals("keyed, held", "a").successes, 1);
    assert_eq!(sync("b", "c"), Some(1));
    assert_eq!(names(&family), ["keyed, held[b]"], "afterwards it leaves");
    let made = future("d");
    assert_eq!(names(&family), ["keyed, held[d]"]);
    assert_eq!(sync("e", ""), Some(1));
    assert_eq!(names(&family), ["keyed, held[d]"], "a future holds it before it is polled");
    assert_eq!(made.now_or_never(), Some(Some(1)));
    assert_eq!(totals("keyed, held", "d").successes, 1);
}

#[test]
fn a_cancelled_future_is_neutral_and_gives_its_trial_back() {
    #[circuit_breaker(name = "keyed, cancelled", key = host, failure_threshold = 1, half_open_max_calls = 1)]
    async fn later(host: &str) -> Option<u8> {
        std::future::pending().await
    }
    #[circuit_breaker(name = "keyed, cancelled", key = host)]
    fn quick(host: &str) -> Option<u8> {
        Some(1)
    }
    let breaker = family("keyed, cancelled").get("a");
    breaker.half_open();
    let mut trial = later("a").boxed();
    assert!((&mut trial).now_or_never().is_none());
    assert_eq!(quick("a"), None, "the trial is taken");
    drop(trial);
    assert_eq!((quick("a"), breaker.state()), (Some(1), State::Closed));
    drop(later("a"));
    let totals = breaker.status().totals;
    assert_eq!((totals.cancelled, totals.failures, totals.rejections.half_open_full), (1, 0, 1));
}

#[test]
fn recursion_through_the_same_and_other_keys_works() {
    #[circuit_breaker(name = "keyed, recursive", key = n % 2)]
    fn sync(n: u32) -> Option<u32> {
        if n == 0 { Some(0) } else { sync(n - 1).map(|sum| sum + n) }
    }
    #[circuit_breaker(name = "keyed, recursive", key = n % 2)]
    async fn later(n: u32) -> Option<u32> {
        if n == 0 { Some(0) } else { Box::pin(later(n - 1)).await.map(|sum| sum + n) }
    }
    /// Calls the function while it is shown.
    struct Nested;
    impl fmt::Display for Nested {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "sum {:?}", sync(3))
        }
    }
    #[circuit_breaker(name = "keyed, recursive", key = Nested)]
    fn nested() -> Option<u8> {
        Some(1)
    }
    assert_eq!((sync(10), later(10).now_or_never(), nested()), (Some(55), Some(Some(55)), Some(1)));
    assert_eq!(totals("keyed, recursive", "0").successes, 6 + 6 + 2);
    assert_eq!(totals("keyed, recursive", "sum Some(6)").successes, 1);
}

#[test]
fn hostile_keys_have_short_names_and_breakers_of_their_own() {
    #[circuit_breaker(name = "keyed, hostile", key = key)]
    fn text(key: &str) -> Option<u8> {
        Some(1)
    }
    #[circuit_breaker(name = "keyed, hostile", key = format_args!("{key}"))]
    fn shown(key: &str) -> Option<u8> {
        Some(1)
    }
    let long = "x".repeat(1_000_000);
    let keys = ["", "*", "a]b[c", "line\nend", "\u{1b}[31mred", "\0", "\u{202e}", "ключ", "../..", "\\*", &long];
    for key in keys {
        assert_eq!((text(key), shown(key)), (Some(1), Some(1)));
        assert_eq!(totals("keyed, hostile", key).successes, 2, "{key:.20?} is the same in either way");
    }
    let names = names(&family("keyed, hostile"));
    assert_eq!(names.len(), keys.len());
    assert!(names.iter().all(|name| name.len() < 300 && !name.chars().any(char::is_control)), "{names:?}");
}

#[test]
fn keys_of_somebody_elses_choice_are_bounded() {
    #[circuit_breaker(name = "keyed, bounded", key = n, max_keys = 10)]
    fn fetch(n: u32) -> Option<u32> {
        Some(n)
    }
    for n in 0..10_000 {
        assert_eq!(fetch(n), Some(n));
        assert!(family("keyed, bounded").len() <= 10);
    }
}

#[test]
fn a_call_that_takes_too_long_is_a_failure_of_its_key() {
    #[circuit_breaker(name = "keyed, slow", key = host, timeout = "5ms", failure_threshold = 1)]
    async fn fetch(host: &str) -> Result<u8, CircuitBreakerError> {
        if host == "slow" { std::future::pending().await } else { Ok(1) }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("runs");
    runtime.block_on(async {
        assert!(fetch("slow").await.expect_err("cut off").is_timeout());
        assert!(fetch("slow").await.expect_err("refused").is_rejected());
        assert!(fetch("quick").await.is_ok());
    });
    assert_eq!(totals("keyed, slow", "slow").failures, 1);
}

#[test]
fn a_key_may_come_from_elsewhere_than_the_arguments() {
    thread_local! {
        static TENANT: RefCell<String> = RefCell::new("nobody".to_owned());
    }
    static CALLS: AtomicU32 = AtomicU32::new(0);
    #[circuit_breaker(name = "keyed, tenant", key = TENANT.with_borrow(String::clone))]
    fn fetch() -> Option<u32> {
        Some(CALLS.fetch_add(1, Ordering::Relaxed))
    }
    fetch();
    TENANT.set("acme".to_owned());
    fetch();
    assert_eq!(names(&family("keyed, tenant")), ["keyed, tenant[acme]", "keyed, tenant[nobody]"]);
    assert_eq!(CALLS.load(Ordering::Relaxed), 2);
}

#[test]
fn operators_reach_the_breaker_of_a_key_by_name() {
    #[circuit_breaker(name = "keyed, operated", key = host)]
    fn fetch(host: &str) -> Option<u8> {
        Some(1)
    }
    fetch("a");
    breakerbox::registry().force_open("keyed, operated[a]").expect("known");
    assert_eq!((fetch("a"), fetch("b")), (None, Some(1)));
    family("keyed, operated")
        .reconfigure(breakerbox::Config::builder().recovery_timeout(Duration::from_secs(9)))
        .expect("valid");
    let breaker = breakerbox::breaker("keyed, operated[b]").expect("listed");
    assert_eq!(breaker.status().setting(Key::RecoveryTimeout).value.to_string(), "9s");
    assert_eq!(family("keyed, operated").reset_all(), 2);
    assert_eq!(fetch("a"), Some(1));
}
