//! Unsafe functions are annotated like others. A binary of its own, so that all other shapes stand
//! under `forbid(unsafe_code)`.

#![deny(warnings, unsafe_op_in_unsafe_fn)]
#![allow(clippy::borrow_as_ptr, clippy::trivially_copy_pass_by_ref, clippy::unused_async, clippy::missing_safety_doc)]

use breakerbox::circuit_breaker;

type MyErr = String;

fn open(name: &str) {
    breakerbox::breaker(name).expect("listed").force_open();
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

#[test]
fn s31_unsafe_fn() {
    // [basic] edition 2024: the body needs its own unsafe block
    #[circuit_breaker(name = "s31", failure_threshold = 5, recovery_timeout = 30)]
    unsafe fn f(p: *const u8) -> Result<u8, MyErr> {
        Ok(unsafe { *p })
    }
    let x = 7;
    assert_eq!(unsafe { f(&x) }.unwrap(), 7);
}
#[test]
fn x02_unsafe_extern_and_unsafe_async() {
    #[circuit_breaker(name = "x02", failure_if = |code| *code < 0, fallback = |_| *p)]
    unsafe extern "C" fn f(p: &i32) -> i32 {
        *p
    }
    #[circuit_breaker(name = "x02b")]
    async unsafe fn g(p: *const u8) -> Result<u8, MyErr> {
        Ok(unsafe { *p })
    }
    let (x, y) = (1, 2_u8);
    assert_eq!(unsafe { f(&x) }, 1);
    assert_eq!(block_on(unsafe { g(&raw const y) }).unwrap(), 2);
}

#[test]
fn an_unsafe_function_is_refused_like_others() {
    #[circuit_breaker(name = "unsafe")]
    unsafe fn f() -> Result<u8, MyErr> {
        Ok(1)
    }
    open("unsafe");
    // SAFETY: it does nothing unsafe.
    assert!(unsafe { f() }.is_err());
}
