//! The values of settings: counts, lengths of time, shares, `off`, and constants that the compiler
//! evaluates. Values of the other arguments are in `value`, lengths of time spelled out in `duration`.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{BinOp, Error, Expr, ExprLit, Lit, Result, UnOp};

use crate::args::{Key, Kind};
use crate::duration;
use crate::value::{peel, word, wrong};

const MOST: u32 = 1_000_000;

/// The value of a setting, as far as it is known while the attribute is expanded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Given {
    Count(u32),
    Time(Duration),
    Share(f64),
    Off,
    /// An expression that the compiler evaluates and a const assertion judges.
    Const,
}

/// Reads the value of a setting: `inner` without the groups around it, `whole` with them.
pub(crate) fn setting(key: Key, inner: &Expr, whole: &Expr) -> Result<Given> {
    let name = key.name();
    if let Some(word) = word(inner) {
        let text = word.to_string();
        if text == "off" {
            return if key.can_be_off() {
                Ok(Given::Off)
            } else {
                wrong(whole, format!("`{name}` cannot be `off`: write `{name} = {}`, or leave it out", key.example()))
            };
        }
        if key.can_be_off() && ["None", "none", "never", "disabled", "infinite", "unlimited"].contains(&text.as_str()) {
            return wrong(whole, format!("to switch `{name}` off write `{name} = off`"));
        }
    }
    if let Expr::Unary(unary) = inner
        && matches!(unary.op, UnOp::Neg(_))
    {
        return wrong(whole, format!("`{name}` cannot be negative: write `{name} = {}`", key.example()));
    }
    if let Some(number) = folded(inner) {
        return integer(key, number, whole);
    }
    match inner {
        Expr::Lit(ExprLit { lit, .. }) => literal(key, lit, whole),
        Expr::Closure(_)
        | Expr::Array(_)
        | Expr::Tuple(_)
        | Expr::Range(_)
        | Expr::Reference(_)
        | Expr::Async(_)
        | Expr::Assign(_) => {
            wrong(whole, format!("`{name}` must be {}: write `{name} = {}`", kind_name(key), key.example()))
        }
        _ => constant(key, whole),
    }
}

/// What a value of the key is, in words.
fn kind_name(key: Key) -> &'static str {
    match key.kind() {
        Kind::Count => "a positive integer",
        Kind::Time => "a number of seconds or a string such as \"1m30s\"",
        _ => "a number",
    }
}

fn literal(key: Key, lit: &Lit, whole: &Expr) -> Result<Given> {
    let name = key.name();
    match (lit, key.kind()) {
        (Lit::Int(int), kind) => match (int.suffix(), kind) {
            ("" | "u32", Kind::Count) => integer(key, int.base10_parse().unwrap_or(u128::MAX), whole),
            ("f32" | "f64", Kind::Count) => fraction(key, int.base10_digits(), whole),
            (suffix, Kind::Count) => wrong(
                whole,
                format!("`{name}` is a `u32`, remove the suffix `{suffix}`: `{name} = {}`", int.base10_digits()),
            ),
            ("", _) => integer(key, int.base10_parse().unwrap_or(u128::MAX), whole),
            ("f64", _) => fraction(key, int.base10_digits(), whole),
            (suffix, _) => Err(foreign_suffix(key, int.base10_digits(), suffix, whole)),
        },
        (Lit::Float(float), kind) => match float.suffix() {
            "" | "f64" => fraction(key, float.base10_digits(), whole),
            _ if kind == Kind::Count => fraction(key, float.base10_digits(), whole),
            suffix => Err(foreign_suffix(key, float.base10_digits(), suffix, whole)),
        },
        (Lit::Str(text), Kind::Time) => match duration::from_text(name, &text.value()) {
            Ok(time) => Ok(Given::Time(time)),
            Err(message) => wrong(whole, message),
        },
        (Lit::Str(text), kind) => {
            let text = text.value();
            let number = text.trim().trim_end_matches('%').trim();
            let instead = match kind {
                Kind::Count if number.parse::<u32>().is_ok() && !text.contains('%') => number.to_owned(),
                Kind::Share if text.contains('%') => {
                    number.parse::<f64>().map_or(key.example().to_owned(), |share| format!("{}", share / 100.0))
                }
                Kind::Share if number.parse::<f64>().is_ok() => number.to_owned(),
                _ if text == "off" && key.can_be_off() => "off".to_owned(),
                _ => key.example().to_owned(),
            };
            let what = if kind == Kind::Count { "an integer" } else { "a number" };
            wrong(whole, format!("`{name}` must be {what}, not a string: write `{name} = {instead}`"))
        }
        (Lit::Bool(off), _) if !off.value && key.can_be_off() => {
            wrong(whole, format!("`{name}` must be {}, or `off`: write `{name} = off`", kind_name(key)))
        }
        _ => wrong(whole, format!("`{name}` must be {}: write `{name} = {}`", kind_name(key), key.example())),
    }
}

fn foreign_suffix(key: Key, digits: &str, suffix: &str, whole: &Expr) -> Error {
    let name = key.name();
    let message = match key.kind() {
        Kind::Time => format!(
            "`{name}` is in seconds: write `{name} = {digits}` without the suffix `{suffix}`, or a string such as \"{digits}{}\"",
            if duration::from_text(name, &format!("1{suffix}")).is_ok() { suffix } else { "s" }
        ),
        _ => format!("`{name}` is an `f64`: write `{name} = {digits}` without the suffix `{suffix}`"),
    };
    Error::new_spanned(whole, message)
}

fn integer(key: Key, number: u128, whole: &Expr) -> Result<Given> {
    let name = key.name();
    match key.kind() {
        Kind::Count => match u32::try_from(number) {
            Ok(0) if key.can_be_off() => wrong(
                whole,
                format!("`{name}` must be at least 1: write `{name} = {}`, or `{name} = off`", key.example()),
            ),
            Ok(0) => wrong(whole, format!("`{name}` must be at least 1: write `{name} = {}`", key.example())),
            Ok(count @ 1..=MOST) => Ok(Given::Count(count)),
            _ => wrong(whole, format!("`{name}` must be at most 1_000_000: write `{name} = {}`", key.example())),
        },
        Kind::Time => match duration::from_seconds(name, number) {
            Ok(time) => Ok(Given::Time(time)),
            Err(message) => wrong(whole, message),
        },
        _ => share(key, number.to_string().parse().unwrap_or(f64::INFINITY), whole),
    }
}

fn fraction(key: Key, digits: &str, whole: &Expr) -> Result<Given> {
    let name = key.name();
    match key.kind() {
        Kind::Count => wrong(
            whole,
            format!(
                "`{name}` counts calls and must be an integer; for a share of the calls use `failure_rate_threshold = 0.5`"
            ),
        ),
        Kind::Time => match duration::from_float(name, digits) {
            Ok(time) => Ok(Given::Time(time)),
            Err(message) => wrong(whole, message),
        },
        _ => share(key, digits.parse().unwrap_or(f64::INFINITY), whole),
    }
}

fn share(key: Key, number: f64, whole: &Expr) -> Result<Given> {
    let name = key.name();
    let problem = match key {
        Key::Multiplier if number < 1.0 => {
            "must be at least 1: the open time grows by it, write `multiplier = 2.0`".to_owned()
        }
        Key::Multiplier if number > 1e9 => "must be at most 1e9: write `multiplier = 2.0`".to_owned(),
        Key::Multiplier => return Ok(Given::Share(number)),
        Key::Jitter if number == 0.0 => return Ok(Given::Share(number)),
        _ if number == 0.0 => format!("must be more than 0 and at most 1: write `{name} = 0.5`, or `{name} = off`"),
        _ if number <= 1.0 => return Ok(Given::Share(number)),
        _ if number <= 100.0 => {
            format!("is a share and must be at most 1: for {number} % write `{name} = {}`", number / 100.0)
        }
        _ => format!("is a share and must be at most 1: write `{name} = {}`", key.example()),
    };
    wrong(whole, format!("`{name}` {problem}"))
}

/// An expression that the compiler evaluates in a constant: it knows no `Self` and no variable.
fn constant(key: Key, whole: &Expr) -> Result<Given> {
    let name = key.name();
    for ident in idents(whole.to_token_stream()) {
        if ident == "Self" {
            return wrong(
                &ident,
                format!(
                    "`{name}` is a constant of the function, which does not know `Self`: name the type, as in `{name} = Client::LIMIT`"
                ),
            );
        }
        if ident == "self" && !matches!(peel(whole), Expr::Path(_)) {
            return wrong(
                &ident,
                format!("`{name}` is a constant of the function, not of a value: write `{name} = {}`", key.example()),
            );
        }
    }
    Ok(Given::Const)
}

fn idents(tokens: TokenStream) -> Vec<Ident> {
    let mut found = Vec::new();
    for tree in tokens {
        match tree {
            TokenTree::Ident(ident) => found.push(ident),
            TokenTree::Group(group) => found.extend(idents(group.stream())),
            _ => {}
        }
    }
    found
}

/// The value of an expression of whole numbers alone, such as `5 * 60`.
fn folded(expr: &Expr) -> Option<u128> {
    let Expr::Binary(binary) = peel(expr) else { return None };
    let operand = |side: &Expr| match peel(side) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) if int.suffix().is_empty() => int.base10_parse().ok(),
        side => folded(side),
    };
    let (left, right): (u128, u128) = (operand(&binary.left)?, operand(&binary.right)?);
    match binary.op {
        BinOp::Add(_) => left.checked_add(right),
        BinOp::Sub(_) => left.checked_sub(right),
        BinOp::Mul(_) => left.checked_mul(right),
        BinOp::Div(_) => left.checked_div(right),
        _ => None,
    }
}
