//! What is said of arguments that cannot be read, and which of those behind them are read all the
//! same: a mistake that hides another one, or makes one up, is a mistake of ours.

use super::{mistakes, parsed};

/// The mistakes, each without what to write instead.
fn told(arguments: &str) -> Vec<String> {
    let short = |message: String| message.split([':', ',']).next().unwrap_or_default().to_owned();
    mistakes(parsed(arguments)).into_iter().map(short).collect()
}

const NAME: &str = "`name` must be a string literal";
const POSITIONAL: &str = "arguments are written `key = value`";

#[test]
fn a_forgotten_comma_is_told_from_what_is_no_argument() {
    let between = "expected `";
    assert_eq!(told("name = \"a\" nmae = 5"), [between, "unknown argument `nmae`"]);
    for (arguments, message) in [
        ("name = \"a\" nmae = 5", "expected `,` between two arguments"),
        ("name = \"a\" jitter", "expected `,` between two arguments"),
        ("name = \"a\" b", "expected `,` or the end of the arguments"),
        ("name = \"a\" b, c", "expected `,` or the end of the arguments"),
        ("failure_threshold = 3 3", "expected `,` or the end of the arguments"),
    ] {
        assert_eq!(mistakes(parsed(arguments))[0], message, "{arguments}");
    }
    assert_eq!(told("failure_threshold = 3 b, c, name = 5"), [between, "unknown argument `c`", NAME]);
}

#[test]
fn a_value_without_a_key_is_shown_in_its_place() {
    for (arguments, written) in [
        ("7", "arguments are written `key = value`, such as `failure_threshold = 7`"),
        ("\"a\"", "arguments are written `key = value`: write `name = \"a\"`"),
        ("{ }", "arguments are written `key = value`, such as `failure_threshold = 5`"),
        ("a::b = 5", "arguments are written `key = value`, such as `failure_threshold = 5`"),
        (", name = \"a\"", "expected an argument before this `,`: remove it"),
    ] {
        assert_eq!(mistakes(parsed(arguments)), [written], "{arguments}");
    }
}

#[test]
fn reading_goes_on_behind_the_comma_that_ends_an_argument() {
    let x = "unknown argument `x`";
    for (arguments, expected) in [
        // A key follows, whatever its value is.
        ("x = =, nmae = |a| b", &[x, "unknown argument `nmae`"][..]),
        ("x = =, name |a| b", &[x, "`name` needs a value"]),
        // No key follows, and nothing of the value before.
        ("x = 1, 5, name = 5", &[x, POSITIONAL, NAME]),
        ("x = 1, 5, fallback = |a| b", &[x, POSITIONAL]),
        ("x = 1, y, fallback = |a| b", &[x, "unknown argument `y`"]),
        ("x = 1, a < b > c, name = 5", &[x, "unknown argument `a`", NAME]),
        ("x = 1, { } |a| b, name = 5", &[x, POSITIONAL, NAME]),
        ("x = 1, (a) + b, name = 5", &[x, POSITIONAL, NAME]),
    ] {
        assert_eq!(told(arguments), expected, "{arguments}");
    }
}

#[test]
fn commas_of_closures_and_generics_end_no_argument() {
    let x = "unknown argument `x`";
    for arguments in [
        "x = |a, b| c, name = 5",
        "x = a::<B, C> , name = 5",
        "x = a::<B, (C)> , name = 5",
        "x = a::<B, [C; 1]> , name = 5",
        "x = a::<B, C<D> > , name = 5",
        "x = a::<B, C>, name = 5",
        "x = a::<B, C>::d, name = 5",
        "x = <A as B<C, D>>::e, name = 5",
    ] {
        assert_eq!(told(arguments), [x, NAME], "{arguments}");
    }
}
