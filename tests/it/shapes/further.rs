//! Further shapes of functions and of what is around them.
use super::*;

use std::sync::atomic::{AtomicU32, Ordering};

#[test] fn x01_extern_c_with_a_plain_value() {
    #[circuit_breaker(name = "x01", failure_if = |code| *code < 0, fallback = || -99)]
    extern "C" fn f(code: i32) -> i32 { code }
    assert_eq!(f(1), 1);
    open("x01");
    assert_eq!(f(1), -99);
}
#[test] fn x03_nested_generics_and_const_expressions() {
    struct Grid<T, const W: usize, const H: usize>([[T; W]; H]);
    impl<T: Copy, const W: usize, const H: usize> Grid<T, W, H> {
        #[circuit_breaker(name = "x03")]
        fn rows<F, R>(&self, f: F) -> Result<Vec<Vec<R>>, MyErr> where F: Fn(T) -> R { Ok(self.0.iter().map(|row| row.iter().map(|x| f(*x)).collect()).collect()) }
    }
    #[circuit_breaker(name = "x03b")]
    fn sized(a: [u8; 1 + 2], b: [u8; size_of::<u32>()]) -> Result<[u8; 3], MyErr> { Ok([a[0], a[1], b[3]]) }
    assert_eq!(Grid([[1, 2], [3, 4]]).rows(|x| x + 1).unwrap(), [[2, 3], [4, 5]]);
    assert_eq!(sized([1, 2, 3], [4, 5, 6, 7]).unwrap(), [1, 2, 7]);
}
#[test] fn x04_higher_ranked_bounds_and_dyn_with_lifetimes() {
    #[circuit_breaker(name = "x04", fallback = fallback)]
    fn f<'a>(g: &dyn for<'x> Fn(&'x str) -> &'x str, d: Box<dyn Display + Send + 'a>, s: &'a str) -> Result<(String, &'a str), MyErr> { Ok((format!("{d}{}", g(" x ")), s)) }
    fn fallback<'a>(_: &dyn for<'x> Fn(&'x str) -> &'x str, _: Box<dyn Display + Send + 'a>, s: &'a str) -> Result<(String, &'a str), MyErr> { Ok((String::new(), s)) }
    assert_eq!(f(&str::trim, Box::new(1), "a").unwrap(), ("1x".into(), "a"));
    open("x04");
    assert_eq!(f(&str::trim, Box::new(1), "a").unwrap(), (String::new(), "a"));
}
#[test] fn x05_impl_trait_in_deep_positions() {
    #[circuit_breaker(name = "x05")]
    fn f<'a>(v: &'a [u8]) -> Result<Vec<(u8, impl Fn(u8) -> u8 + use<'a>)>, Box<dyn std::error::Error>> { Ok(v.iter().map(|x| (*x, move |y| x + y)).collect()) }
    #[circuit_breaker(name = "x05b")]
    fn g() -> Option<Box<dyn Iterator<Item = impl Display + use<>>>> { Some(Box::new([1, 2].into_iter())) }
    #[circuit_breaker(name = "x05c")]
    async fn h<T: Clone>(t: T) -> Result<(impl Iterator<Item = T>, [impl Debug; 2]), MyErr> { Ok((std::iter::once(t), [1, 2])) }
    assert_eq!((f(&[1]).unwrap()[0].1)(2), 3);
    assert_eq!(g().unwrap().next().unwrap().to_string(), "1");
    assert_eq!(block_on(h(5)).unwrap().0.next(), Some(5));
}
#[test] fn x06_bodies_that_never_return() {
    #[circuit_breaker(name = "x06")]
    fn f(n: u8) -> Result<u8, MyErr> { loop { if n > 0 { break Err(MyErr::Boom) } return Ok(n) } }
    #[circuit_breaker(name = "x06b", failure_threshold = 1)]
    async fn g() -> Result<std::convert::Infallible, MyErr> { tokio::task::yield_now().await; panic!("x") }
    #[circuit_breaker(name = "x06c")]
    fn h() -> Result<(), MyErr> { unimplemented!() }
    assert!(f(0).is_ok());
    assert!(std::panic::catch_unwind(|| block_on(g())).is_err());
    assert!(is_open("x06b"));
    assert!(std::panic::catch_unwind(h).is_err());
}
#[test] fn x07_result_alias_of_the_user_with_a_default() {
    type Result<T = (), E = MyErr> = std::result::Result<T, E>;
    #[circuit_breaker(name = "x07")]
    fn f() -> Result { Ok(()) }
    #[circuit_breaker(name = "x07b")]
    async fn g() -> Result<u8> { f()?; Ok(1) }
    assert_eq!(block_on(g()).unwrap(), 1);
}
#[test] fn x08_async_with_mutable_arguments_and_returned_borrows() {
    #[circuit_breaker(name = "x08")]
    async fn f<'a>(v: &'a mut Vec<String>, s: &str) -> Result<&'a mut str, MyErr> { v.push(s.to_owned()); tokio::task::yield_now().await; v.last_mut().map(String::as_mut_str).ok_or(MyErr::Boom) }
    #[circuit_breaker(name = "x08b")]
    async fn g(v: &mut [u8]) -> Result<&u8, MyErr> { v[0] = 9; tokio::task::yield_now().await; Ok(&v[0]) }
    #[circuit_breaker(name = "x08c")]
    fn h<'a>(mut s: &'a str, mut rest: std::str::Split<'a, char>) -> Result<&'a str, MyErr> { let local = String::from("y"); if s.is_empty() { s = rest.next().unwrap_or(""); } let mut t = s; if t == "z" { t = &local; } Ok(if t.is_empty() { "" } else { s }) }
    #[circuit_breaker(name = "x08d")]
    async fn i(mut s: &str) -> Result<usize, MyErr> { let local = String::from("long"); if s.is_empty() { s = &local; } tokio::task::yield_now().await; Ok(s.len()) }
    #[circuit_breaker(name = "x08e")]
    fn j(mut s: &str, (mut t, _): (&str, u8)) -> Result<usize, MyErr> { let local = String::from("long"); if s.is_empty() { s = &local; t = &local; } Ok(s.len() + t.len()) }
    let mut v = vec![];
    assert_eq!(block_on(f(&mut v, "a")).unwrap(), "a");
    assert_eq!(*block_on(assert_send(g(&mut [1]))).unwrap(), 9);
    assert_eq!(h("", "b,c".split(',')).unwrap(), "b");
    assert_eq!(block_on(i("")).unwrap(), 4);
    assert_eq!(j("", ("", 1)).unwrap(), 8);
}
#[test] fn x09_pinned_receivers() {
    struct Stream { left: u8 }
    impl Stream {
        #[circuit_breaker(name = "x09")] async fn next(mut self: Pin<&mut Self>) -> Result<u8, MyErr> { tokio::task::yield_now().await; self.left -= 1; Ok(self.left) }
        #[circuit_breaker(name = "x09b", fallback = Self::other)] async fn peek(self: Pin<&mut Self>, n: u8) -> Result<u8, MyErr> { Ok(self.left + n) }
        async fn other(self: Pin<&mut Self>, n: u8) -> Result<u8, MyErr> { Ok(n) }
        #[circuit_breaker(name = "x09c")] fn walk(mut self: &Self, other: &'static Self) -> Result<u8, MyErr> { if self.left == 0 { self = other; } Ok(self.left) }
        #[circuit_breaker(name = "x09d")] fn rc(self: &mut Rc<Self>) -> Result<u8, MyErr> { Ok(Rc::make_mut(self).left) }
    }
    impl Clone for Stream { fn clone(&self) -> Self { Stream { left: self.left } } }
    static OTHER: Stream = Stream { left: 7 };
    let mut stream = Stream { left: 2 };
    assert_eq!(block_on(assert_send(Pin::new(&mut stream).next())).unwrap(), 1);
    open("x09b");
    assert_eq!(block_on(Pin::new(&mut stream).peek(5)).unwrap(), 5);
    assert_eq!(Stream { left: 0 }.walk(&OTHER).unwrap(), 7);
    assert_eq!(Rc::new(stream).rc().unwrap(), 1);
}
#[test] fn x10_async_closures_as_arguments() {
    #[circuit_breaker(name = "x10")]
    async fn f<F: AsyncFnOnce(u8) -> Result<u8, MyErr>>(f: F, n: u8) -> Result<u8, MyErr> { f(n).await }
    #[circuit_breaker(name = "x10b")]
    async fn g(mut f: impl AsyncFnMut() -> u8) -> Result<u8, MyErr> { Ok(f().await + f().await) }
    let mut n = 0;
    assert_eq!(block_on(f(async |n| Ok(n + 1), 1)).unwrap(), 2);
    assert_eq!(block_on(g(async || { n += 1; n })).unwrap(), 3);
}
macro_rules! whole {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$lt:lifetime>($arg:ident: $ty:ty) -> $ret:ty $body:block, $count:expr, $time:literal, $fb:path) => {
        $(#[$meta])*
        #[circuit_breaker(failure_threshold = $count, recovery_timeout = $time, fallback = $fb)]
        $vis fn $name<$lt>($arg: &$lt $ty) -> $ret $body
    };
}
fn whole_fallback(_: &str) -> Result<usize, MyErr> { Ok(0) }
whole!(/** A doc comment. */ #[inline] pub(crate) fn whole<'a>(s: str) -> Result<usize, MyErr> { if s.is_empty() { return Err(MyErr::Boom) } Ok(s.len()) }, 1 + 1, "30s", whole_fallback);
macro_rules! tokens { ($($item:tt)*) => { $($item)* } }
tokens! { #[circuit_breaker(name = "x11")] fn of_tokens(n: u8) -> Result<u8, MyErr> { Ok(n) } }
macro_rules! item { ($item:item) => { #[circuit_breaker(name = "x11b")] $item } }
item! { fn of_an_item(n: u8) -> Result<u8, MyErr> { Ok(n) } }
macro_rules! attr { ($meta:meta, $item:item) => { #[$meta] $item } }
attr! { circuit_breaker(name = "x11c", failure_threshold = 2), fn of_a_meta(n: u8) -> Result<u8, MyErr> { Ok(n) } }
macro_rules! values { ($name:ident, $threshold:expr, $preset:ident, $path:path, $closure:expr, $pat:pat, $ty:ty) => { #[circuit_breaker(name = "x11d", failure_threshold = $threshold, preset = $preset, on_open = $path, failure_if = $closure)] async fn $name($pat: $ty) -> Result<u8, MyErr> { let (a, b) = pair(); Ok(a + b) } } }
fn pair() -> (u8, u8) { (1, 2) }
values!(of_values, 3 * 2, kafka, MyErr::Open, |r| r.is_err(), (_, _), (u8, u8));
macro_rules! dollar { ($($name:ident)*) => { $(#[circuit_breaker(crate = $crate::shapes::breaker_alias, name = "x11e")] fn $name() -> Result<u8, MyErr> { Ok(1) })* } }
dollar! { by_dollar_crate }
#[test] fn x11_macro_rules_with_every_fragment() {
    assert_eq!(whole("abc").unwrap(), 3);
    let breaker = breakerbox::breaker(&format!("{}::whole", module_path!())).expect("named by its path");
    breaker.force_open();
    assert_eq!(whole("abc").unwrap(), 0);
    assert_eq!(of_tokens(1).unwrap() + of_an_item(2).unwrap() + of_a_meta(3).unwrap(), 6);
    assert_eq!(block_on(of_values((0, 0))).unwrap(), 3);
    open("x11d");
    assert!(matches!(block_on(of_values((0, 0))), Err(MyErr::Open(_))));
    assert_eq!(by_dollar_crate().unwrap(), 1);
    for name in ["x11", "x11b", "x11c", "x11d", "x11e"] { assert!(breakerbox::breaker(name).is_some(), "{name}"); }
}
#[test] #[circuit_breaker(name = "x12")] fn x12_a_test_that_returns_a_result() -> Result<(), MyErr> { Ok(()) }
#[circuit_breaker(name = "x12b")] #[test] fn x12_a_test_below() -> Result<(), MyErr> { Ok(()) }
#[tokio::test] #[circuit_breaker(name = "x12c")] async fn x12_a_tokio_test_above() -> Result<(), MyErr> { Ok(()) }
#[test] fn x13_tokio_main() {
    #[tokio::main(flavor = "current_thread")] #[circuit_breaker(name = "x13")] async fn main() -> Result<u8, MyErr> { tokio::task::yield_now().await; Ok(1) }
    #[circuit_breaker(name = "x13b")] #[tokio::main(flavor = "current_thread")] async fn other() -> Result<u8, MyErr> { Ok(2) }
    assert_eq!(main().unwrap() + other().unwrap(), 3);
}
#[test] fn x14_precise_captures() {
    #[circuit_breaker(name = "x14")]
    fn f<'a, T: Clone + 'a>(t: &'a T) -> impl Future<Output = Result<T, MyErr>> + use<'a, T> { async move { Ok(t.clone()) } }
    #[circuit_breaker(name = "x14b")]
    fn g(n: &u8) -> impl Future<Output = Result<u8, MyErr>> + Send + 'static + use<> { let n = *n; async move { Ok(n) } }
    assert_eq!(block_on(f(&1)).unwrap(), 1);
    assert_eq!(block_on(tokio_spawnable(g(&2))).unwrap(), 2);
}
#[test] fn x15_async_trait_with_generics_and_lifetimes() {
    #[async_trait::async_trait]
    trait Store<K: Send + Sync> {
        async fn get<'k, V: Clone + Send + Sync + 'k>(&self, k: &'k K, v: &'k V, mut n: Vec<u8>) -> Result<V, MyErr>;
        #[circuit_breaker(name = "x15", timeout = 5, ignore_if = |e| matches!(e, MyErr::Parse(_)))]
        async fn or(&mut self, k: &K) -> Result<u8, MyErr> where Self: Send { let _ = k; Ok(1) }
    }
    struct Mem(AtomicU32);
    #[async_trait::async_trait]
    impl<K: Send + Sync> Store<K> for Mem {
        #[circuit_breaker(name = "x15b", failure_threshold = 1, fallback = |_| Ok(v.clone()), fallback_on = any)]
        async fn get<'k, V: Clone + Send + Sync + 'k>(&self, _k: &'k K, v: &'k V, mut n: Vec<u8>) -> Result<V, MyErr> { n.push(1); self.0.fetch_add(1, Ordering::Relaxed); Err(MyErr::Boom) }
    }
    let mut mem = Mem(AtomicU32::new(0));
    assert_eq!(block_on(mem.get(&1, &"v", vec![])).unwrap(), "v");
    assert_eq!(block_on(mem.get(&1, &"v", vec![])).unwrap(), "v");
    assert_eq!(mem.0.load(Ordering::Relaxed), 1);
    assert_eq!(block_on(assert_send(mem.or(&1))).unwrap(), 1);
}
#[test] fn x16_boxes_of_futures() {
    #[circuit_breaker(name = "x16", failure_threshold = 1)]
    fn f(n: u8) -> Box<dyn Future<Output = Result<u8, MyErr>> + Send + Unpin> { Box::new(std::future::ready(if n == 0 { Err(MyErr::Boom) } else { Ok(n) })) }
    #[circuit_breaker(name = "x16b")]
    fn g<'a>(s: &'a str) -> Pin<Box<dyn Future<Output = Result<&'a str, MyErr>> + 'a>> { if s.is_empty() { return Box::pin(std::future::ready(Err(MyErr::Boom))) } Box::pin(async move { Ok(s) }) }
    #[circuit_breaker(name = "x16c", fallback = |_| Ok(9))]
    fn h(n: u8) -> futures_util::future::LocalBoxFuture<'static, Result<u8, MyErr>> { use futures_util::FutureExt as _; let rc = Rc::new(n); async move { Ok(*rc) }.boxed_local() }
    #[circuit_breaker(name = "x16d")]
    fn i() -> Pin<Box<impl Future<Output = Result<u8, MyErr>>>> { Box::pin(async { Ok("1".parse()?) }) }
    block_on(async {
        assert_eq!(f(1).await.unwrap(), 1);
        let _ = f(0).await;
        assert!(matches!(f(1).await, Err(MyErr::Open(_))));
        assert_eq!(g("a").await.unwrap(), "a");
        assert_eq!(h(3).await.unwrap(), 3);
        open("x16c");
        assert_eq!(h(3).await.unwrap(), 9);
        assert_eq!(i().await.unwrap(), 1);
    });
}
type Fut<'a, T> = Pin<Box<dyn Future<Output = Result<T, MyErr>> + Send + 'a>>;
type LocalFut = Pin<Box<dyn Future<Output = Result<u8, MyErr>>>>;
#[test] fn x17_aliases_of_futures() {
    #[circuit_breaker(name = "x17", returns = future, failure_threshold = 1)]
    fn f(n: &u8) -> Fut<'_, u8> { Box::pin(async move { if *n == 0 { return Err(MyErr::Boom) } Ok(*n) }) }
    #[circuit_breaker(name = "x17b", returns = future, timeout = 0.01, on_open = |e| { assert!(e.is_timeout()); MyErr::Boom })]
    fn g() -> LocalFut { Box::pin(async { std::future::pending::<()>().await; Ok("1".parse()?) }) }
    block_on(async {
        assert_eq!(tokio_spawnable(f(&1)).await.unwrap(), 1);
        let _ = f(&0).await;
        assert!(matches!(f(&1).await, Err(MyErr::Open(_))));
        assert!(matches!(g().await, Err(MyErr::Boom)));
    });
}
#[test] fn x18_options() {
    #[circuit_breaker(name = "x18", failure_threshold = 1)]
    fn f(n: u8) -> Option<u8> { (n > 0).then_some(n) }
    #[circuit_breaker(name = "x18b", failure_threshold = 2, fallback = [g2, |_| Some(7)], fallback_on = any)]
    async fn g(n: u8) -> Option<u8> { tokio::task::yield_now().await; if n > 9 { None? } Some(n) }
    fn g2(n: u8) -> Option<u8> { (n == 11).then_some(1) }
    #[circuit_breaker(name = "x18c")]
    async fn h(s: &str) -> Option<&str> { s.get(1..) }
    assert_eq!(f(1), Some(1)); assert_eq!(f(0), None); assert_eq!(f(1), None);
    assert_eq!(block_on(g(1)), Some(1)); assert_eq!(block_on(g(11)), Some(1)); assert_eq!(block_on(g(10)), Some(7));
    assert!(is_open("x18b"));
    assert_eq!(block_on(g(1)), Some(7));
    assert_eq!(block_on(h("ab")), Some("b"));
}
#[test] fn x19_async_recursion() {
    #[circuit_breaker(name = "x19")]
    fn f(n: u32) -> Pin<Box<dyn Future<Output = Result<u32, MyErr>> + Send>> { Box::pin(async move { if n == 0 { Ok(0) } else { Ok(f(n - 1).await? + 1) } }) }
    #[circuit_breaker(name = "x19b")]
    async fn g(n: u32) -> Result<u32, MyErr> { if n == 0 { Ok(0) } else { Ok(Box::pin(g(n - 1)).await? + 1) } }
    assert_eq!(block_on(f(5)).unwrap() + block_on(g(5)).unwrap(), 10);
}
#[test] fn x20_where_clauses_on_self() {
    trait Load { fn load(&self) -> Result<Self, MyErr> where Self: Sized + Clone;
        #[circuit_breaker(name = "x20")] fn twice<F>(self, f: F) -> Result<(Self, u8), MyErr> where Self: Sized + Clone, F: for<'a> Fn(&'a Self) -> u8 { let n = f(&self); Ok((self.load()?, n)) } }
    impl Load for u8 { #[circuit_breaker(name = "x20b")] fn load(&self) -> Result<Self, MyErr> where Self: Sized + Clone { Ok(*self) } }
    assert_eq!(5_u8.twice(|n| n + 1).unwrap(), (5, 6));
}
#[test] fn x21_raw_identifiers() {
    #[circuit_breaker(name = "x21", fallback = r#match)]
    fn r#type(r#fn: u8, mut r#mut: u8) -> Result<u8, MyErr> { r#mut += r#fn; Ok(r#mut) }
    fn r#match(r#fn: u8, _: u8) -> Result<u8, MyErr> { Ok(r#fn) }
    #[circuit_breaker]
    async fn r#loop(r#async: &str) -> Result<usize, MyErr> { Ok(r#async.len()) }
    assert_eq!(r#type(1, 2).unwrap(), 3);
    open("x21");
    assert_eq!(r#type(1, 2).unwrap(), 1);
    assert_eq!(block_on(r#loop("a")).unwrap(), 1);
    assert!(breakerbox::breaker(&format!("{}::loop", module_path!())).is_some());
}
mod shadows {
    #![allow(unused)]
    use breakerbox::circuit_breaker as breaker_attribute;
    mod core {} mod std {} mod breakerbox_ {}
    pub struct Result; pub struct Option; pub enum Never { Ok, Err, Some, None }
    use Never::{Ok, Err, Some, None};
    trait Future {} trait Clone {} trait FnOnce {} struct Box; struct Pin; struct Duration;
    macro_rules! module_path { () => { compile_error!("not ours") } }
    macro_rules! line { () => { compile_error!("not ours") } }
    macro_rules! file { () => { compile_error!("not ours") } }
    macro_rules! column { () => { compile_error!("not ours") } }
    #[breaker_attribute(name = "x22", recovery_timeout = 5, jitter = 0.5, fallback = self::breaker)]
    pub fn run(breaker: u8, error: u8) -> ::core::result::Result<u8, ::std::string::String> { let entered = breaker + error; ::core::result::Result::Ok(entered) }
    fn breaker(a: u8, _: u8) -> ::core::result::Result<u8, ::std::string::String> { ::core::result::Result::Ok(a) }
    #[breaker_attribute(name = "x22b", fallback = [entered, |error| { let ret = error; fallback(ret) }], fallback_on = any)]
    pub async fn guard(kept0: ::std::string::String, mut failed: u8) -> ::core::result::Result<u8, ::std::string::String> { failed += 1; ::core::result::Result::Err(kept0) }
    async fn entered(_: ::std::string::String, n: u8) -> ::core::result::Result<u8, ::std::string::String> { ::core::result::Result::Err(::std::string::String::new()) }
    fn fallback(_: ::breakerbox::CircuitBreakerError) -> ::core::result::Result<u8, ::std::string::String> { ::core::result::Result::Ok(3) }
}
#[test] fn x22_names_of_the_prelude_and_of_the_expansion() {
    assert_eq!(shadows::run(1, 2).unwrap(), 3);
    open("x22");
    assert_eq!(shadows::run(1, 2).unwrap(), 1);
    assert_eq!(block_on(shadows::guard("a".into(), 1)).unwrap(), 3);
}
#[test] fn x23_trait_methods_with_impl_arguments_and_fallbacks() {
    trait Fetch { fn fetch(&self, keys: impl IntoIterator<Item = u8>, f: &mut dyn FnMut(u8)) -> Result<u8, MyErr>; async fn fetch_later(&self, keys: impl IntoIterator<Item = u8>) -> Result<u8, MyErr>; }
    impl Fetch for Repo {
        #[circuit_breaker(name = "x23", fallback = Self::none)]
        fn fetch(&self, keys: impl IntoIterator<Item = u8>, f: &mut dyn FnMut(u8)) -> Result<u8, MyErr> { keys.into_iter().for_each(f); Ok(1) }
        #[circuit_breaker(name = "x23b", fallback = Self::sum)]
        async fn fetch_later(&self, keys: impl IntoIterator<Item = u8>) -> Result<u8, MyErr> { Ok(keys.into_iter().count() as u8) }
    }
    impl Repo {
        fn none(&self, _: impl IntoIterator<Item = u8>, f: &mut dyn FnMut(u8)) -> Result<u8, MyErr> { f(self.cached); Ok(0) }
        async fn sum<I: IntoIterator<Item = u8>>(&self, keys: I, error: CircuitBreakerError) -> Result<u8, MyErr> { assert!(error.is_rejected()); Ok(keys.into_iter().sum()) }
    }
    let (repo, mut seen) = (Repo { cached: 4 }, vec![]);
    assert_eq!(repo.fetch([1, 2], &mut |n| seen.push(n)).unwrap(), 1);
    open("x23"); open("x23b");
    assert_eq!(repo.fetch([1, 2], &mut |n| seen.push(n)).unwrap(), 0);
    assert_eq!(seen, [1, 2, 4]);
    assert_eq!(block_on(repo.fetch_later([1, 2])).unwrap(), 3);
}
