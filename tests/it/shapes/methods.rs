//! Methods of the sample, sync and async.
use super::*;

// ───────────────────────────── sync, methods ─────────────────────────────
impl Client {
    #[circuit_breaker(name = "m01", failure_threshold = 5, recovery_timeout = 30)] fn by_ref(&self, x: u8) -> Result<u8, MyErr> { Ok(self.n + x) }
    #[circuit_breaker(name = "m02", failure_threshold = 5, recovery_timeout = 30)] fn by_mut(&mut self, x: u8) -> Result<&mut Self, MyErr> { self.log.push(x); Ok(self) }
    #[circuit_breaker(name = "m03", failure_threshold = 5, recovery_timeout = 30)] fn by_value(self) -> Result<Vec<u8>, MyErr> { Ok(self.log) }
    #[circuit_breaker(name = "m04", failure_threshold = 5, recovery_timeout = 30)] fn by_mut_value(mut self) -> Result<Self, MyErr> { self.n += 1; Ok(self) }
    #[circuit_breaker(name = "m05", failure_threshold = 5, recovery_timeout = 30)] fn by_arc(self: Arc<Self>) -> Result<u8, MyErr> { Ok(self.n) }
    #[circuit_breaker(name = "m06", failure_threshold = 5, recovery_timeout = 30)] fn by_box(self: Box<Self>) -> Result<u8, MyErr> { Ok(self.n) }
    #[circuit_breaker(name = "m07", failure_threshold = 5, recovery_timeout = 30)] fn by_pin(self: Pin<&mut Self>) -> Result<u8, MyErr> { Ok(self.n) }
    #[circuit_breaker(name = "m08", failure_threshold = 5, recovery_timeout = 30)] fn by_ref_rc(self: &Rc<Self>) -> Result<u8, MyErr> { Ok(self.n) }
    #[circuit_breaker(name = "m09", failure_threshold = 5, recovery_timeout = 30)] fn new(n: u8) -> Result<Self, MyErr> { Ok(Self { n, log: vec![] }) }
    #[circuit_breaker(name = "m10", failure_threshold = 5, recovery_timeout = 30)] fn borrow<'a>(&'a self, k: &str) -> Result<&'a [u8], MyErr> { if k.is_empty() { return Err(MyErr::Boom) } Ok(&self.log) }
    #[circuit_breaker(name = "m11", failure_threshold = 5, recovery_timeout = 30)] async fn a_ref(&self, x: u8) -> Result<u8, MyErr> { tokio::task::yield_now().await; Ok(self.n + x) }
    #[circuit_breaker(name = "m12", failure_threshold = 5, recovery_timeout = 30)] async fn a_mut(&mut self, x: u8) -> Result<&mut Vec<u8>, MyErr> { self.log.push(x); tokio::task::yield_now().await; Ok(&mut self.log) }
    #[circuit_breaker(name = "m13", failure_threshold = 5, recovery_timeout = 30)] async fn a_val(mut self) -> Result<Self, MyErr> { self.n += 1; Ok(self) }
    #[circuit_breaker(name = "m14", failure_threshold = 5, recovery_timeout = 30)] async fn a_arc(self: Arc<Self>, _k: String) -> Result<u8, MyErr> { Ok(self.n) }
}
#[test] fn m02_mut_self_returns_self() { assert_eq!(Client::new(1).unwrap().by_mut(1).unwrap().by_mut(2).unwrap().log.len(), 2) } // [basic]
#[test] fn m05_arc_self() { assert_eq!(Arc::new(Client::new(1).unwrap()).by_arc().unwrap(), 1) } // [basic]
#[test] fn m06_box_self() { assert_eq!(Box::new(Client::new(1).unwrap()).by_box().unwrap(), 1) } // [basic]
#[test] fn m07_pin_self() { assert_eq!(Pin::new(&mut Client::new(1).unwrap()).by_pin().unwrap(), 1) } // [basic]
#[test] fn m08_ref_rc_self() { assert_eq!(Rc::new(Client::new(1).unwrap()).by_ref_rc().unwrap(), 1) } // [basic] arbitrary receiver
#[test] fn m12_async_mut_self_returns_borrow() { let mut c = Client::new(1).unwrap(); assert_eq!(block_on(assert_send(c.a_mut(1))).unwrap().len(), 1) } // [basic]
#[test] fn m13_async_self_by_value() { assert_eq!(block_on(Client::new(1).unwrap().a_val()).unwrap().n, 2) } // [basic]

struct Gen<T, const N: usize>([T; N]);
impl<T: Clone + Send + Sync + 'static, const N: usize> Gen<T, N> where T: Debug {
    #[circuit_breaker(name = "m15", failure_threshold = 5, recovery_timeout = 30)] fn get(&self, i: usize) -> Result<T, MyErr> { self.0.get(i).cloned().ok_or(MyErr::Boom) }
    #[circuit_breaker(name = "m16", failure_threshold = 5, recovery_timeout = 30)] async fn map<U, F>(&self, f: F) -> Result<Vec<U>, MyErr> where F: Fn(&T) -> U + Send, U: Send { let mut v = vec![]; for x in &self.0 { v.push(f(x)); } Ok(v) }
}
#[test] fn m15_generic_impl() { assert_eq!(Gen([1, 2]).get(1).unwrap(), 2); assert_eq!(Gen(["a"]).get(0).unwrap(), "a") } // [basic] one static for all instantiations
#[test] fn m16_generic_method_in_generic_impl_async() { assert_eq!(block_on(Gen([1, 2]).map(|x| x + 1)).unwrap(), [2, 3]) } // [basic]

trait Api { type Item; fn fetch(&self, id: u8) -> Result<Self::Item, MyErr>;
    #[circuit_breaker(name = "t01", failure_threshold = 5, recovery_timeout = 30)] fn twice(&self, id: u8) -> Result<(Self::Item, Self::Item), MyErr> { Ok((self.fetch(id)?, self.fetch(id)?)) }
    #[circuit_breaker(name = "t02", failure_threshold = 5, recovery_timeout = 30)] fn make() -> Result<Self, MyErr> where Self: Sized + Default { Ok(Self::default()) } }
impl Api for Impl1 { type Item = u8; #[circuit_breaker(name = "t03", failure_threshold = 5, recovery_timeout = 30)] fn fetch(&self, id: u8) -> Result<Self::Item, MyErr> { Ok(id) } }
impl<T: Clone> Api for Impl2<T> { type Item = T; #[circuit_breaker(name = "t04", failure_threshold = 5, recovery_timeout = 30)] fn fetch(&self, _: u8) -> Result<T, MyErr> { Ok(self.0.clone()) } }
#[test] fn t02_trait_associated_function_where_self_sized() { assert!(Impl1::make().is_ok()) } // [basic]
#[test] fn t04_generic_trait_impl_and_dyn() { let b: Box<dyn Api<Item = &str>> = Box::new(Impl2("x")); assert_eq!(b.fetch(0).unwrap(), "x") } // [basic] still dyn compatible
trait Native { async fn get(&self, k: &str) -> Result<String, MyErr>; fn sendy(&self) -> impl Future<Output = Result<u8, MyErr>> + Send; }
impl Native for Impl1 {
    #[circuit_breaker(name = "t05", failure_threshold = 5, recovery_timeout = 30)] async fn get(&self, k: &str) -> Result<String, MyErr> { Ok(k.into()) }
    #[circuit_breaker(name = "t06", failure_threshold = 5, recovery_timeout = 30)] async fn sendy(&self) -> Result<u8, MyErr> { Ok(1) } }
#[test] fn t06_async_fn_for_an_rpitit_send_method() { assert_eq!(block_on(assert_send(Impl1.sendy())).unwrap(), 1) } // [basic] Send must survive
#[async_trait::async_trait] trait Dynamic: Send + Sync { async fn get(&self, k: &str, v: Vec<u8>) -> Result<String, MyErr>; async fn opt(&self) -> Option<u8>;
    #[circuit_breaker(name = "t08", failure_threshold = 5, recovery_timeout = 30)] async fn def(&self, (a, b): (u8, u8)) -> Result<u8, MyErr> { self.opt().await.map(|x| x + a + b).ok_or(MyErr::Boom) } }
#[async_trait::async_trait] impl Dynamic for Impl1 {
    #[circuit_breaker(name = "t07", failure_threshold = 1, recovery_timeout = 30)] async fn get(&self, k: &str, mut v: Vec<u8>) -> Result<String, MyErr> { v.push(1); if k.is_empty() { return Err(MyErr::Boom) } tokio::task::yield_now().await; Ok(format!("{k}{}", v.len())) }
    #[circuit_breaker(name = "t09", failure_threshold = 5, recovery_timeout = 30)] async fn opt(&self) -> Option<u8> { Some(1) } }
#[test] fn t07_async_trait_impl() { let d: Box<dyn Dynamic> = Box::new(Impl1); assert_eq!(block_on(d.get("a", vec![])).unwrap(), "a1"); assert!(!is_open("t07")); assert!(block_on(d.get("", vec![])).is_err()); assert!(is_open("t07")); assert!(matches!(block_on(d.get("a", vec![])), Err(MyErr::Open(_)))) } // [+async-trait output]
#[test] fn t08_async_trait_default_method() { let d: Box<dyn Dynamic> = Box::new(Impl1); assert_eq!(block_on(d.def((1, 2))).unwrap(), 4) } // [+async-trait output]
#[async_trait::async_trait(?Send)] trait Local { async fn get(&self) -> Result<Rc<u8>, MyErr>; }
#[async_trait::async_trait(?Send)] impl Local for Impl1 { #[circuit_breaker(name = "t10", failure_threshold = 5, recovery_timeout = 30)] async fn get(&self) -> Result<Rc<u8>, MyErr> { let r = Rc::new(1); tokio::task::yield_now().await; Ok(r) } }
#[test] fn t10_async_trait_not_send() { assert_eq!(*block_on(Impl1.get_local()).unwrap(), 1) } // [+async-trait output]
impl Impl1 { async fn get_local(&self) -> Result<Rc<u8>, MyErr> { Local::get(self).await } }
