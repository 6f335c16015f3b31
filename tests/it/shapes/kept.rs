//! What fallbacks find of the arguments after others have had them, and what attributes below find.
use super::*;

use std::sync::atomic::{AtomicU32, Ordering};

#[test] fn x60_a_closure_has_what_the_body_and_the_closures_before_it_used_up() {
    struct Named { name: String }
    #[circuit_breaker(name = "x60", fallback = |_| Ok(s + "!"), fallback_on = any)] fn a(s: String) -> Result<String, MyErr> { drop(s); Err(MyErr::Boom) }
    #[circuit_breaker(name = "x60b", fallback = |_| async { Ok(s + "?") }, fallback_on = any)] async fn b(s: String) -> Result<String, MyErr> { drop(s); tokio::task::yield_now().await; Err(MyErr::Boom) }
    #[circuit_breaker(name = "x60c", fallback = [|_| { drop(s); Err(MyErr::Boom) }, |_| Ok(s)])] fn c(s: String) -> Result<String, MyErr> { Ok(s) }
    #[circuit_breaker(name = "x60d", fallback = [|_| { drop(s); Err(MyErr::Boom) }, |_| { drop(s); Err(MyErr::Boom) }, |_| Ok(s)], fallback_on = any)] async fn d(s: String) -> Result<String, MyErr> { drop(s); Err(MyErr::Boom) }
    #[circuit_breaker(name = "x60e", fallback = |_| Ok(Named { name: s }.name), fallback_on = any)] fn e(s: String) -> Result<String, MyErr> { drop(s); Err(MyErr::Boom) }
    #[circuit_breaker(name = "x60f", fallback = |open| { let name = open.name().to_owned(); async move { tokio::task::yield_now().await; Ok(name + &s) } })] async fn f(s: String) -> Result<String, MyErr> { Ok(s) }
    open("x60c"); open("x60f");
    assert_eq!(a("a".into()).unwrap(), "a!"); assert_eq!(block_on(b("b".into())).unwrap(), "b?");
    assert_eq!(c("c".into()).unwrap(), "c"); assert_eq!(block_on(d("d".into())).unwrap(), "d");
    assert_eq!(e("e".into()).unwrap(), "e"); assert_eq!(block_on(f("f".into())).unwrap(), "x60ff");
}
#[test] fn x62_a_fallback_of_a_wrapped_future_has_what_is_copied() {
    impl Repo {
        #[circuit_breaker(name = "x62", fallback = Self::spare)] fn fetch<'a>(&'a self, n: &'a u8) -> Pin<Box<dyn Future<Output = Result<u8, MyErr>> + Send + 'a>> { Box::pin(std::future::ready(Ok(*n))) }
        #[circuit_breaker(name = "x62b", fallback = self.spare)] fn typed<'a>(self: &'a Self, n: &'a u8) -> Pin<Box<dyn Future<Output = Result<u8, MyErr>> + Send + 'a>> { Box::pin(std::future::ready(Ok(*n))) }
        async fn spare(&self, n: &u8) -> Result<u8, MyErr> { Ok(self.cached + n) }
    }
    let repo = Repo { cached: 5 };
    assert_eq!(block_on(repo.fetch(&1)).unwrap() + block_on(repo.typed(&1)).unwrap(), 2);
    open("x62"); open("x62b");
    assert_eq!(block_on(repo.fetch(&1)).unwrap() + block_on(repo.typed(&1)).unwrap(), 12);
}
#[test] fn x63_a_method_is_called_on_the_receiver_that_was_kept() {
    impl Repo {
        #[circuit_breaker(name = "x63", fallback = [self.first, self.second], fallback_on = any)] fn used(self: Arc<Self>, v: Vec<u8>) -> Result<usize, MyErr> { drop((self, v)); Err(MyErr::Boom) }
        fn first(self: Arc<Self>, v: Vec<u8>) -> Result<usize, MyErr> { drop((self, v)); Err(MyErr::Boom) }
        fn second(&self, v: Vec<u8>) -> Result<usize, MyErr> { Ok(self.cached as usize + v.len()) }
    }
    assert_eq!(Arc::new(Repo { cached: 5 }).used(vec![1]).unwrap(), 6);
}
static ENTERED: AtomicU32 = AtomicU32::new(0);
struct Spans;
impl tracing::Subscriber for Spans {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool { true }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id { tracing::span::Id::from_u64(1) }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) { ENTERED.fetch_add(1, Ordering::Relaxed); }
    fn exit(&self, _: &tracing::span::Id) { ENTERED.fetch_sub(1, Ordering::Relaxed); }
}
#[test] fn x61_an_attribute_below_finds_the_block_that_the_function_ends_in() {
    #[circuit_breaker(name = "x61")] #[tracing::instrument] fn boxed() -> Pin<Box<dyn Future<Output = Result<u32, MyErr>> + Send>> { Box::pin(async move { tokio::task::yield_now().await; Ok(ENTERED.load(Ordering::Relaxed)) }) }
    let within = tracing::subscriber::with_default(Spans, || block_on(boxed()));
    assert_eq!(within.unwrap(), 1, "the body runs in the span, after an `await` too");
}
macro_rules! early { ($condition:expr, $answer:expr) => { if $condition { return $answer } } }
#[test] fn x64_a_macro_may_leave_before_the_block() {
    #[circuit_breaker(name = "x64", failure_threshold = 1)] fn f(n: u8) -> Pin<Box<dyn Future<Output = Result<u8, MyErr>> + Send>> { early!(n == 0, Box::pin(std::future::ready(Err(MyErr::Boom)))); Box::pin(async move { Ok(n) }) }
    assert_eq!(block_on(f(1)).unwrap(), 1);
    assert!(matches!(block_on(f(0)), Err(MyErr::Boom)));
    assert!(matches!(block_on(f(1)), Err(MyErr::Open(_))), "what a macro returned was judged");
}
#[test] fn x65_a_closure_has_the_argument_and_not_what_hides_it_before_the_block() {
    #[circuit_breaker(name = "x65", fallback = |_| Ok(n))] fn f(n: u8) -> impl Future<Output = Result<u8, MyErr>> { let n = n + 1; async move { Ok(n) } }
    #[circuit_breaker(name = "x65b", fallback = |_| Ok(n))] fn g(n: u8) -> impl Future<Output = Result<u8, MyErr>> { let (n, _) = (n + 1, 0); async move { Ok(n) } }
    assert_eq!(block_on(f(1)).unwrap() + block_on(g(1)).unwrap(), 4);
    open("x65"); open("x65b");
    assert_eq!(block_on(f(1)).unwrap() + block_on(g(1)).unwrap(), 2);
}
