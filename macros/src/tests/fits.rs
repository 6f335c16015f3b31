//! What an attribute says that its function can have, and what it cannot.

use super::found::applied;
use super::parsed;

/// The mistakes, each without what to write instead.
fn said(arguments: &str, item: &str) -> Vec<String> {
    let mistakes = applied((0, 0, 0), parsed(arguments), parsed(item)).mistakes;
    mistakes.into_iter().map(|(message, _)| message.split([':', ',']).next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_fallback_has_the_arguments_of_a_wrapped_future_where_they_are_copied() {
    let gone = "this `fallback` cannot have the arguments";
    for (parameters, is_gone) in [
        ("", false),
        ("&self", false),
        ("&'a self, n: &u8", false),
        ("self: &Self", false),
        ("n: &u8, m: &'static str", false),
        ("self", true),
        ("&mut self", true),
        ("self: &mut Self", true),
        ("self: Arc<Self>", true),
        ("&self, n: u8", true),
        ("n: &mut u8", true),
    ] {
        let item = format!("fn f({parameters}) -> impl Future<Output = R> {{ g() }}");
        assert_eq!(said("fallback = Self::g", &item), vec![gone; usize::from(is_gone)], "{parameters}");
        assert_eq!(said("fallback = |_| g()", &item), [""; 0], "{parameters}");
    }
}

#[test]
fn a_fallback_for_failed_calls_has_no_receiver_that_the_call_has_used() {
    for (receiver, is_used) in [
        ("&self", false),
        ("self", false),
        ("self: Rc<Self>", false),
        ("self: Pin<&Self>", false),
        ("self: Box<&mut Self>", false),
        ("&mut self", true),
        ("self: &mut Self", true),
        ("self: Pin<&mut Self>", true),
        ("self: std::pin::Pin<&'a mut Self>", true),
    ] {
        let item = format!("fn f({receiver}) -> R {{ x }}");
        assert_eq!(said("fallback = Self::g, fallback_on = any", &item).len(), usize::from(is_used), "{receiver}");
        assert_eq!(said("fallback = Self::g", &item), [""; 0], "{receiver}");
    }
}

#[test]
fn a_function_as_fallback_takes_sixteen_parameters() {
    let item = |count| format!("fn f({}) -> R {{ x }}", "_: u8, ".repeat(count));
    assert_eq!(said("fallback = g", &item(16)), [""; 0]);
    assert_eq!(said("fallback = g", &item(17)), ["a function as `fallback` takes at most 16 parameters"]);
    assert_eq!(said("fallback = |_| g()", &item(17)), [""; 0]);
    assert_eq!(said("", &item(17)), [""; 0]);
}

#[test]
fn a_time_limit_needs_a_future() {
    for (arguments, item, count) in [
        ("timeout = 5", "fn f() -> R { x }", 1),
        ("timeout = N", "fn f() -> R { x }", 1),
        ("timeout = off", "fn f() -> R { x }", 0),
        ("timeout = 5", "async fn f() -> R { x }", 0),
        ("timeout = 5", "fn f() -> BoxFuture<'static, R> { x }", 0),
        ("timeout = 5, returns = future", "fn f() -> R { x }", 0),
        ("returns = future", "async fn f() -> R { x }", 1),
        ("returns = future", "fn f() { x }", 1),
    ] {
        assert_eq!(said(arguments, item).len(), count, "{arguments}: {item}");
    }
}

#[test]
fn a_setting_does_not_depend_on_a_const_parameter() {
    for (value, is_told) in [
        ("N", true),
        ("N + 1", true),
        ("f(N)", true),
        ("[N][0]", true),
        ("N::C", true),
        ("deep::N", false),
        ("{ const N: u32 = 3; N }", false),
        ("M", false),
        ("f(M)", false),
    ] {
        let item = "fn f<T, const N: u32>(t: T) -> R { x }";
        let told = said(&format!("failure_threshold = {value}"), item);
        assert_eq!(told, vec!["`failure_threshold` cannot depend on `N`"; usize::from(is_told)], "{value}");
    }
    assert_eq!(said("failure_threshold = T", "fn f<T>(t: T) -> R { x }"), [""; 0]);
    assert_eq!(said("failure_threshold = 5", "fn f<const N: u32>() -> R { x }"), [""; 0]);
}

#[test]
fn a_parameter_with_a_cfg_is_passed_to_no_function() {
    for (parameters, count) in [
        ("#[cfg(a)] a: u8", 1),
        ("#[cfg_attr(a, b)] a: u8", 1),
        ("#[cfg(a)] &self, #[cfg(b)] a: u8", 2),
        ("#[allow(a)] a: u8", 0),
    ] {
        let item = format!("fn f({parameters}) -> R {{ x }}");
        assert_eq!(said("fallback = g", &item).len(), count, "{parameters}");
        assert_eq!(said("fallback = || g()", &item), [""; 0], "{parameters}");
    }
}
