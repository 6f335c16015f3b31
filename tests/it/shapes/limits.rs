//! Further laws: laziness, size, lints, scope, order.
use super::*;

use std::sync::atomic::{AtomicU32, Ordering};
#[test] fn x32_futures_are_lazy_and_cancelled_ones_are_neutral() {
    static RAN: AtomicU32 = AtomicU32::new(0);
    #[circuit_breaker(name = "x32", failure_threshold = 1)] async fn a() -> Result<u8, MyErr> { RAN.fetch_add(1, Ordering::Relaxed); std::future::pending().await }
    #[circuit_breaker(name = "x32b", failure_threshold = 1)] fn b() -> impl Future<Output = Result<u8, MyErr>> { async { RAN.fetch_add(1, Ordering::Relaxed); std::future::pending().await } }
    drop(a()); drop(b());
    assert_eq!(RAN.load(Ordering::Relaxed), 0);
    {
        use futures_util::FutureExt as _;
        assert!(a().now_or_never().is_none() && b().now_or_never().is_none());
    }
    assert_eq!(RAN.load(Ordering::Relaxed), 2);
    assert!(!is_open("x32") && !is_open("x32b"));
}
#[test] fn x33_a_future_does_not_grow() {
    macro_rules! twins { ($($(#[$attr:meta])* async fn $name:ident($($args:tt)*) -> $ret:ty $body:block)*) => { mod plain { use super::*; $(pub async fn $name($($args)*) -> $ret $body)* } mod ours { use super::*; $(#[circuit_breaker] $(#[$attr])* pub async fn $name($($args)*) -> $ret $body)* } } }
    twins! {
        async fn none() -> Result<u8, MyErr> { tokio::task::yield_now().await; Ok(1) }
        async fn small(a: u8, b: &str) -> Result<usize, MyErr> { tokio::task::yield_now().await; Ok(a as usize + b.len()) }
        async fn large(a: [u8; 1024]) -> Result<u8, MyErr> { tokio::task::yield_now().await; Ok(a[0]) }
        async fn changed(mut a: [u8; 1024]) -> Result<u8, MyErr> { a[0] = 1; tokio::task::yield_now().await; Ok(a[0]) }
        async fn owned(a: String, b: Vec<u8>) -> Result<usize, MyErr> { tokio::task::yield_now().await; Ok(a.len() + b.len()) }
        async fn ready(a: u64) -> Result<u64, MyErr> { Ok(a) }
    }
    let mut most = 0;
    macro_rules! grown { ($($name:ident($($arg:expr),*))*) => { $( let (before, after) = (size_of_val(&plain::$name($($arg),*)), size_of_val(&ours::$name($($arg),*))); println!("{}: {before} -> {after}", stringify!($name)); most = most.max(after - before); )* } }
    grown! { none() small(1, "") large([0; 1024]) changed([0; 1024]) owned(String::new(), vec![]) ready(1) }
    assert!(most <= 64, "by {most} bytes");
}
#[test] fn x34_cfg_on_parameters_of_every_kind() {
    #[circuit_breaker(name = "x34", fallback = || Ok(0))]
    fn f(#[cfg(any())] a: Nonexistent, #[cfg(all())] mut b: u8, #[cfg_attr(all(), allow(unused_variables))] c: u8) -> Result<u8, MyErr> { b += 1; Ok(b) }
    #[circuit_breaker(name = "x34b")]
    async fn g(#[cfg(any())] mut a: Nonexistent, #[cfg(all())] mut b: Vec<u8>) -> Result<usize, MyErr> { b.push(1); Ok(b.len()) }
    assert_eq!(f(1, 2).unwrap(), 2);
    assert_eq!(block_on(g(vec![])).unwrap(), 1);
}
#[test] fn x35_lints_of_the_user_hold() {
    mod strict {
        #![deny(warnings, clippy::all, clippy::pedantic, unused, unreachable_code, unused_qualifications, trivial_casts)]
        #![forbid(unsafe_code)]
        use super::*;
        #[circuit_breaker(name = "x35", fallback = fallback)] pub(super) fn f(_unused: u8, mut v: Vec<u8>, (a, _): (u8, u8)) -> Result<u8, MyErr> { v.push(a); Ok(v[0]) }
        #[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)] // as the function has them
        fn fallback(_: u8, v: Vec<u8>, _: (u8, u8)) -> Result<u8, MyErr> { Ok(u8::try_from(v.len()).unwrap_or(0)) }
        #[circuit_breaker(name = "x35b", fallback = [later, |_| Ok(7)], fallback_on = any, failure_if = Result::is_err, timeout = 1)] pub(super) async fn g(s: String, mut n: u8) -> Result<u8, MyErr> { n += 1; if s.is_empty() { return Err(MyErr::Boom); } Ok(n) }
        async fn later(_s: String, _n: u8) -> Result<u8, MyErr> { tokio::task::yield_now().await; Err(MyErr::Boom) }
        #[circuit_breaker(name = "x35c")] pub(super) async fn h() -> Result<(), MyErr> { Ok(()) }
        #[circuit_breaker(name = "x35d")] pub(super) fn i() -> impl Future<Output = Result<(), MyErr>> + Send { async { Ok(()) } }
    }
    assert_eq!(strict::f(1, vec![], (2, 3)).unwrap(), 2);
    assert_eq!(block_on(strict::g(String::new(), 1)).unwrap(), 7);
    block_on(async { strict::h().await.unwrap(); strict::i().await.unwrap() });
}
#[test] fn x36_statics_and_items_of_the_same_name_side_by_side() {
    #[circuit_breaker(name = "x36")] fn a() -> Result<u8, MyErr> { #[circuit_breaker(name = "x36")] async fn b() -> Result<u8, MyErr> { Ok(1) } block_on(b()) }
    struct S; impl S { #[circuit_breaker(name = "x36")] fn a() -> Result<u8, MyErr> { a() } }
    assert_eq!(S::a().unwrap(), 1);
    assert_eq!(breakerbox::breakers().iter().filter(|breaker| breaker.name() == "x36").count(), 1);
}
#[test] fn x37_as_function_values() {
    #[circuit_breaker(name = "x37")] fn f(n: &str) -> Result<usize, MyErr> { Ok(n.len()) }
    let pointer: for<'a> fn(&'a str) -> Result<usize, MyErr> = f;
    assert_eq!(["a", "bc"].map(pointer).into_iter().sum::<Result<usize, _>>().unwrap(), 3);
}
#[test] fn x38_calls_of_the_tail_kind_with_fallbacks() {
    #[circuit_breaker(name = "x38", fallback = spare)] fn a(n: u8, s: String) -> impl Future<Output = Result<usize, MyErr>> + Send { async move { Ok(n as usize + s.len()) } }
    async fn spare(n: u8, s: String) -> Result<usize, MyErr> { Ok(100 + n as usize + s.len()) }
    #[circuit_breaker(name = "x38b", fallback = spare, fallback_on = any)] fn b(n: u8, s: String) -> Pin<Box<dyn Future<Output = Result<usize, MyErr>> + Send>> { Box::pin(async move { drop(s); if n == 0 { Err(MyErr::Boom) } else { Ok(1) } }) }
    #[circuit_breaker(name = "x38c", fallback = quiet)] fn c<'a>(n: &'a u8) -> futures_util::future::BoxFuture<'a, Result<u8, MyErr>> { use futures_util::FutureExt as _; std::future::ready(Ok(*n)).boxed() }
    fn quiet(n: &u8) -> Result<u8, MyErr> { Ok(*n + 1) }
    open("x38"); open("x38c");
    block_on(async { assert_eq!(a(1, "ab".into()).await.unwrap(), 103); assert_eq!(b(0, "ab".into()).await.unwrap(), 102); assert_eq!(b(1, "ab".into()).await.unwrap(), 1); assert_eq!(c(&1).await.unwrap(), 2); });
}
#[test] fn x39_sixteen_parameters() {
    type R = Result<u8, MyErr>;
    #[allow(clippy::too_many_arguments)] fn fb(a: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, p: u8, _: CircuitBreakerError) -> R { Ok(a + p) }
    #[circuit_breaker(name = "x39", fallback = fb)] #[allow(clippy::too_many_arguments)] fn f(a: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, _: u8, p: u8) -> R { Ok(a * p) }
    open("x39");
    assert_eq!(f(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3).unwrap(), 5);
}
#[test] fn x40_gen_is_an_identifier_by_another_name() {
    #[circuit_breaker(name = "x40")] fn r#gen(r#gen: u8) -> Result<u8, MyErr> { Ok(r#gen) }
    assert_eq!(r#gen(1).unwrap(), 1);
}
#[test] fn x41_drop_order_of_arguments() {
    struct Noisy<'a>(&'a Mutex<Vec<u8>>, u8); impl Drop for Noisy<'_> { fn drop(&mut self) { self.0.lock().unwrap().push(self.1) } }
    #[circuit_breaker(name = "x41")] fn f(_a: Noisy<'_>, _: Noisy<'_>, b: Noisy<'_>) -> Result<u8, MyErr> { Ok(b.1) }
    let log = Mutex::new(vec![]);
    f(Noisy(&log, 1), Noisy(&log, 2), Noisy(&log, 3)).unwrap();
    assert_eq!(log.lock().unwrap().len(), 3);
}
