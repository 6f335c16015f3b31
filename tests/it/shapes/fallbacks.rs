//! Fallbacks and registration of the sample.
use super::*;

// ───────────────────────────── fallbacks ─────────────────────────────
#[test] fn f01_free_function_same_arguments() { // [basic]
    fn fb(a: u8, b: String) -> Result<String, MyErr> { Ok(format!("fb{a}{b}")) }
    #[circuit_breaker(name = "f01", failure_threshold = 5, recovery_timeout = 30, fallback = fb)]
    fn f(a: u8, b: String) -> Result<String, MyErr> { Ok(format!("{a}{b}")) }
    assert_eq!(f(1, "x".into()).unwrap(), "1x"); open("f01"); assert_eq!(f(1, "x".into()).unwrap(), "fb1x");
}
#[test] fn f02_error_as_last_argument() { // [+arity dispatch]
    fn fb(a: u8, o: CircuitBreakerError) -> Result<String, MyErr> { Ok(format!("{a}{}", o.name())) }
    #[circuit_breaker(name = "f02", failure_threshold = 5, recovery_timeout = 30, fallback = fb)]
    fn f(a: u8) -> Result<String, MyErr> { Ok(a.to_string()) }
    open("f02"); assert_eq!(f(1).unwrap(), "1f02");
}
impl Repo {
    #[circuit_breaker(name = "f05", failure_threshold = 5, recovery_timeout = 30, fallback = Self::cached)] async fn get(&self, k: &str) -> Result<u8, MyErr> { Ok(k.len() as u8) }
    async fn cached(&self, _k: &str) -> Result<u8, MyErr> { Ok(self.cached) }
    #[circuit_breaker(name = "f06", failure_threshold = 5, recovery_timeout = 30, fallback = self.cached_sync)] fn get2(&self, k: &str) -> Result<u8, MyErr> { Ok(k.len() as u8) }
    fn cached_sync(&self, _k: &str) -> Result<u8, MyErr> { Ok(self.cached) }
    #[circuit_breaker(name = "f07", failure_threshold = 5, recovery_timeout = 30, fallback = Self::mutated)] fn get3(&mut self, v: &mut Vec<u8>) -> Result<usize, MyErr> { v.push(1); Ok(v.len()) }
    fn mutated(&mut self, v: &mut Vec<u8>, _: CircuitBreakerError) -> Result<usize, MyErr> { self.cached = 0; v.clear(); Ok(0) }
    #[circuit_breaker(name = "f08", failure_threshold = 5, recovery_timeout = 30, fallback = Self::owned)] async fn get4(self: Arc<Self>, v: Vec<u8>) -> Result<usize, MyErr> { Ok(v.len()) }
    async fn owned(self: Arc<Self>, _v: Vec<u8>, _o: CircuitBreakerError) -> Result<usize, MyErr> { Ok(self.cached as usize) }
    #[circuit_breaker(name = "f09", failure_threshold = 5, recovery_timeout = 30, fallback = Self::lent)] fn lend<'a>(&'a self, k: &'a str) -> Result<&'a str, MyErr> { Ok(k) }
    fn lent<'a>(&'a self, _k: &'a str) -> Result<&'a str, MyErr> { Ok("lent") }
}
#[test] fn f05_method_async_fallback() { open("f05"); assert_eq!(block_on(Repo { cached: 9 }.get("a")).unwrap(), 9) } // [basic]
#[test] fn f06_method_self_dot_syntax() { open("f06"); assert_eq!(Repo { cached: 9 }.get2("a").unwrap(), 9) } // [+self.method]
#[test] fn f07_mut_self_and_mut_args_with_error() { open("f07"); let mut r = Repo { cached: 9 }; assert_eq!(r.get3(&mut vec![1]).unwrap(), 0); assert_eq!(r.cached, 0) } // [+arity dispatch]
#[test] fn f08_arc_self_owned_args() { open("f08"); assert_eq!(block_on(tokio_spawnable(Arc::new(Repo { cached: 9 }).get4(vec![]))).unwrap(), 9) } // [+arity dispatch]
#[test] fn f10_closure_with_parameters_in_scope() { // [+closure]
    #[circuit_breaker(name = "f10", failure_threshold = 5, recovery_timeout = 30, fallback = |o| Ok(format!("{id} {}", o.name())))]
    fn f(id: String) -> Result<String, MyErr> { Ok(id) }
    #[circuit_breaker(name = "f10b", failure_threshold = 5, recovery_timeout = 30, fallback = |_| async move { tokio::task::yield_now().await; Ok(id.len()) })]
    async fn g(id: String) -> Result<usize, MyErr> { Ok(id.len()) }
    #[circuit_breaker(name = "f10c", failure_threshold = 5, recovery_timeout = 30, fallback = || Ok(vec![]))]
    fn h() -> Result<Vec<u8>, MyErr> { Ok(vec![1]) }
    for n in ["f10", "f10b", "f10c"] { open(n) }
    assert_eq!(f("a".into()).unwrap(), "a f10"); assert_eq!(block_on(g("ab".into())).unwrap(), 2); assert!(h().unwrap().is_empty());
}
#[test] fn f13_after_a_failure_too() { // [+fallback_on = any] owned args cloned, shared refs copied, &mut reborrowed
    fn fb(_: &str, s: String, v: &mut Vec<u8>) -> Result<usize, MyErr> { v.push(0); Ok(s.len()) }
    #[circuit_breaker(name = "f13", failure_threshold = 5, recovery_timeout = 30, fallback = fb, fallback_on = any)]
    fn f(k: &str, s: String, v: &mut Vec<u8>) -> Result<usize, MyErr> { v.push(1); drop(s); if k.is_empty() { return Err(MyErr::Boom) } Ok(0) }
    let mut v = vec![]; assert_eq!(f("", "ab".into(), &mut v).unwrap(), 2); assert_eq!(v, [1, 0]);
}
#[test] fn f16_generic_function_generic_fallback() { // [basic]
    fn fb<T: Default, U: ?Sized>(_: &U, t: T) -> Result<T, MyErr> { let _ = t; Ok(T::default()) }
    #[circuit_breaker(name = "f16", failure_threshold = 5, recovery_timeout = 30, fallback = fb)]
    fn f<T: Default, U: ?Sized>(_u: &U, t: T) -> Result<T, MyErr> { Ok(t) }
    open("f16"); assert_eq!(f("", 5).unwrap(), 0);
}
#[test] fn f17_async_trait_method_with_fallback() { // [+async-trait output]
    #[async_trait::async_trait] trait Tr { async fn get(&self, k: &str, v: Vec<u8>) -> Result<usize, MyErr>; }
    #[async_trait::async_trait] impl Tr for Repo { #[circuit_breaker(name = "f17", failure_threshold = 5, recovery_timeout = 30, fallback = Self::cached3)] async fn get(&self, k: &str, v: Vec<u8>) -> Result<usize, MyErr> { Ok(k.len() + v.len()) } }
    impl Repo { async fn cached3(&self, _k: &str, v: Vec<u8>) -> Result<usize, MyErr> { Ok(v.len() + self.cached as usize) } }
    let r: &dyn Tr = &Repo { cached: 9 }; assert_eq!(block_on(r.get("a", vec![1])).unwrap(), 2); open("f17"); assert_eq!(block_on(r.get("a", vec![1])).unwrap(), 10);
}
#[test] fn f19_ignored_errors() { // [+ignore_if]
    #[circuit_breaker(name = "f19", failure_threshold = 1, recovery_timeout = 30, ignore_if = |e| matches!(e, MyErr::Parse(_)))]
    fn f(s: &str) -> Result<u8, MyErr> { if s.is_empty() { return Err(MyErr::Boom) } Ok(s.parse()?) }
    assert!(f("x").is_err()); assert!(!is_open("f19")); assert!(f("").is_err()); assert!(is_open("f19"));
}
#[test] fn f20_fallback_inside_a_generic_trait_impl() { // [basic]
    impl<T: Clone> TrG<T> for Impl2<T> { #[circuit_breaker(name = "f20", failure_threshold = 5, recovery_timeout = 30, fallback = TrG::other)] fn get(&self, t: T) -> Result<T, MyErr> { Ok(t) } fn other(&self, t: T) -> Result<T, MyErr> { let _ = t; Ok(self.0.clone()) } }
    trait TrG<T> { fn get(&self, t: T) -> Result<T, MyErr>; fn other(&self, t: T) -> Result<T, MyErr>; }
    open("f20"); assert_eq!(Impl2(1).get(2).unwrap(), 1);
}

// ───────────────────────────── registration ─────────────────────────────
mod never_called { use super::*;
    #[circuit_breaker(name = "g01", failure_threshold = 5, recovery_timeout = 30)] fn private_dead() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "g02", failure_threshold = 5, recovery_timeout = 30)] fn generic<T>(t: T) -> Result<T, MyErr> { Ok(t) }
    struct S<T>(T); impl<T: Clone> S<T> { #[circuit_breaker(name = "g03", failure_threshold = 5, recovery_timeout = 30)] async fn m(&self) -> Result<T, MyErr> { Ok(self.0.clone()) } }
    trait Tr { #[circuit_breaker(name = "g04", failure_threshold = 5, recovery_timeout = 30)] fn d(&self) -> Result<u8, MyErr> { Ok(1) } }
}
#[test] fn g01_registered_without_ever_being_called() { for n in ["g01", "g02", "g03", "g04"] { assert!(breakerbox::breaker(n).is_some(), "{n}") } } // [basic]
#[test] fn g02_source_location() { // [basic] `line!()` in the expansion is the attribute's line, the outermost macro's in a macro_rules
    const LINE: u32 = line!() + 1;
    #[circuit_breaker(name = "g05", failure_threshold = 5, recovery_timeout = 30)]
    #[allow(unused)]
    fn f() -> Result<u8, MyErr> { Ok(1) }
    let _ = f(); let m = breakerbox::breaker("g05").unwrap().locations()[0]; assert!(m.file.ends_with(".rs")); assert_eq!(m.line, LINE); assert_eq!(m.module, module_path!());
}
