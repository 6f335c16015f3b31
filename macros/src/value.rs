//! The values of the arguments, one reader a kind. Each refusal names the key and shows what to
//! write instead. The numbers of settings are read in `number`, fallbacks in `fallback`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{Error, Expr, ExprClosure, ExprLit, ExprPath, Lit, Path, Result};

use crate::args::Key;
use crate::suggest;

const LONGEST_NAME: usize = 128;
/// Routes of the admin API, which names a breaker by its path.
const RESERVED: [&str; 2] = ["reset-all", "events"];

const PRESETS: &[(&str, &str)] = &[
    ("conservative", "Conservative"),
    ("aggressive", "Aggressive"),
    ("testing", "Testing"),
    ("kafka", "Kafka"),
    ("postgres", "Postgres"),
    ("postgres_pooled", "PostgresPooled"),
    ("redis", "Redis"),
    ("external_api", "ExternalApi"),
    ("websocket", "Websocket"),
    ("connection_recovery", "ConnectionRecovery"),
];

/// A function by path or a closure.
// Large only with the spans that tests ask for.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Closure {
    Closure(Box<ExprClosure>),
    Path(Expr),
}

/// What makes the error of a refused call.
#[allow(clippy::large_enum_variant)]
pub(crate) enum OnOpen {
    /// With the number of its parameters: none, or the error of the breaker.
    Closure(Box<ExprClosure>),
    /// A function or a value: the type decides.
    Expr(Expr),
}

/// The expression inside parentheses and the invisible groups that `macro_rules` makes.
pub(crate) fn peel(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) if group.attrs.is_empty() => peel(&group.expr),
        Expr::Paren(paren) if paren.attrs.is_empty() => peel(&paren.expr),
        _ => expr,
    }
}

/// An identifier that stands alone.
pub(crate) fn word(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => path.get_ident(),
        _ => None,
    }
}

pub(crate) fn wrong<T>(expr: &impl ToTokens, message: impl std::fmt::Display) -> Result<T> {
    Err(Error::new_spanned(expr, message))
}

pub(crate) fn name(expr: &Expr) -> Result<String> {
    let Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) = expr else {
        return wrong(expr, "`name` must be a string literal: `name = \"payments\"`");
    };
    let name = literal.value();
    if name.trim().is_empty() {
        wrong(expr, "`name` must not be empty: `name = \"payments\"`, or leave it out for the path of the function")
    } else if name.trim() != name {
        wrong(expr, format!("`name` must not start or end with spaces: write {:?}", name.trim()))
    } else if name.chars().any(char::is_control) {
        wrong(expr, "`name` must not contain control characters such as tabs and line ends: `name = \"payments\"`")
    } else if name.len() > LONGEST_NAME {
        wrong(expr, format!("`name` must be at most {LONGEST_NAME} bytes long, this one has {}", name.len()))
    } else if RESERVED.contains(&name.as_str()) {
        wrong(expr, format!("`name` must not be \"{name}\", which is a route of the admin API: write another name"))
    } else if matches!(name.as_str(), "." | "..") {
        wrong(expr, format!("`name` must not be {name:?}, which no address can hold: write another name"))
    } else if !literal.suffix().is_empty() {
        wrong(
            expr,
            format!("`name` must be a string literal without the suffix `{}`: write {name:?}", literal.suffix()),
        )
    } else {
        Ok(name)
    }
}

/// The variant of the runtime's `Preset`, where the name of it stands.
pub(crate) fn preset(expr: &Expr) -> Result<Ident> {
    let text = match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        _ => word(expr).map(ToString::to_string).unwrap_or_default(),
    };
    if let Some((_, variant)) = PRESETS.iter().find(|(name, _)| *name == text) {
        return Ok(format_ident!("{variant}"));
    }
    let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
    let all = names.join(", ");
    if text.is_empty() {
        return wrong(expr, format!("`preset` must be the name of one: `preset = external_api`; there are {all}"));
    }
    match suggest::nearest(&text.to_lowercase(), &names) {
        Some(near) => wrong(expr, format!("unknown preset `{text}`, did you mean `{near}`? There are {all}")),
        None => wrong(expr, format!("unknown preset `{text}`, there are {all}")),
    }
}

/// Whether failed calls reach the fallback too.
pub(crate) fn fallback_on(expr: &Expr) -> Result<bool> {
    let text = match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => format!("\"{}\"", text.value()),
        _ => word(expr).map(ToString::to_string).unwrap_or_default(),
    };
    match text.as_str() {
        "open" => Ok(false),
        "any" => Ok(true),
        "\"open\"" | "\"any\"" => {
            let bare = text.trim_matches('"');
            wrong(expr, format!("`fallback_on` takes a word, not a string: write `fallback_on = {bare}`"))
        }
        _ => wrong(expr, "`fallback_on` must be `open` (refused calls, the default) or `any` (failed calls too)"),
    }
}

pub(crate) fn returns(expr: &Expr) -> Result<()> {
    match word(expr) {
        Some(word) if word == "future" => Ok(()),
        _ => wrong(expr, "`returns` must be `future`, for a function whose return type is an alias of a boxed future"),
    }
}

pub(crate) fn krate(expr: &Expr) -> Result<TokenStream> {
    match expr {
        Expr::Path(ExprPath { qself: None, path, .. })
            if path.segments.iter().all(|segment| segment.arguments.is_empty()) =>
        {
            Ok(path.to_token_stream())
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.parse::<Path>().is_ok() => {
            wrong(expr, format!("`crate` must be a path, not a string: write `crate = {}`", text.value()))
        }
        _ => wrong(expr, "`crate` must be a path: `crate = path::to::breakerbox`"),
    }
}

/// A closure of one parameter, or a path to a function.
pub(crate) fn predicate(key: Key, expr: &Expr) -> Result<Closure> {
    let name = key.name();
    let about = if key == Key::FailureIf { "the returned value" } else { "the error" };
    match expr {
        Expr::Closure(closure) if closure.asyncness.is_some() => {
            wrong(&closure.asyncness, format!("`{name}` must answer at once: write a closure without `async`"))
        }
        Expr::Closure(closure) if closure.inputs.len() != 1 => wrong(
            &parameters(closure),
            format!("`{name}` takes a closure of one parameter, {about}: `{name} = {}`", key.example()),
        ),
        Expr::Closure(closure) => Ok(Closure::Closure(Box::new(closure.clone()))),
        Expr::Path(_) => Ok(Closure::Path(expr.clone())),
        Expr::Call(_) | Expr::MethodCall(_) => wrong(
            expr,
            format!("`{name}` takes a function, not a call: write its path, or `{name} = {}`", key.example()),
        ),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.parse::<Path>().is_ok() => {
            wrong(expr, format!("`{name}` takes a function, not a string: write `{name} = {}`", text.value()))
        }
        _ => wrong(
            expr,
            format!(
                "`{name}` takes a closure or the path of a function, which is asked about {about}: `{name} = {}`",
                key.example()
            ),
        ),
    }
}

pub(crate) fn on_open(expr: &Expr) -> Result<OnOpen> {
    match expr {
        Expr::Closure(closure) if closure.asyncness.is_some() => wrong(
            &closure.asyncness,
            "`on_open` must answer at once: write a closure without `async`, or use `fallback`",
        ),
        Expr::Closure(closure) if closure.inputs.len() > 1 => wrong(
            &parameters(closure),
            "`on_open` takes at most one parameter, the `CircuitBreakerError`: `on_open = |open| MyError::Unavailable`",
        ),
        Expr::Closure(closure) => Ok(OnOpen::Closure(Box::new(closure.clone()))),
        Expr::Async(_) | Expr::Await(_) | Expr::Assign(_) | Expr::Range(_) => wrong(
            expr,
            "`on_open` takes a closure, the path of a function, or an error: `on_open = |open| MyError::Unavailable`",
        ),
        _ => Ok(OnOpen::Expr(expr.clone())),
    }
}

/// The parameters of a closure with their bars, to point at.
pub(crate) fn parameters(closure: &ExprClosure) -> TokenStream {
    let mut tokens = closure.inputs_begin.to_token_stream();
    closure.inputs.to_tokens(&mut tokens);
    closure.inputs_end.to_tokens(&mut tokens);
    tokens
}
