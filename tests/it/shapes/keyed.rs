//! Functions with a `key`: what a key may be, and every shape of a function beside it.
use super::*;

type R = Result<u8, MyErr>;
/// What follows the name of the family in the names of its breakers.
fn keys(name: &str) -> Vec<String> {
    let family = breakerbox::keyed(name).expect("registered at link time");
    family.breakers().iter().map(|breaker| breaker.name().strip_prefix(name).unwrap().trim_matches(['[', ']']).to_owned()).collect()
}
fn open_key(name: &str, key: &str) { breakerbox::keyed(name).unwrap().get(key).force_open() }

struct Uuid(u128);
impl Display for Uuid { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{:032x}", self.0) } }
struct Url(String);
impl Url { fn host_str(&self) -> Option<&str> { self.0.split('/').nth(2) } }
/// Both, and not the same.
struct Both;
impl AsRef<str> for Both { fn as_ref(&self) -> &str { "text" } }
impl Display for Both { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("displayed") } }
enum Target { Host(String), Nowhere }
const REGION: &str = "eu";
static SHARDS: [&str; 2] = ["left", "right"];

#[test] fn k01_what_a_key_may_be() {
    #[circuit_breaker(name = "k01a", key = s)] fn a(s: &str) -> R { Ok(s.len() as u8) }
    #[circuit_breaker(name = "k01b", key = s)] fn b(s: String) -> R { let s = s; Ok(s.into_bytes()[0]) }
    #[circuit_breaker(name = "k01c", key = s)] fn c(s: &String) -> R { Ok(s.len() as u8) }
    #[circuit_breaker(name = "k01d", key = s)] fn d(s: Cow<'_, str>) -> R { Ok(s.into_owned().len() as u8) }
    #[circuit_breaker(name = "k01e", key = s)] fn e(s: Arc<str>) -> R { drop(s); Ok(1) }
    #[circuit_breaker(name = "k01f", key = n)] fn f(n: u64) -> R { Ok(n as u8) }
    #[circuit_breaker(name = "k01g", key = id)] fn g(id: Uuid) -> R { let Uuid(n) = id; Ok(n as u8) }
    #[circuit_breaker(name = "k01h", key = ip)] fn h(ip: std::net::IpAddr) -> R { let _ = ip; Ok(1) }
    #[circuit_breaker(name = "k01i", key = url.host_str().unwrap_or("-"))] fn i(url: Url) -> R { drop(url); Ok(1) }
    #[circuit_breaker(name = "k01j", key = format_args!("{region}/{shard}"))] fn j(region: &str, shard: u8) -> R { Ok(shard) }
    #[circuit_breaker(name = "k01k", key = &*s)] fn k(s: Box<str>) -> R { drop(s); Ok(1) }
    #[circuit_breaker(name = "k01l", key = { let (host, _) = s.split_once(':').unwrap_or((s, "")); host })] fn l(s: &str) -> R { Ok(1) }
    #[circuit_breaker(name = "k01m", key = (|n: u8| n % 2)(n))] fn m(n: u8) -> R { Ok(n) }
    #[circuit_breaker(name = "k01n", key = REGION)] fn n() -> R { Ok(1) }
    #[circuit_breaker(name = "k01o", key = both)] fn o(both: Both) -> R { let _owned: Both = both; Ok(1) }
    #[circuit_breaker(name = "k01p", key = match target { Target::Host(host) => host, Target::Nowhere => "-" })] fn p(target: &Target) -> R { Ok(1) }
    #[circuit_breaker(name = "k01q", key = *s)] fn q(s: &&str) -> R { Ok(s.len() as u8) }
    #[circuit_breaker(name = "k01r", key = if n < 10 { "small" } else { "large" })] fn r(n: u8) -> R { Ok(n) }
    #[circuit_breaker(name = "k01s", key = SHARDS[n as usize % 2])] fn s(n: u8) -> R { Ok(n) }
    #[circuit_breaker(name = "k01t", key = n % 16)] fn t(n: u8) -> R { Ok(n) }
    #[circuit_breaker(name = "k01u", key = s.map(|s| s.to_lowercase()).unwrap_or_default())] fn u(s: Option<&str>) -> R { Ok(1) }
    #[circuit_breaker(name = "k01v", key = n as char)] fn v(n: u8) -> R { Ok(n) }
    #[circuit_breaker(name = "k01w", key = shown)] fn w(shown: &dyn Display) -> R { Ok(1) }
    #[circuit_breaker(name = "k01x", key = "always")] fn x() -> R { Ok(1) }
    #[circuit_breaker(name = "k01y", key = ***s)] fn y(s: &Rc<String>) -> R { Ok(1) }
    a("a").unwrap(); b("b".into()).unwrap(); c(&"c".to_owned()).unwrap(); d("d".into()).unwrap(); e("e".into()).unwrap(); f(6).unwrap();
    g(Uuid(7)).unwrap(); h("::1".parse().unwrap()).unwrap(); i(Url("https://api.example.com/x".into())).unwrap(); j("eu", 3).unwrap(); k("k".into()).unwrap(); l("host:80").unwrap();
    m(3).unwrap(); n().unwrap(); o(Both).unwrap(); p(&Target::Host("host".into())).unwrap(); p(&Target::Nowhere).unwrap(); q(&"q").unwrap();
    r(10).unwrap(); s(1).unwrap(); t(17).unwrap(); u(Some("AB")).unwrap(); u(None).unwrap(); v(b'x').unwrap(); w(&5).unwrap(); x().unwrap(); y(&Rc::new("y".into())).unwrap();
    for (name, key) in [
        ("k01a", "a"), ("k01b", "b"), ("k01c", "c"), ("k01d", "d"), ("k01e", "e"), ("k01f", "6"), ("k01g", "00000000000000000000000000000007"), ("k01h", "::1"),
        ("k01i", "api.example.com"), ("k01j", "eu/3"), ("k01k", "k"), ("k01l", "host"), ("k01m", "1"), ("k01n", "eu"), ("k01o", "text"), ("k01q", "q"),
        ("k01r", "large"), ("k01s", "right"), ("k01t", "1"), ("k01v", "x"), ("k01w", "5"), ("k01x", "always"), ("k01y", "y"),
    ] { assert_eq!(keys(name), [key], "{name}"); }
    assert_eq!(keys("k01p"), ["-", "host"]);
    assert_eq!(keys("k01u"), ["", "ab"]);
}
#[test] fn k02_generic_keys() {
    #[circuit_breaker(name = "k02a", key = k)] fn a<K: AsRef<str>>(k: K) -> R { drop(k); Ok(1) }
    #[circuit_breaker(name = "k02b", key = k)] fn b<K: Display>(k: K) -> R { drop(k); Ok(1) }
    #[circuit_breaker(name = "k02c", key = k)] fn c<K: AsRef<str> + Display>(k: &K) -> R { Ok(1) }
    #[circuit_breaker(name = "k02d", key = k)] async fn d(k: impl AsRef<str>) -> R { drop(k); Ok(1) }
    #[circuit_breaker(name = "k02e", key = k)] fn e(k: &(impl Display + ?Sized)) -> R { Ok(1) }
    #[circuit_breaker(name = "k02f", key = N)] fn f<const N: usize>(a: [u8; N]) -> R { Ok(a[0]) }
    #[circuit_breaker(name = "k02g", key = std::any::type_name::<T>())] fn g<T>() -> R { Ok(1) }
    trait Tenant { fn id(&self) -> u32; }
    impl Tenant for u32 { fn id(&self) -> u32 { *self } }
    #[circuit_breaker(name = "k02h", key = tenant.id())] async fn h<T: Tenant>(tenant: T) -> R { Ok(1) }
    a("x").unwrap(); a(String::from("y")).unwrap(); b(1_u8).unwrap(); b("z").unwrap(); c(&Both).unwrap(); block_on(d("d")).unwrap(); e(&9).unwrap(); e("s").unwrap();
    f([1]).unwrap(); f([1, 2]).unwrap(); g::<u8>().unwrap(); block_on(h(7)).unwrap();
    assert_eq!([keys("k02a"), keys("k02b"), keys("k02e"), keys("k02f")], [["x", "y"], ["1", "z"], ["9", "s"], ["1", "2"]], "all instances share the family");
    assert_eq!([keys("k02c"), keys("k02d"), keys("k02g"), keys("k02h")], [["text"], ["d"], ["u8"], ["7"]]);
}
#[test] fn k03_names_that_parameters_bind() {
    struct Point { x: String, y: u8 }
    #[circuit_breaker(name = "k03", key = a)] fn f((a, _b): (String, u8)) -> R { drop(a); Ok(1) }
    #[circuit_breaker(name = "k03", key = x)] fn g(Point { x, y: _ }: Point) -> R { drop(x); Ok(1) }
    #[circuit_breaker(name = "k03", key = a)] fn h((mut a, _): (String, u8)) -> R { a.push('!'); drop(a); Ok(1) }
    #[circuit_breaker(name = "k03", key = s)] fn i(mut s: String) -> R { s.push('!'); drop(s); Ok(1) }
    #[circuit_breaker(name = "k03", key = a, fallback = one)] fn j((a, _b): (String, u8)) -> R { drop(a); Err(MyErr::Boom) }
    fn one(_: (String, u8)) -> R { Ok(2) }
    #[circuit_breaker(name = "k03", key = _s, fallback = string)] fn k(_s: String) -> R { Ok(1) }
    fn string(_: String) -> R { Ok(2) }
    #[circuit_breaker(name = "k03", key = SHARDS[i], fallback = reference)] fn l(&(i, mut j): &(usize, u8)) -> R { j += 1; Ok(j) }
    fn reference(_: &(usize, u8)) -> R { Ok(2) }
    #[circuit_breaker(name = "k03", key = format_args!("{x}{}", SHARDS[y as usize]), fallback = point)] fn m(Point { ref x, y }: Point) -> R { Ok(x.len() as u8 + y) }
    fn point(_: Point) -> R { Ok(2) }
    #[circuit_breaker(name = "k03", key = a, fallback = both, fallback_on = any)] async fn n((a, mut b): (String, Vec<u8>), _c: u8) -> R { b.push(1); drop((a, b)); Err(MyErr::Boom) }
    async fn both(_: (String, Vec<u8>), _: u8) -> R { Ok(2) }
    #[circuit_breaker(name = "k03", key = a, fallback = pair)] fn o((a, b): &(String, u8)) -> R { Ok(a.len() as u8 + b) }
    fn pair(_: &(String, u8)) -> R { Ok(2) }
    #[circuit_breaker(name = "k03", key = r#type)] fn p(r#type: &str) -> R { Ok(1) }
    f(("f".into(), 1)).unwrap(); g(Point { x: "g".into(), y: 1 }).unwrap(); h(("h".into(), 1)).unwrap(); i("i".into()).unwrap(); j(("j".into(), 1)).unwrap_err(); k("k".into()).unwrap();
    l(&(1, 1)).unwrap(); m(Point { x: "m".into(), y: 1 }).unwrap(); assert_eq!(block_on(n(("n".into(), vec![]), 1)).unwrap(), 2); o(&("o".into(), 1)).unwrap(); p("p").unwrap();
    assert_eq!(keys("k03"), ["f", "g", "h", "i", "j", "k", "mright", "n", "o", "p", "right"]);
    for key in ["j", "k", "right", "mright", "n", "o"] { open_key("k03", key) }
    assert_eq!([j(("j".into(), 1)).unwrap(), k("k".into()).unwrap(), l(&(1, 1)).unwrap(), m(Point { x: "m".into(), y: 1 }).unwrap(), block_on(n(("n".into(), vec![]), 1)).unwrap(), o(&("o".into(), 1)).unwrap()], [2; 6]);
}
#[test] fn k04_methods() {
    struct Shard { host: String, n: u8 }
    trait Fetch { #[circuit_breaker(name = "k04", key = self.host())] fn fetch(&self) -> R { Ok(1) } fn host(&self) -> &str; }
    impl Fetch for Shard { fn host(&self) -> &str { &self.host } }
    #[async_trait::async_trait] trait Later { async fn later(&self, path: String) -> R; }
    #[async_trait::async_trait] impl Later for Shard { #[circuit_breaker(name = "k04", key = format_args!("{}{path}", self.host), fallback = self.spare)] async fn later(&self, path: String) -> R { tokio::task::yield_now().await; drop(path); Err(MyErr::Boom) } }
    impl Shard {
        #[circuit_breaker(name = "k04", key = self.host)] fn by_ref(&self) -> R { Ok(self.n) }
        #[circuit_breaker(name = "k04", key = self.host)] fn by_mut(&mut self) -> R { self.host.push('!'); Ok(self.n) }
        #[circuit_breaker(name = "k04", key = self.host)] fn by_value(self) -> R { drop(self.host); Ok(self.n) }
        #[circuit_breaker(name = "k04", key = self.host)] fn by_mut_value(mut self) -> R { self.n += 1; drop(self.host); Ok(self.n) }
        #[circuit_breaker(name = "k04", key = self.host)] fn by_arc(self: Arc<Self>) -> R { drop(self); Ok(1) }
        #[circuit_breaker(name = "k04", key = self.host)] async fn lent(&mut self) -> R { self.n += 1; tokio::task::yield_now().await; Ok(self.n) }
        #[circuit_breaker(name = "k04", key = self.host)] fn boxed(&self) -> Pin<Box<dyn Future<Output = R> + Send + '_>> { Box::pin(async move { Ok(self.n) }) }
        #[circuit_breaker(name = "k04", key = Self::REGION)] fn associated() -> R { Ok(1) }
        #[circuit_breaker(name = "k04", key = self.host, fallback = Self::zero, fallback_on = any)] fn covered(&self, s: String) -> R { drop(s); Err(MyErr::Boom) }
        const REGION: &'static str = "region";
        fn zero(&self, _: String) -> R { Ok(0) }
        async fn spare(&self, path: String) -> R { drop(path); Ok(0) }
    }
    let shard = |host: &str| Shard { host: host.into(), n: 1 };
    shard("a").fetch().unwrap(); shard("b").by_ref().unwrap(); shard("c").by_mut().unwrap(); shard("d").by_value().unwrap(); shard("e").by_mut_value().unwrap(); Arc::new(shard("f")).by_arc().unwrap();
    block_on(shard("g").lent()).unwrap(); block_on(shard("h").boxed()).unwrap(); Shard::associated().unwrap(); assert_eq!(shard("i").covered(String::new()).unwrap(), 0);
    block_on(async { Later::later(&shard("j"), "/p".into()).await.unwrap_err() });
    open_key("k04", "j/q");
    block_on(async { assert_eq!(assert_send(Later::later(&shard("j"), "/q".into())).await.unwrap(), 0) });
    assert_eq!(keys("k04"), ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j/p", "j/q", "region"]);
}
#[test] fn k05_futures_of_every_shape() {
    type Aliased<'a> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;
    #[circuit_breaker(name = "k05", key = s)] async fn a(s: String) -> R { tokio::task::yield_now().await; drop(s); Ok(1) }
    #[circuit_breaker(name = "k05", key = s)] fn b(s: String) -> impl Future<Output = R> + Send { async move { drop(s); Ok(1) } }
    #[circuit_breaker(name = "k05", key = s)] fn c(s: &str) -> impl Future<Output = R> + Send + use<> { async { Ok(1) } }
    #[circuit_breaker(name = "k05", key = s)] fn d(s: &str) -> impl Future<Output = R> + Send + 'static + use<> { std::future::ready(Ok(1)) }
    #[circuit_breaker(name = "k05", key = s)] fn e(s: String) -> Pin<Box<dyn Future<Output = R> + Send + Sync>> { Box::pin(async move { drop(s); Ok(1) }) }
    #[circuit_breaker(name = "k05", key = s)] fn f(s: String) -> Pin<Box<dyn Future<Output = R> + Send>> { if s.is_empty() { return Box::pin(std::future::ready(Ok(0))) } Box::pin(std::future::ready(Ok(1))) }
    #[circuit_breaker(name = "k05", key = s)] fn g(s: &str) -> futures_util::future::BoxFuture<'_, R> { use futures_util::FutureExt as _; async move { Ok(s.len() as u8) }.boxed() }
    #[circuit_breaker(name = "k05", key = s, returns = future)] fn h(s: &str) -> Aliased<'_> { Box::pin(async move { Ok(s.len() as u8) }) }
    #[circuit_breaker(name = "k05", key = s)] fn i(s: &str) -> Box<dyn Future<Output = R> + Unpin + '_> { Box::new(std::future::ready(Ok(s.len() as u8))) }
    #[circuit_breaker(name = "k05", key = s, timeout = 60)] async fn j(s: &str) -> R { Ok(s.len() as u8) }
    #[circuit_breaker(name = "k05", key = s, timeout = 60, fallback = |_| Ok(2))] fn k(s: &str) -> impl Future<Output = R> + Send + '_ { async move { Ok(s.len() as u8) } }
    #[circuit_breaker(name = "k05", key = s, fallback = |_| async { Ok(2) }, fallback_on = any)] fn l(s: &str) -> impl Future<Output = R> + Send { std::future::ready(Ok(s.len() as u8)) }
    #[circuit_breaker(name = "k05", key = s)] async fn m(s: Rc<str>) -> R { tokio::task::yield_now().await; drop(s); Ok(1) }
    #[circuit_breaker(name = "k05", key = s)] #[tracing::instrument] async fn n(s: &str) -> R { Ok(s.len() as u8) }
    #[tracing::instrument] #[circuit_breaker(name = "k05", key = s)] async fn o(s: &str) -> R { Ok(s.len() as u8) }
    block_on(async {
        assert_send(a("a".into())).await.unwrap(); assert_send(b("b".into())).await.unwrap(); tokio_spawnable(c("c")).await.unwrap(); tokio_spawnable(d("d")).await.unwrap(); e("e".into()).await.unwrap(); f("f".into()).await.unwrap();
        g("g").await.unwrap(); h("h").await.unwrap(); i("i").await.unwrap(); assert_send(j("j")).await.unwrap(); assert_send(k("k")).await.unwrap(); assert_send(l("l")).await.unwrap(); m("m".into()).await.unwrap(); n("n").await.unwrap(); o("o").await.unwrap();
    });
    assert_eq!(keys("k05"), ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o"]);
    for key in keys("k05") { open_key("k05", &key) }
    block_on(async {
        assert!(matches!(a("a".into()).await, Err(MyErr::Open(_)))); assert!(matches!(b("b".into()).await, Err(MyErr::Open(_)))); assert!(matches!(c("c").await, Err(MyErr::Open(_)))); assert!(matches!(d("d").await, Err(MyErr::Open(_))));
        assert!(matches!(e("e".into()).await, Err(MyErr::Open(_)))); assert!(matches!(f("f".into()).await, Err(MyErr::Open(_)))); assert!(matches!(g("g").await, Err(MyErr::Open(_)))); assert!(matches!(h("h").await, Err(MyErr::Open(_))));
        assert!(matches!(i("i").await, Err(MyErr::Open(_)))); assert!(matches!(j("j").await, Err(MyErr::Open(_)))); assert_eq!(k("k").await.unwrap() + l("l").await.unwrap(), 4);
    });
}
#[test] fn k06_beside_every_other_argument() {
    #[circuit_breaker(name = "k06", key = s, fallback = spare)] fn a(s: String) -> R { drop(s); Ok(1) }
    fn spare(s: String, _: CircuitBreakerError) -> R { drop(s); Ok(2) }
    #[circuit_breaker(name = "k06", key = s, fallback = [|_| Err(MyErr::Boom), |_| Ok(s.len() as u8)], fallback_on = any)] fn b(s: String) -> R { drop(s); Err(MyErr::Boom) }
    #[circuit_breaker(name = "k06", key = s, on_open = |open| open.name().to_owned())] fn c(s: &str) -> Result<u8, String> { Ok(1) }
    #[circuit_breaker(name = "k06", key = s, failure_if = |n| *n > 5, fallback = || 0)] fn d(s: &str) -> u8 { s.len() as u8 }
    #[circuit_breaker(name = "k06", key = s, ignore_if = |error| matches!(error, MyErr::Boom))] fn e(s: &str) -> R { Err(MyErr::Boom) }
    #[circuit_breaker(name = "k06", key = s)] fn f(s: &str) -> Option<u8> { Some(1) }
    #[circuit_breaker(name = "k06", key = s, crate = breaker_alias)] fn g(s: &str) -> R { Ok(1) }
    #[circuit_breaker(name = "k06", key = s, max_keys = 5 * 4, failure_threshold = 2, preset = conservative)] fn h(s: &str) -> R { Ok(1) }
    const MOST: u32 = 20;
    #[circuit_breaker(name = "k06", key = s, max_keys = MOST)] fn i(s: &str) -> R { Ok(1) }
    #[circuit_breaker(name = "k06", key = s, fallback = || Ok(0))] fn j(#[cfg(any())] gone: Nonexistent, #[cfg(all())] s: &str) -> R { Ok(1) }
    #[circuit_breaker(name = "k06", key = a, fallback = || Ok(0))] #[cfg_attr(all(), inline)] fn k(#[cfg(all())] (a, mut b): (String, Vec<u8>)) -> R { b.push(1); drop(a); Ok(1) }
    a("a".into()).unwrap(); assert_eq!(b("b".into()).unwrap(), 1); c("c").unwrap(); d("d"); e("e").unwrap_err(); f("f").unwrap(); g("g").unwrap(); h("h").unwrap(); i("i").unwrap(); j("j").unwrap(); k(("k".into(), vec![])).unwrap();
    let family = breakerbox::keyed("k06").unwrap();
    assert_eq!((family.len(), family.max_keys(), family.get("e").status().totals.ignored), (11, 20, 1));
    assert!(family.conflicts().is_empty());
    for breaker in family.breakers() { breaker.force_open() }
    assert_eq!((a("a".into()).unwrap(), b("b".into()).unwrap(), c("c").unwrap_err().as_str(), d("d"), f("f"), j("j").unwrap()), (2, 1, "k06[c]", 0, None, 0));
    assert_eq!(a("other".into()).unwrap(), 1, "another key has its own");
}
#[test] fn k07_lints_of_the_user_hold() {
    mod strict {
        #![deny(warnings, clippy::all, clippy::pedantic, unused, unreachable_code, unused_qualifications, trivial_casts)]
        #![forbid(unsafe_code)]
        use super::{MyErr, circuit_breaker};
        use std::future::Future;
        #[circuit_breaker(name = "k07", key = host)] pub(super) fn a(host: &str, (b, _): (u8, u8)) -> Result<u8, MyErr> { Ok(b) }
        #[circuit_breaker(name = "k07", key = host, fallback = fallback)] pub(super) fn b((host, mut v): (String, Vec<u8>), _unused: u8) -> Result<u8, MyErr> { v.push(1); drop(host); Ok(v[0]) }
        #[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)] // as the function has them
        fn fallback(_: (String, Vec<u8>), _: u8) -> Result<u8, MyErr> { Ok(2) }
        #[circuit_breaker(name = "k07", key = (n % 16))] pub(super) async fn c(n: u8) -> Result<u8, MyErr> { Ok(n) }
        #[circuit_breaker(name = "k07", key = only_in_the_key)] pub(super) fn d(only_in_the_key: u8) -> impl Future<Output = Result<u8, MyErr>> + Send { async { Ok(1) } }
        #[circuit_breaker(name = "k07", key = { n }, timeout = 1)] pub(super) async fn e(n: u8) -> Result<u8, MyErr> { Ok(n) }
    }
    strict::a("a", (1, 2)).unwrap(); strict::b(("b".into(), vec![]), 1).unwrap();
    block_on(async { strict::c(33).await.unwrap(); strict::d(2).await.unwrap(); strict::e(3).await.unwrap(); });
    assert_eq!(keys("k07"), ["1", "2", "3", "a", "b"]);
}
mod bare {
    #![no_implicit_prelude]
    #[::breakerbox::circuit_breaker(name = "k08", key = host)] pub fn a(host: &::core::primitive::str) -> ::core::result::Result<(), super::MyErr> { ::core::result::Result::Ok(()) }
    #[::breakerbox::circuit_breaker(name = "k08", key = host, timeout = 1)] pub async fn b(host: ::core::primitive::u8) -> ::core::result::Result<(), super::MyErr> { ::core::result::Result::Ok(()) }
}
#[test] fn k08_without_a_prelude() {
    bare::a("a").unwrap(); block_on(bare::b(1)).unwrap();
    assert_eq!(keys("k08"), ["1", "a"]);
}
macro_rules! fetcher { ($name:ident, $key:expr, $arg:ident) => { #[circuit_breaker(name = "k09", key = $key)] fn $name($arg: &str) -> R { Ok(1) } } }
#[test] fn k09_from_a_macro() {
    fetcher!(a, host, host); fetcher!(b, host.trim_start_matches("www."), host);
    a("a").unwrap(); b("www.b").unwrap();
    assert_eq!(keys("k09"), ["a", "b"]);
}
#[test] fn k10_the_names_of_generated_code_are_its_own() {
    #[circuit_breaker(name = "k10", key = __breakerbox_held)] fn a(__breakerbox_held: &str) -> R { Ok(1) }
    #[circuit_breaker(name = "k10", key = __breakerbox_key)] async fn b(__breakerbox_key: &str) -> R { Ok(1) }
    #[circuit_breaker(name = "k10", key = { fn held(s: &str) -> &str { s } struct Text; let _ = Text; held(s) })] fn c(s: &str) -> R { Ok(1) }
    a("a").unwrap(); block_on(b("b")).unwrap(); c("c").unwrap();
    assert_eq!(keys("k10"), ["a", "b", "c"]);
}
#[test] fn k11_a_future_grows_by_its_breaker_alone() {
    mod plain { use super::*; pub async fn small(a: u8, b: &str) -> R { tokio::task::yield_now().await; Ok(a + b.len() as u8) } pub async fn large(a: [u8; 1024], b: &str) -> R { tokio::task::yield_now().await; Ok(a[0] + b.len() as u8) } }
    mod keyed { use super::*; #[circuit_breaker(name = "k11", key = b)] pub async fn small(a: u8, b: &str) -> R { tokio::task::yield_now().await; Ok(a + b.len() as u8) } #[circuit_breaker(name = "k11", key = b)] pub async fn large(a: [u8; 1024], b: &str) -> R { tokio::task::yield_now().await; Ok(a[0] + b.len() as u8) } }
    let grown = [size_of_val(&keyed::small(1, "")) - size_of_val(&plain::small(1, "")), size_of_val(&keyed::large([0; 1024], "")) - size_of_val(&plain::large([0; 1024], ""))];
    println!("by {grown:?} bytes");
    assert!(grown.iter().all(|bytes| *bytes <= 72), "by {grown:?} bytes");
}
#[test] fn k12_numbers_without_a_type() {
    #[circuit_breaker(name = "k12", key = if a { 1 } else { 2 })] fn f(a: bool) -> R { Ok(1) }
    f(true).unwrap(); f(false).unwrap();
    assert_eq!(keys("k12"), ["1", "2"]);
}
