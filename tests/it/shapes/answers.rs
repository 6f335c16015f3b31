//! Further fallbacks, errors, predicates, time limits and settings.
use super::*;

use breakerbox::{Classify, Outcome};
#[test] fn x24_patterns_with_fallbacks() {
    struct P { x: u8, y: String }
    fn fb(p: (u8, String), _: P, [a, ..]: [u8; 3], n: &u8, _u: u8) -> Result<String, MyErr> { Ok(format!("{}{}{a}{n}", p.0, p.1)) }
    #[circuit_breaker(name = "x24", fallback = fb)]
    fn f((a, mut b): (u8, String), P { x, y: ref z }: P, [c, ..]: [u8; 3], &d: &u8, _: u8) -> Result<String, MyErr> { b.push('!'); Ok(format!("{a}{b}{x}{z}{c}{d}")) }
    #[circuit_breaker(name = "x24b", fallback = |_| { b.push('?'); Ok(b) }, fallback_on = any)]
    async fn g((a, mut b): (u8, String), _c: u8) -> Result<String, MyErr> { b.push_str("changed"); if a == 0 { return Err(MyErr::Boom) } Ok(b) }
    let p = || P { x: 1, y: "y".into() };
    assert_eq!(f((1, "b".into()), p(), [2, 0, 0], &3, 4).unwrap(), "1b!1y23");
    open("x24");
    assert_eq!(f((1, "b".into()), p(), [2, 0, 0], &3, 4).unwrap(), "1b23");
    assert_eq!(block_on(g((0, "kept".into()), 1)).unwrap(), "kept?");
    #[circuit_breaker(name = "x24c", fallback = |_| { v.push(7); Ok(v) })]
    fn h(mut v: Vec<u8>) -> Result<Vec<u8>, MyErr> { v.clear(); Ok(v) }
    #[circuit_breaker(name = "x24d", fallback = [|_| { v.push(7); let _ = v; Err(MyErr::Boom) }, |_| Ok(v)], fallback_on = any)]
    fn i(mut v: Vec<u8>) -> Result<Vec<u8>, MyErr> { v.clear(); if v.is_empty() { return Err(MyErr::Boom) } Ok(v) }
    open("x24c");
    assert_eq!(h(vec![1]).unwrap(), [1, 7]);
    assert_eq!(i(vec![1]).unwrap(), [1]);
}
#[test] fn x25_fallback_paths_of_every_kind() {
    trait Cache { fn cached<T: Default>(&self, n: u8) -> Result<T, MyErr>; fn plain(n: u8) -> Result<u8, MyErr>; }
    impl Cache for Repo { fn cached<T: Default>(&self, _: u8) -> Result<T, MyErr> { Ok(T::default()) } fn plain(n: u8) -> Result<u8, MyErr> { Ok(n) } }
    impl Repo {
        #[circuit_breaker(name = "x25", fallback = <Self as Cache>::cached::<u8>)] fn a(&self, n: u8) -> Result<u8, MyErr> { Ok(n) }
        #[circuit_breaker(name = "x25b", fallback = <Repo as Cache>::plain)] async fn b(n: u8) -> Result<u8, MyErr> { Ok(n + 1) }
        #[circuit_breaker(name = "x25c", fallback = [self.c1, Self::c2, |_| Ok(self.cached)])] fn c(&mut self, v: String) -> Result<u8, MyErr> { Ok(v.len() as u8) }
        fn c1(&mut self, _: String) -> Result<u8, MyErr> { Err(MyErr::Boom) }
        fn c2(&mut self, v: String, _: CircuitBreakerError) -> Result<u8, MyErr> { if v.is_empty() { Err(MyErr::Boom) } else { Ok(100) } }
        #[circuit_breaker(name = "x25d", fallback = self.d1, fallback_on = any)] async fn d(self: Arc<Self>, v: Vec<u8>) -> Result<u8, MyErr> { drop(v); Err(MyErr::Boom) }
        async fn d1(&self, v: Vec<u8>) -> Result<u8, MyErr> { tokio::task::yield_now().await; Ok(self.cached + v.len() as u8) }
    }
    for name in ["x25", "x25b", "x25c"] { open(name) }
    let mut repo = Repo { cached: 5 };
    assert_eq!(repo.a(3).unwrap(), 0);
    assert_eq!(block_on(Repo::b(3)).unwrap(), 3);
    assert_eq!(repo.c("x".into()).unwrap(), 100);
    assert_eq!(repo.c(String::new()).unwrap(), 5);
    assert_eq!(block_on(tokio_spawnable(Arc::new(repo).d(vec![1]))).unwrap(), 6);
}
#[test] fn x26_fallbacks_of_async_functions_are_chosen_by_type() {
    async fn later(n: u8) -> Result<u8, MyErr> { tokio::task::yield_now().await; Ok(n) }
    fn now(n: u8, _: CircuitBreakerError) -> Result<u8, MyErr> { Ok(n + 1) }
    fn boxed(n: u8) -> Pin<Box<dyn Future<Output = Result<u8, MyErr>> + Send>> { Box::pin(later(n)) }
    #[circuit_breaker(name = "x26", fallback = later)] async fn a(n: u8) -> Result<u8, MyErr> { Ok(n) }
    #[circuit_breaker(name = "x26b", fallback = now)] async fn b(n: u8) -> Result<u8, MyErr> { Ok(n) }
    #[circuit_breaker(name = "x26c", fallback = boxed)] async fn c(n: u8) -> Result<u8, MyErr> { Ok(n) }
    #[circuit_breaker(name = "x26d", fallback = async |e: CircuitBreakerError| { later(e.name().len() as u8).await?; Ok("7".parse()?) })] async fn d(n: u8) -> Result<u8, MyErr> { Ok(n) }
    #[circuit_breaker(name = "x26e", fallback = |_| later(n))] async fn e(n: u8) -> Result<u8, MyErr> { Ok(n) }
    #[circuit_breaker(name = "x26f", fallback = || async { Ok(s.parse()?) })] async fn f(s: String) -> Result<u8, MyErr> { Ok(s.len() as u8) }
    #[circuit_breaker(name = "x26g", fallback = |_| Ok(Box::new(1)))] async fn g() -> Result<Box<dyn Display + Send>, Box<dyn std::error::Error>> { Ok(Box::new("1")) }
    #[circuit_breaker(name = "x26h", fallback = |_| unreachable!())] async fn h() -> Result<u8, MyErr> { Ok(1) }
    for name in ["x26", "x26b", "x26c", "x26d", "x26e", "x26f", "x26g"] { open(name) }
    block_on(assert_send(async { assert_eq!((a(1).await.unwrap(), b(1).await.unwrap(), c(1).await.unwrap(), d(1).await.unwrap(), e(1).await.unwrap(), h().await.unwrap()), (1, 2, 1, 7, 1, 1)); assert_eq!(f("12".into()).await.unwrap(), 12); }));
    assert_eq!(block_on(assert_send(g())).unwrap().to_string(), "1");
}
#[test] fn x27_on_open_of_every_kind() {
    fn make(error: CircuitBreakerError) -> MyErr { MyErr::Open(error) }
    fn bare() -> MyErr { MyErr::Boom }
    #[derive(Debug, Clone, Copy, PartialEq)] enum Closed { Unavailable }
    const GONE: Closed = Closed::Unavailable;
    #[circuit_breaker(name = "x27", on_open = make)] fn a() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "x27b", on_open = bare)] fn b() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "x27c", on_open = Closed::Unavailable)] async fn c() -> Result<u8, Closed> { Ok(1) }
    #[circuit_breaker(name = "x27d", on_open = |open| format!("{} {n}", open.name()))] fn d(n: u8) -> Result<u8, String> { Ok(n) }
    #[circuit_breaker(name = "x27e", on_open = || Closed::Unavailable)] fn e() -> impl Future<Output = Result<u8, Closed>> + Send { async { Ok(1) } }
    #[circuit_breaker(name = "x27f", on_open = GONE)] fn f<T>(t: T) -> Result<T, Closed> { Ok(t) }
    #[circuit_breaker(name = "x27g", on_open = MyErr::Open)] async fn g() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "x27h", on_open = std::io::Error::from(std::io::ErrorKind::TimedOut))] fn h() -> std::io::Result<u8> { Ok(1) }
    for name in ["x27", "x27b", "x27c", "x27d", "x27e", "x27f", "x27g", "x27h"] { open(name) }
    assert!(matches!(a(), Err(MyErr::Open(_)))); assert!(matches!(b(), Err(MyErr::Boom)));
    assert_eq!(block_on(c()), Err(Closed::Unavailable)); assert_eq!(d(1), Err("x27d 1".into()));
    assert_eq!(block_on(e()), Err(Closed::Unavailable)); assert_eq!(f(1), Err(Closed::Unavailable));
    assert!(matches!(block_on(g()), Err(MyErr::Open(_)))); assert_eq!(h().unwrap_err().kind(), std::io::ErrorKind::TimedOut);
}
#[test] fn x28_predicates_of_every_kind() {
    fn bad(r: &Result<u8, MyErr>) -> bool { r.is_err() }
    impl MyErr { fn is_parse(&self) -> bool { matches!(self, MyErr::Parse(_)) } }
    #[circuit_breaker(name = "x28", failure_threshold = 1, failure_if = bad)] fn a(n: u8) -> Result<u8, MyErr> { if n == 0 { Err(MyErr::Boom) } else { Ok(n) } }
    #[circuit_breaker(name = "x28b", failure_threshold = 1, failure_if = Result::is_ok)] fn b() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "x28c", failure_threshold = 1, ignore_if = MyErr::is_parse)] async fn c() -> Result<u8, MyErr> { Ok("x".parse()?) }
    #[circuit_breaker(name = "x28d", failure_threshold = 1, failure_if = |r: &Result<u8, MyErr>| -> bool { matches!(r, Ok(n) if *n > limit) })] fn d(n: u8, limit: u8) -> Result<u8, MyErr> { Ok(n) }
    #[circuit_breaker(name = "x28e", failure_threshold = 1, failure_if = |s: &String| s.is_empty(), fallback = || "-".to_owned())] async fn e(s: &str) -> String { s.to_owned() }
    #[circuit_breaker(name = "x28f", failure_threshold = 1, failure_if = |_| true, fallback = || ())] fn f() {}
    #[circuit_breaker(name = "x28g", failure_threshold = 1, ignore_if = |e| e.kind() == std::io::ErrorKind::NotFound)] fn g() -> impl Future<Output = std::io::Result<()>> { async { Err(std::io::ErrorKind::NotFound.into()) } }
    let _ = a(1); assert!(!is_open("x28")); let _ = a(0); assert!(is_open("x28"));
    let _ = b(); assert!(is_open("x28b"));
    let _ = block_on(c()); assert!(!is_open("x28c"));
    let _ = d(1, 1); assert!(!is_open("x28d")); let _ = d(2, 1); assert!(is_open("x28d"));
    assert_eq!(block_on(e("")), ""); assert_eq!(block_on(e("a")), "-");
    f(); assert!(is_open("x28f")); f();
    let _ = block_on(g()); assert!(!is_open("x28g"));
}
#[test] fn x29_types_that_classify_themselves() {
    struct Response(u16);
    impl Classify for Response { fn outcome(&self) -> Outcome { if self.0 >= 500 { Outcome::Failure } else { Outcome::Success } } }
    #[circuit_breaker(name = "x29", failure_threshold = 1, fallback = |_| Response(503))] fn f(n: u16) -> Response { Response(n) }
    #[circuit_breaker(name = "x29b", failure_threshold = 1, fallback = [g1, g2])] async fn g(n: u16) -> Response { Response(n) }
    async fn g1(_: u16) -> Response { Response(500) }
    fn g2(_: u16) -> Response { Response(204) }
    assert_eq!(f(500).0, 500); assert_eq!(f(200).0, 503);
    assert_eq!(block_on(g(500)).0, 500); assert_eq!(block_on(g(200)).0, 204);
}
#[test] fn x30_timeouts() {
    #[circuit_breaker(name = "x30", failure_threshold = 1, timeout = "10ms")] async fn a() -> Result<u8, MyErr> { std::future::pending().await }
    #[circuit_breaker(name = "x30b", failure_threshold = 1, timeout = 0.01, fallback = |e| { assert!(e.is_timeout() || e.is_rejected()); Ok(9) }, fallback_on = any)] async fn b(n: u8) -> Result<u8, MyErr> { if n == 0 { Ok(0) } else { std::future::pending().await } }
    #[circuit_breaker(name = "x30c", failure_threshold = 1, timeout = std::time::Duration::from_millis(10), fallback = |_| Ok(9), on_open = |_| MyErr::Boom)] async fn c() -> Result<u8, MyErr> { std::future::pending().await }
    #[circuit_breaker(name = "x30d", timeout = off)] async fn d() -> Option<u8> { Some(1) }
    #[circuit_breaker(name = "x30e", timeout = 0.01)] fn e() -> impl Future<Output = Option<u8>> + Send { async { std::future::pending().await } }
    block_on(async {
        assert!(matches!(a().await, Err(MyErr::Open(e)) if e.is_timeout())); assert!(is_open("x30"));
        assert_eq!(b(0).await.unwrap(), 0); assert_eq!(b(1).await.unwrap(), 9); assert_eq!(b(0).await.unwrap(), 9);
        assert!(matches!(c().await, Err(MyErr::Boom))); assert_eq!(c().await.unwrap(), 9);
        assert_eq!(d().await, Some(1)); assert_eq!(e().await, None);
    });
}
#[test] fn x31_every_setting_at_once() {
    const LIMIT: u32 = 7; struct Limits; impl Limits { const RATE: f64 = 0.5; const WAIT: std::time::Duration = std::time::Duration::from_secs(2); }
    #[circuit_breaker(name = "x31", preset = "external_api", failure_threshold = LIMIT, recovery_timeout = 2 * 60, half_open_max_calls = 4, success_threshold = 2, half_open_timeout = "1h", failure_rate_threshold = Limits::RATE, slow_call_duration = Limits::WAIT, slow_call_rate_threshold = 1, window_size = 1_000, minimum_calls = 0x10, multiplier = 2, max_recovery_timeout = "1d", jitter = 0, timeout = 1.5,)]
    async fn f() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "x31b", failure_threshold = off, failure_rate_threshold = 0.25, window_duration = "1m 30s", slow_call_duration = off, max_recovery_timeout = off)]
    fn g() -> Result<u8, MyErr> { Ok(1) }
    assert_eq!(block_on(f()).unwrap() + g().unwrap(), 2);
    for preset in ["conservative", "aggressive", "testing", "kafka", "postgres", "postgres_pooled", "redis", "external_api", "websocket", "connection_recovery"] { assert!(!preset.is_empty()); }
    #[circuit_breaker(name = "x31c", preset = postgres_pooled)] fn h() -> Result<u8, MyErr> { Ok(1) }
    assert_eq!(h().unwrap(), 1);
}
