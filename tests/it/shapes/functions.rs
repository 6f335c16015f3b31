//! Sync free functions of the sample.
use super::*;

// ───────────────────────────── sync, free functions ─────────────────────────────

#[test] fn s01_unit_ok_no_args() { // [basic]
    #[circuit_breaker(name = "s01", failure_threshold = 5, recovery_timeout = 30)]
    fn f() -> Result<(), MyErr> { Ok(()) }
    assert!(f().is_ok());
}
#[test] fn s02_by_value_args() { // [basic]
    #[circuit_breaker(name = "s02", failure_threshold = 2, recovery_timeout = 30)]
    fn f(a: u32, b: String) -> Result<String, MyErr> { if a == 0 { return Err(MyErr::Boom) } Ok(format!("{a}{b}")) }
    assert_eq!(f(1, "x".into()).unwrap(), "1x");
    assert!(matches!(f(0, "".into()), Err(MyErr::Boom))); assert!(matches!(f(0, "".into()), Err(MyErr::Boom)));
    assert!(is_open("s02")); assert!(matches!(f(1, "".into()), Err(MyErr::Open(_))));
}
#[test] fn s03_all_defaults_empty_attribute() { // [basic] no parentheses at all
    #[circuit_breaker]
    fn f() -> Result<u8, MyErr> { Ok(1) }
    assert_eq!(f().unwrap(), 1);
}
#[test] fn s04_empty_parentheses_and_trailing_comma() { // [basic]
    #[circuit_breaker()]
    fn f() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "s04", failure_threshold = 3,)]
    fn g() -> Result<u8, MyErr> { Ok(1) }
    assert_eq!(f().unwrap() + g().unwrap(), 2);
}
#[test] fn s06_tail_expression_needs_the_return_type_for_inference() { // [basic] collect(), parse(), into(), Default
    #[circuit_breaker(name = "s06", failure_threshold = 5, recovery_timeout = 30)]
    fn f(v: &[&str]) -> Result<Vec<i64>, MyErr> { Ok(v.iter().map(|s| s.parse::<i64>()).collect::<Result<_, _>>()?) }
    #[circuit_breaker(name = "s06b", failure_threshold = 5, recovery_timeout = 30)]
    fn g(v: Vec<(u8, u8)>) -> Result<HashMap<u8, u8>, MyErr> { Ok(v.into_iter().collect()) }
    #[circuit_breaker(name = "s06c", failure_threshold = 5, recovery_timeout = 30)]
    fn h() -> Result<Box<dyn Display>, Box<dyn std::error::Error + Send + Sync>> { if false { Err("text")?; } Ok(Box::new(1)) }
    assert_eq!(f(&["1"]).unwrap(), [1]); assert_eq!(g(vec![(1, 2)]).unwrap()[&1], 2); assert_eq!(h().unwrap().to_string(), "1");
}
#[test] fn s09_anyhow_result_alias_and_bail() { // [basic]
    #[circuit_breaker(name = "s09", failure_threshold = 1, recovery_timeout = 30)]
    fn f(n: u32) -> anyhow::Result<u32> { anyhow::ensure!(n > 0, "zero"); if n > 9 { anyhow::bail!("big") } Ok(n) }
    assert!(f(0).is_err()); assert!(f(1).unwrap_err().downcast_ref::<CircuitBreakerError>().is_some());
}
#[test] fn s10_io_result_alias() { // [basic] `impl From<CircuitBreakerError> for io::Error` in the runtime crate
    #[circuit_breaker(name = "s10", failure_threshold = 1, recovery_timeout = 30)]
    fn f() -> std::io::Result<String> { Err(std::io::ErrorKind::TimedOut.into()) }
    assert!(f().is_err()); assert!(f().unwrap_err().get_ref().unwrap().is::<CircuitBreakerError>());
}
#[test] fn s15_plain_value_with_classifier_and_fallback() { // [+failure_if]
    #[circuit_breaker(name = "s15", failure_threshold = 1, recovery_timeout = 30, failure_if = |status| *status >= 500, fallback = || 503)]
    fn f(s: u16) -> u16 { s }
    assert_eq!(f(200), 200); assert_eq!(f(500), 500); assert_eq!(f(200), 503);
}
#[test] fn s17_mut_argument() { // [basic]
    #[circuit_breaker(name = "s17", failure_threshold = 5, recovery_timeout = 30)]
    fn f(mut v: Vec<u8>, mut n: u8) -> Result<Vec<u8>, MyErr> { while n > 0 { v.push(n); n -= 1; } Ok(v) }
    assert_eq!(f(vec![], 2).unwrap(), [2, 1]);
}
#[test] fn s18_mut_ref_argument() { // [basic]
    #[circuit_breaker(name = "s18", failure_threshold = 5, recovery_timeout = 30)]
    fn f(v: &mut Vec<u8>) -> Result<usize, MyErr> { v.push(1); Ok(v.len()) }
    let mut v = vec![]; f(&mut v).unwrap(); f(&mut v).unwrap(); assert_eq!(v.len(), 2);
}
#[test] fn s20_returns_a_mutable_borrow() { // [basic] closure must be FnOnce by expectation, not by inference
    #[circuit_breaker(name = "s20", failure_threshold = 5, recovery_timeout = 30)]
    fn f<'a>(v: &'a mut [u8], i: usize) -> Result<&'a mut u8, MyErr> { v.get_mut(i).ok_or(MyErr::Boom) }
    let mut v = [1, 2]; *f(&mut v, 1).unwrap() = 9; assert_eq!(v, [1, 9]);
}
#[test] fn s21_named_lifetimes_with_outlives() { // [basic]
    #[circuit_breaker(name = "s21", failure_threshold = 5, recovery_timeout = 30)]
    fn f<'a, 'b: 'a>(a: &'a str, b: &'b str) -> Result<&'a str, MyErr> where 'b: 'a { Ok(if a.is_empty() { b } else { a }) }
    assert_eq!(f("", "b").unwrap(), "b");
}
#[test] fn s22_generic_type_bounds_where() { // [basic]
    #[circuit_breaker(name = "s22", failure_threshold = 5, recovery_timeout = 30)]
    fn f<T: Clone, U>(t: &T, u: U) -> Result<(T, String), MyErr> where U: Display, T: Debug { Ok((t.clone(), u.to_string())) }
    assert_eq!(f(&1, 2u8).unwrap(), (1, "2".into())); assert_eq!(f(&"a", "b").unwrap(), ("a", "b".into()));
}
#[test] fn s23_const_generics() { // [basic]
    #[circuit_breaker(name = "s23", failure_threshold = 5, recovery_timeout = 30)]
    fn f<const N: usize>(a: [u8; N]) -> Result<[u8; N], MyErr> { Ok(a) }
    assert_eq!(f([1, 2]).unwrap(), [1, 2]);
}
#[test] fn s24_impl_trait_argument() { // [basic]
    #[circuit_breaker(name = "s24", failure_threshold = 5, recovery_timeout = 30)]
    fn f(it: impl IntoIterator<Item = u8>, f: impl FnOnce(u8) -> u8) -> Result<u8, MyErr> { Ok(f(it.into_iter().sum())) }
    assert_eq!(f([1, 2], |x| x * 2).unwrap(), 6);
}
#[test] fn s25_impl_trait_inside_the_result() { // [basic]
    #[circuit_breaker(name = "s25", failure_threshold = 5, recovery_timeout = 30)]
    fn f<'a>(v: &'a [u8]) -> Result<impl Iterator<Item = u8> + 'a, MyErr> { Ok(v.iter().map(|x| x + 1)) }
    assert_eq!(f(&[1]).unwrap().next(), Some(2));
}
#[test] fn s26_generic_error_type() { // [basic] bound written by the user
    #[circuit_breaker(name = "s26", failure_threshold = 5, recovery_timeout = 30)]
    fn f<E>(r: Result<u8, E>) -> Result<u8, E> where E: From<CircuitBreakerError> { r }
    assert!(f::<MyErr>(Ok(1)).is_ok()); assert!(f::<String>(Err("e".into())).is_err());
}
#[test] fn s27_destructured_arguments() { // [basic]
    struct P { x: u8, y: u8 }
    #[circuit_breaker(name = "s27", failure_threshold = 5, recovery_timeout = 30)]
    fn f((a, b): (u8, u8), P { x, y: z }: P, [c, ..]: [u8; 3], &d: &u8) -> Result<u8, MyErr> { Ok(a + b + x + z + c + d) }
    assert_eq!(f((1, 2), P { x: 3, y: 4 }, [5, 0, 0], &6).unwrap(), 21);
}
#[test] fn s29_ref_and_at_patterns() { // [basic]
    #[circuit_breaker(name = "s29", failure_threshold = 5, recovery_timeout = 30)]
    fn f(ref s: String, n @ (_, _): (u8, u8)) -> Result<usize, MyErr> { Ok(s.len() + n.0 as usize + n.1 as usize) }
    assert_eq!(f("ab".into(), (1, 1)).unwrap(), 4);
}
#[test] fn s33_attributes_on_the_function_are_kept() { // [basic]
    /// Doc comment.
    #[circuit_breaker(name = "s33", failure_threshold = 5, recovery_timeout = 30)]
    /// Another line.
    #[must_use = "check it"] #[inline(never)] #[cold] #[doc(alias = "g")] #[deprecated(note = "old")] #[allow(clippy::all)] #[cfg(all())] #[track_caller]
    fn f() -> Result<u8, MyErr> { Ok(1) }
    #[allow(deprecated)] let r = f(); assert_eq!(r.unwrap(), 1);
}
#[test] fn s34_cfg_out_below_the_attribute() { // [basic]
    #[circuit_breaker(name = "s34", failure_threshold = 5, recovery_timeout = 30)]
    #[cfg(any())]
    fn f() -> Nonexistent { nonsense() }
    assert!(breakerbox::breaker("s34").is_none());
}
#[test] fn s35_inner_attributes() { // [basic]
    #[circuit_breaker(name = "s35", failure_threshold = 5, recovery_timeout = 30)]
    fn f() -> Result<u8, MyErr> { #![allow(unused_variables)] let x = 1; Ok(1) }
    assert!(f().is_ok());
}
#[test] fn s36_attributes_on_parameters() { // [basic]
    #[circuit_breaker(name = "s36", failure_threshold = 5, recovery_timeout = 30)]
    fn f(#[allow(unused_variables)] a: u8, #[cfg(all())] b: u8) -> Result<u8, MyErr> { Ok(b) }
    assert_eq!(f(1, 2).unwrap(), 2);
}
mod vis { use super::*;
    #[circuit_breaker(name = "s38", failure_threshold = 5, recovery_timeout = 30)] pub(crate) fn a() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "s38b", failure_threshold = 5, recovery_timeout = 30)] pub(in super::vis) fn b() -> Result<u8, MyErr> { Ok(1) }
    pub fn c() -> Result<u8, MyErr> { b() } }
#[test] fn s39_names_in_the_body_that_collide_with_generated_names() { // [basic] hygiene
    #[circuit_breaker(name = "s39", failure_threshold = 5, recovery_timeout = 30)]
    fn f(breaker: u8, permit: u8, open: u8, ret: u8) -> Result<u8, MyErr> { static BREAKER: u8 = 1; let fut = breaker + permit + open + ret; Ok(fut + BREAKER) }
    assert_eq!(f(1, 1, 1, 1).unwrap(), 5);
}
#[test] fn s41_nested_function_items_and_statics_in_the_body() { // [basic]
    #[circuit_breaker(name = "s41", failure_threshold = 5, recovery_timeout = 30)]
    fn f() -> Result<u32, MyErr> { use std::sync::atomic::*; static N: AtomicU32 = AtomicU32::new(0); fn g(x: u32) -> u32 { x + 1 } Ok(g(N.fetch_add(1, Ordering::Relaxed))) }
    assert_eq!((f().unwrap(), f().unwrap()), (1, 2));
}
#[test] fn s42_annotated_function_inside_an_annotated_function() { // [basic]
    #[circuit_breaker(name = "s42", failure_threshold = 5, recovery_timeout = 30)]
    fn f() -> Result<u8, MyErr> { #[circuit_breaker(name = "s42i", failure_threshold = 5, recovery_timeout = 30)] fn g() -> Result<u8, MyErr> { Ok(1) } g() }
    assert_eq!(f().unwrap(), 1); assert!(breakerbox::breaker("s42i").is_some());
}
#[test] fn s43_recursion() { // [basic]
    #[circuit_breaker(name = "s43", failure_threshold = 5, recovery_timeout = 30)]
    fn f(n: u32) -> Result<u32, MyErr> { if n == 0 { Ok(0) } else { Ok(f(n - 1)? + 1) } }
    assert_eq!(f(5).unwrap(), 5);
}
#[test] fn s44_panic_counts_as_a_failure() { // [basic]
    #[circuit_breaker(name = "s44", failure_threshold = 1, recovery_timeout = 30)]
    fn f(p: bool) -> Result<u8, MyErr> { if p { panic!("x") } Ok(1) }
    assert!(std::panic::catch_unwind(|| f(true)).is_err()); assert!(is_open("s44"));
}
#[test] fn s45_diverging_body() { // [basic] todo!()
    #[circuit_breaker(name = "s45", failure_threshold = 5, recovery_timeout = 30)]
    fn f() -> Result<u8, MyErr> { todo!() }
    assert!(std::panic::catch_unwind(f).is_err());
}
#[test] fn s46_constants_as_values() { // [basic] const expressions, checked by a const assert
    const N: u32 = 2; mod cfg { pub const T: std::time::Duration = std::time::Duration::from_millis(50); }
    #[circuit_breaker(name = "s46", failure_threshold = N * 2, recovery_timeout = cfg::T)]
    fn f() -> Result<u8, MyErr> { Ok(1) }
    assert!(f().is_ok());
}
#[test] fn s47_duration_strings() { // [basic]
    #[circuit_breaker(name = "s47", failure_threshold = 5, recovery_timeout = "1m30s")] fn a() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "s47b", failure_threshold = 5, recovery_timeout = "250ms")] fn b() -> Result<u8, MyErr> { Ok(1) }
    #[circuit_breaker(name = "s47c", failure_threshold = 5, recovery_timeout = 0.5)] fn c() -> Result<u8, MyErr> { Ok(1) }
    assert_eq!(a().unwrap() + b().unwrap() + c().unwrap(), 3);
}
macro_rules! make { ($name:ident, $label:literal, $t:ty, $e:expr) => { #[circuit_breaker(name = $label, failure_threshold = 5, recovery_timeout = 30)] fn $name(x: $t) -> Result<$t, MyErr> { Ok(x + $e) } } }
make!(from_macro, "s48", u8, 1);
#[test] fn s48_function_made_by_macro_rules() { assert_eq!(from_macro(1).unwrap(), 2); assert!(breakerbox::breaker("s48").is_some()) } // [basic] None-delimited groups
#[test] fn s51_higher_ranked_and_dyn_types() { // [basic]
    #[circuit_breaker(name = "s51", failure_threshold = 5, recovery_timeout = 30)]
    fn f<F>(f: F, c: Cow<'_, str>, _p: PhantomData<*const u8>) -> Result<usize, MyErr> where F: for<'x> Fn(&'x str) -> &'x str { Ok(f(&c).len()) }
    assert_eq!(f(str::trim, " a".into(), PhantomData).unwrap(), 1);
}
#[test] fn s52_many_arguments() { // [basic]
    #[circuit_breaker(name = "s52", failure_threshold = 5, recovery_timeout = 30)]
    #[allow(clippy::too_many_arguments)]
    fn f(a: u8, b: u8, c: u8, d: u8, e: u8, g: u8, h: u8, i: u8, j: u8, k: u8) -> Result<u8, MyErr> { Ok(a + b + c + d + e + g + h + i + j + k) }
    assert_eq!(f(1, 1, 1, 1, 1, 1, 1, 1, 1, 1).unwrap(), 10);
}

#[test] fn s54_shared_borrow_of_a_mut_argument() { // [basic] fails under tracing with err/ret (tokio-rs/tracing#2796, #2857)
    #[circuit_breaker(name = "s54", failure_threshold = 5, recovery_timeout = 30)]
    fn f(x: &mut u8) -> Result<&u8, MyErr> { Ok(&*x) }
    struct Node; struct Ref<'a> { _node: &'a Node }
    #[circuit_breaker(name = "s54b", failure_threshold = 5, recovery_timeout = 30)]
    fn g<'a>(node: &'a Node) -> Result<Option<Ref<'a>>, std::io::Error> { let x = Ref { _node: node }; Ok(Some(x)) }
    assert_eq!(*f(&mut 1).unwrap(), 1); assert!(g(&Node).unwrap().is_some());
}
macro_rules! make2 { ($v:vis $name:ident ($($a:ident : $t:ty),*) -> $r:ty $b:block) => { #[circuit_breaker(failure_threshold = 5, recovery_timeout = 30)] $v fn $name($($a: $t),*) -> $r $b } }
make2!(pub(crate) from_macro2(x: u8, mut_: &str) -> Result<u8, MyErr> { Ok(x + mut_.len() as u8) });
#[test] fn s55_macro_rules_with_vis_ty_and_block_fragments() { assert_eq!(from_macro2(1, "a").unwrap(), 2) } // [basic] None-delimited groups around body and types
mod bare { #![no_implicit_prelude] #[::breakerbox::circuit_breaker(name = "s56", failure_threshold = 5, recovery_timeout = 30)] pub fn f() -> ::std::result::Result<u8, ::std::string::String> { ::std::result::Result::Ok(1) }
    #[::breakerbox::circuit_breaker(name = "s56b", failure_threshold = 5, recovery_timeout = 30)] pub async fn g() -> ::std::result::Result<u8, ::std::string::String> { ::std::result::Result::Ok(1) } }
#[test] fn s58_lint_levels_on_the_function_reach_the_body() { // [basic]
    #[circuit_breaker(name = "s58", failure_threshold = 5, recovery_timeout = 30)]
    #[expect(unused_variables, reason = "test")] fn f() -> Result<u8, MyErr> { let x = 1; Ok(1) }
    #[expect(unused_mut)] #[circuit_breaker(name = "s58b", failure_threshold = 5, recovery_timeout = 30)] async fn g() -> Result<u8, MyErr> { let mut x = 1; Ok(x) }
    assert_eq!(f().unwrap() + block_on(g()).unwrap(), 2);
}
