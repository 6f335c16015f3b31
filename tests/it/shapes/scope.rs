//! Names in scope that look like generated ones, and what the closure of a fallback really uses.
use super::*;

mod constants_in_scope {
    #![allow(non_upper_case_globals)]
    use super::*;
    const error: u8 = 1; const breaker: u8 = 1; const entered: u8 = 1; const asked: u8 = 1; const call: u8 = 1; const ret: u8 = 1;
    static returned: u8 = 1; static failed: u8 = 1; static judge: u8 = 1; static future: u8 = 1;
    #[circuit_breaker(name = "x50", fallback = |_| Ok(2))] fn f(a: u8) -> Result<u8, MyErr> { Ok(a + error + breaker + entered + asked + call + ret + returned + failed + judge + future) }
    #[circuit_breaker(name = "x50b")] async fn g(a: u8) -> Result<u8, MyErr> { let h = async { Ok::<u8, MyErr>(ret) }; Ok(a + h.await?) }
    #[circuit_breaker(name = "x50c", failure_if = |r: &Result<u8, MyErr>| r.is_err(), fallback = [spare, |_| Ok(3)], fallback_on = any, timeout = 5)] async fn h(a: u8) -> Result<u8, MyErr> { if a == 0 { return Err(MyErr::Boom) } Ok(a) }
    async fn spare(_: u8) -> Result<u8, MyErr> { Err(MyErr::Boom) }
    #[circuit_breaker(name = "x50d")] fn i() -> impl Future<Output = Result<u8, MyErr>> { std::future::ready(Ok(1)) }
    #[test] fn x50_constants_and_statics_named_like_generated_names() { assert_eq!(f(1).unwrap(), 11); assert_eq!(block_on(g(1)).unwrap(), 2); assert_eq!(block_on(h(0)).unwrap(), 3); assert_eq!(block_on(i()).unwrap(), 1) }
}
#[test] fn x51_ref_mut_pattern_with_a_path_fallback() {
    fn g(a: u8, _: (u8, u8)) -> Result<u8, MyErr> { Ok(a) }
    #[circuit_breaker(name = "x51", fallback = g)] fn f(ref mut a: u8, (ref mut b, _): (u8, u8)) -> Result<u8, MyErr> { *a += 1; *b += 1; Ok(*a + *b) }
    assert_eq!(f(1, (1, 0)).unwrap(), 4); open("x51"); assert_eq!(f(1, (1, 0)).unwrap(), 1);
}
#[test] fn x52_a_constant_of_another_module_named_like_a_const_parameter() {
    mod deep { pub const N: u32 = 3; }
    #[circuit_breaker(name = "x52", failure_threshold = deep::N)] fn f<const N: usize>(a: [u8; N]) -> Result<[u8; N], MyErr> { Ok(a) }
    #[circuit_breaker(name = "x52b", failure_threshold = { const M: u32 = 3; M })] fn g<const M: usize>(a: [u8; M]) -> Result<[u8; M], MyErr> { Ok(a) }
    assert_eq!(f([1]).unwrap().len() + g([1, 2]).unwrap().len(), 3);
}
#[test] fn x53_only_what_a_closure_uses_is_cloned() {
    struct NoClone(#[allow(dead_code)] String); struct Hold { key: u8 } mod mem { pub fn size() -> u8 { 4 } }
    #[circuit_breaker(name = "x53", fallback = |e| Ok(e.name().len()), fallback_on = any)] fn f(e: NoClone) -> Result<usize, MyErr> { drop(e); Err(MyErr::Boom) }
    #[circuit_breaker(name = "x53b", fallback = |_| Ok(Hold { key: 1 }.key), fallback_on = any)] fn g(key: NoClone) -> Result<u8, MyErr> { drop(key); Err(MyErr::Boom) }
    #[circuit_breaker(name = "x53c", fallback = |_| Ok(mem::size()), fallback_on = any)] fn h(mem: NoClone) -> Result<u8, MyErr> { drop(mem); Err(MyErr::Boom) }
    #[circuit_breaker(name = "x53d", fallback = |_| Ok(format!("{type}")), fallback_on = any)] fn i(r#type: String) -> Result<String, MyErr> { drop(r#type); Err(MyErr::Boom) }
    #[circuit_breaker(name = "x53e", fallback = |_| { let name = 1; Ok(format!("{name}")) }, fallback_on = any)] fn j(n: NoClone) -> Result<String, MyErr> { drop(n); Err(MyErr::Boom) }
    assert_eq!(f(NoClone(String::new())).unwrap(), 3); assert_eq!(g(NoClone(String::new())).unwrap(), 1); assert_eq!(h(NoClone(String::new())).unwrap(), 4); assert_eq!(i("a".into()).unwrap(), "a"); assert_eq!(j(NoClone(String::new())).unwrap(), "1");
}
