//! The arguments: one table of keys, and the reader that turns what stands between the parentheses
//! into checked values. It collects every mistake. What one value may be is `value`, what must not
//! stand together is `conflict`.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr};

use crate::errors::Errors;
use crate::fallback::Fallback;
use crate::number::{self, Given};
use crate::value::{self, Closure, OnOpen};
use crate::{conflict, key, suggest};

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Name,
    Key,
    Count,
    Time,
    Share,
    Preset,
    Fallback,
    FallbackOn,
    OnOpen,
    FailureIf,
    IgnoreIf,
    Returns,
    Crate,
}

macro_rules! keys {
    ($($variant:ident $name:literal $kind:ident $off:literal $example:literal,)+) => {
        /// An argument.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Key { $($variant,)+ }

        impl Key {
            pub(crate) const ALL: &[Key] = &[$(Key::$variant,)+];

            /// The name, as the user writes it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Key::$variant => $name,)+ }
            }

            /// The name of the same key in the runtime.
            pub(crate) fn variant(self) -> &'static str {
                match self { $(Key::$variant => stringify!($variant),)+ }
            }

            pub(crate) fn kind(self) -> Kind {
                match self { $(Key::$variant => Kind::$kind,)+ }
            }

            /// Whether `off` is a value.
            pub(crate) fn can_be_off(self) -> bool {
                match self { $(Key::$variant => $off,)+ }
            }

            /// A value that is right.
            pub(crate) fn example(self) -> &'static str {
                match self { $(Key::$variant => $example,)+ }
            }
        }
    };
}

keys! {
    Name "name" Name false "\"payments\"",
    By "key" Key false "url.host_str().unwrap_or(\"-\")",
    MaxKeys "max_keys" Count false "1000",
    Preset "preset" Preset false "external_api",
    FailureThreshold "failure_threshold" Count true "5",
    RecoveryTimeout "recovery_timeout" Time false "30",
    HalfOpenMaxCalls "half_open_max_calls" Count false "3",
    SuccessThreshold "success_threshold" Count false "2",
    HalfOpenTimeout "half_open_timeout" Time false "60",
    FailureRateThreshold "failure_rate_threshold" Share true "0.5",
    SlowCallDuration "slow_call_duration" Time true "2",
    SlowCallRateThreshold "slow_call_rate_threshold" Share true "0.5",
    WindowSize "window_size" Count false "100",
    WindowDuration "window_duration" Time false "\"1m\"",
    MinimumCalls "minimum_calls" Count false "10",
    Multiplier "multiplier" Share false "2.0",
    MaxRecoveryTimeout "max_recovery_timeout" Time true "\"10m\"",
    Jitter "jitter" Share false "0.1",
    Timeout "timeout" Time true "5",
    Fallback "fallback" Fallback false "path::to::function",
    FallbackOn "fallback_on" FallbackOn false "any",
    OnOpen "on_open" OnOpen false "|open| MyError::Unavailable",
    FailureIf "failure_if" FailureIf false "|returned| returned.is_err()",
    IgnoreIf "ignore_if" IgnoreIf false "|error| error.is_not_found()",
    Returns "returns" Returns false "future",
    Crate "crate" Crate false "path::to::breakerbox",
}

/// One setting of the breaker: the key, where its value stands, and the value.
pub(crate) struct Setting {
    pub(crate) key: Key,
    pub(crate) key_span: Span,
    pub(crate) value: Expr,
    pub(crate) given: Given,
}

/// What the attribute says.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Option<String>,
    /// What tells the breakers of a family apart.
    pub(crate) key: Option<Expr>,
    pub(crate) preset: Option<(Ident, Span)>,
    pub(crate) settings: Vec<Setting>,
    /// One, or a chain: tried in order until one succeeds.
    pub(crate) fallbacks: Vec<Fallback>,
    pub(crate) fallback_span: Option<Span>,
    pub(crate) fallback_on_any: bool,
    pub(crate) fallback_on_span: Option<Span>,
    pub(crate) on_open: Option<OnOpen>,
    pub(crate) failure_if: Option<Closure>,
    pub(crate) ignore_if: Option<Closure>,
    pub(crate) returns_future: Option<Span>,
    pub(crate) krate: Option<TokenStream>,
    /// Every key that was stated or meant, right or wrong: what is there must not be called missing.
    pub(crate) stated: Vec<(Key, Span)>,
}

impl Args {
    /// Reads the arguments. Mistakes go to `errors`; what is right is kept, so that the rest of the
    /// attribute can be judged too.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args::default();
        let read = |input: ParseStream<'_>| {
            args.read(input, errors);
            // Nothing may be left, or `parse2` reports it in words of its own.
            input.step(|cursor| {
                let mut rest = *cursor;
                while let Some((_, next)) = rest.token_tree() {
                    rest = next;
                }
                Ok(((), rest))
            })
        };
        if let Err(error) = read.parse2(tokens) {
            errors.push(error);
        }
        conflict::check(&args, errors);
        args
    }

    pub(crate) fn setting(&self, key: Key) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.key == key)
    }

    pub(crate) fn states(&self, key: Key) -> Option<Span> {
        self.stated.iter().find(|(stated, _)| *stated == key).map(|(_, span)| *span)
    }

    fn read(&mut self, input: ParseStream<'_>, errors: &mut Errors) {
        while !input.is_empty() {
            self.read_one(input, errors);
            if input.is_empty() {
                break;
            }
            if is_punct(input, ',') {
                skip(input);
            } else if begins_argument(input) {
                errors.push(Error::new(input.span(), "expected `,` between two arguments"));
            } else {
                errors.push(Error::new(input.span(), "expected `,` or the end of the arguments"));
                skip_to_comma(input);
                if !input.is_empty() {
                    skip(input);
                }
            }
        }
    }

    fn read_one(&mut self, input: ParseStream<'_>, errors: &mut Errors) {
        let Some((key, span)) = key_name(input) else {
            errors.push(positional(input));
            skip_to_comma(input);
            return;
        };
        skip(input);
        let Some(known) = Key::ALL.iter().copied().find(|known| known.name() == key) else {
            errors.push(Error::new(span, self.unknown(&key, span)));
            skip_to_comma(input);
            return;
        };
        let again = self.states(known).is_some();
        if again {
            errors.push(Error::new(span, format!("`{key}` is given twice: remove one of them")));
        }
        self.stated.push((known, span));
        let needs = || Error::new(span, format!("`{key}` needs a value: `{key} = {}`", known.example()));
        if !is_punct(input, '=') || input.peek(syn::Token![==]) || input.peek(syn::Token![=>]) {
            errors.push(needs());
            skip_to_comma(input);
            return;
        }
        skip(input);
        if input.is_empty() || is_punct(input, ',') {
            errors.push(needs());
            return;
        }
        let ahead = input.fork();
        match ahead.parse::<Expr>() {
            Ok(expr) => {
                input.advance_to(&ahead);
                if !again {
                    self.accept(known, span, &expr, errors);
                }
            }
            Err(error) => {
                let message = format!("`{key}` cannot be read ({error}): write `{key} = {}`", known.example());
                errors.push(Error::new(input.span(), message));
                skip_to_comma(input);
            }
        }
    }

    fn accept(&mut self, key: Key, key_span: Span, expr: &Expr, errors: &mut Errors) {
        let value = value::peel(expr);
        let outcome = match key.kind() {
            Kind::Name => value::name(value).map(|name| self.name = Some(name)),
            Kind::Key => key::parse(expr).map(|key| self.key = Some(key)),
            Kind::Count | Kind::Time | Kind::Share => number::setting(key, value, expr)
                .map(|given| self.settings.push(Setting { key, key_span, value: expr.clone(), given })),
            Kind::Preset => value::preset(value).map(|preset| self.preset = Some((preset, key_span))),
            Kind::Fallback => {
                self.fallback_span = Some(key_span);
                Fallback::parse(value).map(|fallbacks| self.fallbacks = fallbacks)
            }
            Kind::FallbackOn => {
                self.fallback_on_span = Some(key_span);
                value::fallback_on(value).map(|any| self.fallback_on_any = any)
            }
            Kind::OnOpen => value::on_open(value).map(|on_open| self.on_open = Some(on_open)),
            Kind::FailureIf => value::predicate(key, value).map(|closure| self.failure_if = Some(closure)),
            Kind::IgnoreIf => value::predicate(key, value).map(|closure| self.ignore_if = Some(closure)),
            Kind::Returns => value::returns(value).map(|()| self.returns_future = Some(key_span)),
            Kind::Crate => value::krate(value).map(|path| self.krate = Some(path)),
        };
        if let Err(error) = outcome {
            errors.push(error);
        }
    }

    /// What to say of an unknown key. What was probably meant counts as stated.
    fn unknown(&mut self, name: &str, span: Span) -> String {
        if name == "backoff" {
            return "unknown argument `backoff`: write its three parts, such as \
                    `multiplier = 2.0, max_recovery_timeout = \"10m\", jitter = 0.1`"
                .to_owned();
        }
        if let Some((key, word)) = suggest::argument(name) {
            self.stated.push((key, span));
            let ours = key.name();
            return match word {
                "" => format!("unknown argument `{name}`, did you mean `{ours}`?"),
                word => format!("unknown argument `{name}`, did you mean `{ours}`? ({word})"),
            };
        }
        let all: Vec<String> = Key::ALL.iter().map(|key| format!("`{}`", key.name())).collect();
        format!("unknown argument `{name}`, the arguments are {}", all.join(", "))
    }
}

/// The word at the start of an argument. Keywords are words too: `crate`.
fn key_name(input: ParseStream<'_>) -> Option<(String, Span)> {
    let (ident, _) = input.cursor().ident()?;
    let name = ident.to_string();
    // `path::to` is no key.
    (!input.peek2(syn::Token![::])).then(|| (name.strip_prefix("r#").unwrap_or(&name).to_owned(), ident.span()))
}

/// What to say of something that is no `key = value`.
fn positional(input: ParseStream<'_>) -> Error {
    let span = input.span();
    let Some((tree, _)) = input.cursor().token_tree() else {
        return Error::new(span, "expected `key = value`");
    };
    let text = tree.to_string();
    let message = match &tree {
        TokenTree::Punct(punct) if punct.as_char() == ',' => {
            "expected an argument before this `,`: remove it".to_owned()
        }
        TokenTree::Literal(_) if text.starts_with('"') => {
            format!("arguments are written `key = value`: write `name = {text}`")
        }
        TokenTree::Literal(_) => format!("arguments are written `key = value`, such as `failure_threshold = {text}`"),
        _ => "arguments are written `key = value`, such as `failure_threshold = 5`".to_owned(),
    };
    Error::new(span, message)
}

/// Whether an argument begins here, so that a comma was forgotten.
fn begins_argument(input: ParseStream<'_>) -> bool {
    let Some((ident, rest)) = input.cursor().ident() else { return false };
    let followed = rest.punct().is_some_and(|(punct, _)| punct.as_char() == '=');
    followed || Key::ALL.iter().any(|key| ident == key.name())
}

fn is_punct(input: ParseStream<'_>, wanted: char) -> bool {
    input.cursor().punct().is_some_and(|(punct, _)| punct.as_char() == wanted)
}

fn skip(input: ParseStream<'_>) {
    // The only error is the end of the input, and then there is nothing to skip.
    let _ = input.step(|cursor| cursor.token_tree().map_or_else(|| Ok(((), *cursor)), |(_, rest)| Ok(((), rest))));
}

/// Skips what is left of an argument, so that the next one can be read: up to a comma that a new
/// argument follows, since closures and generics have commas of their own.
fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() {
        if is_punct(input, ',') {
            let ahead = input.fork();
            skip(&ahead);
            if ahead.is_empty() || begins_argument(&ahead) || !inside_generics_or_closure(&ahead) {
                return;
            }
        }
        skip(input);
    }
}

/// Whether the tokens up to the next comma end something that was opened before: `b>` or `b|`.
fn inside_generics_or_closure(input: ParseStream<'_>) -> bool {
    let mut cursor = input.cursor();
    let mut opened = 0_u32;
    while let Some((tree, rest)) = cursor.token_tree() {
        match &tree {
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' => return false,
                '|' => return true,
                '<' => opened += 1,
                '>' if opened == 0 => return true,
                '>' => opened -= 1,
                _ => {}
            },
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return false,
            _ => {}
        }
        cursor = rest;
    }
    false
}
