//! Async functions of the sample, functions that return futures, and other attributes beside ours.
use super::*;

// ───────────────────────────── async, free functions ─────────────────────────────
#[test] fn a02_async_future_is_send_and_static() { // [basic]
    #[circuit_breaker(name = "a02", failure_threshold = 5, recovery_timeout = 30)]
    async fn f(s: String, m: Arc<Mutex<u8>>) -> Result<usize, MyErr> { { *m.lock().unwrap() += 1; } tokio::task::yield_now().await; Ok(s.len()) }
    assert_eq!(block_on(tokio_spawnable(f("ab".into(), Default::default()))).unwrap(), 2);
}
#[test] fn a03_async_send_with_a_non_send_error_not_held_across_await() { // [basic] Box<dyn Error> without Send
    #[circuit_breaker(name = "a03", failure_threshold = 5, recovery_timeout = 30)]
    async fn f() -> Result<u8, Box<dyn std::error::Error>> { tokio::task::yield_now().await; Ok("1".parse()?) }
    assert_eq!(block_on(assert_send(f())).unwrap(), 1);
}
#[test] fn a04_async_not_send_stays_usable() { // [basic]
    #[circuit_breaker(name = "a04", failure_threshold = 5, recovery_timeout = 30)]
    async fn f(r: Rc<u8>) -> Result<u8, MyErr> { tokio::task::yield_now().await; Ok(*r) }
    assert_eq!(block_on(f(Rc::new(1))).unwrap(), 1);
}
#[test] fn a05_async_question_mark_and_inference() { // [basic]
    #[circuit_breaker(name = "a05", failure_threshold = 5, recovery_timeout = 30)]
    async fn f(v: &[&str]) -> Result<Vec<i32>, MyErr> { let mut o = vec![]; for s in v { o.push(s.parse()?) } if o.is_empty() { return Err(MyErr::Boom) } Ok(o.into_iter().collect()) }
    #[circuit_breaker(name = "a05b", failure_threshold = 5, recovery_timeout = 30)]
    async fn g() -> anyhow::Result<Box<dyn Display + Send>> { let n: u8 = "1".parse()?; anyhow::ensure!(n > 0); Ok(Box::new(n)) }
    assert_eq!(block_on(f(&["1"])).unwrap(), [1]); assert_eq!(block_on(g()).unwrap().to_string(), "1");
}
#[test] fn a06_async_borrowed_args_and_return() { // [basic]
    #[circuit_breaker(name = "a06", failure_threshold = 5, recovery_timeout = 30)]
    async fn f<'a>(a: &'a str, b: &str) -> Result<&'a str, MyErr> { tokio::task::yield_now().await; Ok(if b.is_empty() { a } else { &a[1..] }) }
    let s = String::from("ab"); assert_eq!(block_on(f(&s, "x")).unwrap(), "b");
}
#[test] fn a08_async_impl_trait_arg_and_return() { // [basic]
    #[circuit_breaker(name = "a08", failure_threshold = 5, recovery_timeout = 30)]
    async fn f(s: impl AsRef<str> + Send, k: impl Fn(u8) -> u8 + Send) -> Result<impl Iterator<Item = u8> + Send, MyErr> { let n = k(s.as_ref().len() as u8); Ok(0..n) }
    assert_eq!(block_on(assert_send(f("ab", |x| x + 1))).unwrap().count(), 3);
}
#[test] fn a09_async_patterns_and_wildcards() { // [basic]
    #[circuit_breaker(name = "a09", failure_threshold = 5, recovery_timeout = 30)]
    async fn f((a, mut b): (u8, u8), _: String, [x, y]: [u8; 2], _g: std::sync::mpsc::Sender<u8>) -> Result<u8, MyErr> { b += 1; Ok(a + b + x + y) }
    let (tx, rx) = std::sync::mpsc::channel(); assert_eq!(block_on(f((1, 1), "".into(), [1, 1], tx)).unwrap(), 5); assert!(rx.recv().is_err());
}
#[test] fn a10_async_generic_where() { // [basic]
    #[circuit_breaker(name = "a10", failure_threshold = 5, recovery_timeout = 30)]
    async fn f<'a, F, Fut, T>(f: F, t: &'a T) -> Result<String, MyErr> where F: FnOnce(&'a T) -> Fut, Fut: Future<Output = String> + 'a, T: ?Sized + 'a { Ok(f(t).await) }
    assert_eq!(block_on(f(|s: &str| { let s = s.to_string(); async move { s } }, "x")).unwrap(), "x");
}
#[test] fn a14_async_holds_tokio_guard_across_await() { // [basic]
    #[circuit_breaker(name = "a14", failure_threshold = 5, recovery_timeout = 30)]
    async fn f(m: Arc<tokio::sync::Mutex<u8>>) -> Result<u8, MyErr> { let mut g = m.lock().await; *g += 1; tokio::task::yield_now().await; Ok(*g) }
    assert_eq!(block_on(assert_send(f(Default::default()))).unwrap(), 1);
}
#[test] fn a16_async_closure_blocks_and_select_in_body() { // [basic]
    #[circuit_breaker(name = "a16", failure_threshold = 5, recovery_timeout = 30)]
    async fn f() -> Result<u8, MyErr> { let g = async |x: u8| Ok::<u8, MyErr>(x); let h = async { g(1).await? ; Ok::<_, MyErr>(2) }; let (a, b) = tokio::join!(h, g(3)); Ok(a? + b?) }
    assert_eq!(block_on(f()).unwrap(), 5);
}
#[test] fn a18_async_as_function_value_and_handler() { // [basic] still an ordinary `Fn -> Future`
    #[circuit_breaker(name = "a18", failure_threshold = 5, recovery_timeout = 30)]
    async fn f(x: u8) -> Result<u8, MyErr> { Ok(x) }
    async fn call<F: AsyncFn(u8) -> Result<u8, MyErr>>(f: F) -> u8 { f(1).await.unwrap() }
    assert_eq!(block_on(call(f)), 1);
}

// ───────────────────────────── functions that return futures ─────────────────────────────
#[test] fn r01_impl_future_tail_async_block() { // [+returned futures]
    #[circuit_breaker(name = "r01", failure_threshold = 1, recovery_timeout = 30)]
    fn f(n: u8) -> impl Future<Output = Result<u8, MyErr>> + Send { async move { if n == 0 { return Err(MyErr::Boom) } Ok(n) } }
    block_on(async { assert_eq!(f(1).await.unwrap(), 1); let _ = f(0).await; assert!(matches!(f(1).await, Err(MyErr::Open(_)))) });
}
#[test] fn r03_boxfuture_alias_with_boxed() { // [+returned futures] any body, by return type
    use futures_util::{FutureExt, future::BoxFuture};
    #[circuit_breaker(name = "r03", failure_threshold = 1, recovery_timeout = 30)]
    fn f(n: u8) -> BoxFuture<'static, Result<u8, MyErr>> { if n > 9 { return std::future::ready(Ok(9)).boxed() } async move { if n == 0 { Err(MyErr::Boom) } else { Ok(n) } }.boxed() }
    block_on(async { assert_eq!(f(1).await.unwrap(), 1); assert_eq!(f(10).await.unwrap(), 9); let _ = f(0).await; assert!(f(1).await.is_err()) });
}
#[test] fn r04_impl_future_from_a_call() { // [+returned futures]
    async fn inner(n: u8) -> Result<u8, MyErr> { Ok(n) }
    #[circuit_breaker(name = "r04", failure_threshold = 1, recovery_timeout = 30)]
    fn f(n: u8) -> impl Future<Output = Result<u8, MyErr>> + Send { let n = n + 1; inner(n) }
    assert_eq!(block_on(assert_send(f(1))).unwrap(), 2);
}
#[test] fn r05_impl_future_method_with_lifetime() { // [+returned futures]
    impl Client { #[circuit_breaker(name = "r05", failure_threshold = 5, recovery_timeout = 30)] fn fut<'a>(&'a self, k: &'a str) -> impl Future<Output = Result<usize, MyErr>> + Send + 'a { async move { Ok(self.n as usize + k.len()) } } }
    assert_eq!(block_on(Client { n: 1, log: vec![] }.fut("a")).unwrap(), 2);
}

// ───────────────────────────── with other attributes ─────────────────────────────
#[circuit_breaker(name = "o03", failure_threshold = 5, recovery_timeout = 30)] #[tokio::test] async fn o03_tokio_test_below() -> Result<(), MyErr> { Ok(()) } // [basic]
#[async_trait::async_trait] impl Traced for Impl1 { #[tracing::instrument(skip(self))] #[circuit_breaker(name = "o05", failure_threshold = 5, recovery_timeout = 30)] async fn go(&self, n: u8) -> Result<u8, MyErr> { Ok(n) }
    #[circuit_breaker(name = "o05b", failure_threshold = 5, recovery_timeout = 30)] #[tracing::instrument(skip(self), err)] async fn go2(&self, n: u8) -> Result<u8, MyErr> { Ok(n) } }
#[async_trait::async_trait] trait Traced { async fn go(&self, n: u8) -> Result<u8, MyErr>; async fn go2(&self, n: u8) -> Result<u8, MyErr>; }
#[test] fn o06_through_cfg_attr() { // [basic]
    #[cfg_attr(all(), circuit_breaker(name = "o06", failure_threshold = 5, recovery_timeout = 30))] fn f() -> Result<u8, MyErr> { Ok(1) }
    assert!(f().is_ok()); assert!(breakerbox::breaker("o06").is_some());
}
#[test] fn o07_by_full_path_and_renamed_crate() { // [+crate]
    use breakerbox as facade;
    #[facade::circuit_breaker(crate = facade, name = "o07", failure_threshold = 5, recovery_timeout = 30)] fn f() -> Result<u8, MyErr> { Ok(1) }
    assert!(f().is_ok());
}
