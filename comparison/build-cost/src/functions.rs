//! The source of the measured crates: many functions of the kinds that people annotate. Each crate has
//! the same functions; they differ in the attribute above each, and in nothing else.

use std::fmt::Write;

/// What stands above each function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Nothing: what the others are compared with.
    None,
    /// `#[circuit_breaker]` alone.
    Bare,
    /// `#[circuit_breaker(..)]` with settings, fallbacks and errors of all kinds.
    Stated,
    /// `#[tracing::instrument]` alone.
    Instrument,
}

impl Attribute {
    pub const ALL: [Attribute; 4] = [Attribute::None, Attribute::Bare, Attribute::Stated, Attribute::Instrument];

    /// The name, as crates have it.
    pub fn krate(self) -> &'static str {
        match self {
            Attribute::None => "plain",
            Attribute::Bare => "bare",
            Attribute::Stated => "stated",
            Attribute::Instrument => "instrument",
        }
    }

    /// What the crate has that `plain` has not.
    pub fn describe(self) -> &'static str {
        match self {
            Attribute::None => "no attribute",
            Attribute::Bare => "#[circuit_breaker]",
            Attribute::Stated => "#[circuit_breaker(..)]",
            Attribute::Instrument => "#[tracing::instrument]",
        }
    }

    fn text(self, kind: &Kind) -> String {
        match self {
            Attribute::None => String::new(),
            Attribute::Bare => "#[breakerbox::circuit_breaker]".to_owned(),
            Attribute::Stated if kind.arguments.is_empty() => "#[breakerbox::circuit_breaker]".to_owned(),
            Attribute::Stated => format!("#[breakerbox::circuit_breaker({})]", kind.arguments),
            Attribute::Instrument => "#[tracing::instrument]".to_owned(),
        }
    }
}

/// One kind of function.
struct Kind {
    /// What `Stated` writes between the parentheses.
    arguments: &'static str,
    /// From `pub` to the return type; `@` is the number of the function.
    signature: &'static str,
    body: Body,
    /// A call of it.
    call: &'static str,
    is_method: bool,
}

enum Body {
    Sync,
    Async,
    Option,
}

const KINDS: &[Kind] = &[
    Kind {
        arguments: "",
        signature: "pub fn quote_@(symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Sync,
        call: "quote_@(symbol, @)",
        is_method: false,
    },
    Kind {
        arguments: "",
        signature: "pub async fn quote_@(symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Async,
        call: "ready(quote_@(symbol, @))",
        is_method: false,
    },
    Kind {
        arguments: "failure_threshold = 3, recovery_timeout = 30",
        signature: "pub fn quote_@(&self, symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Sync,
        call: "client.quote_@(symbol, @)",
        is_method: true,
    },
    Kind {
        arguments: "name = \"client\"",
        signature: "pub async fn quote_@(&self, symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Async,
        call: "ready(client.quote_@(symbol, @))",
        is_method: true,
    },
    Kind {
        arguments: "",
        signature: "pub fn quote_@<S: AsRef<str> + Debug>(symbol: S, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Sync,
        call: "quote_@(symbol, @)",
        is_method: false,
    },
    Kind {
        arguments: "name = \"quotes\", failure_threshold = 3, fallback = cached",
        signature: "pub fn quote_@(symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Sync,
        call: "quote_@(symbol, @)",
        is_method: false,
    },
    Kind {
        arguments: "name = \"quotes\", recovery_timeout = \"10s\", fallback = cached_later",
        signature: "pub async fn quote_@(symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Async,
        call: "ready(quote_@(symbol, @))",
        is_method: false,
    },
    Kind {
        arguments: "on_open = |refused| QuoteError::Refused(refused.to_string())",
        signature: "pub fn quote_@(symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Sync,
        call: "quote_@(symbol, @)",
        is_method: false,
    },
    Kind {
        arguments: "failure_rate_threshold = 0.5, window_size = 50",
        signature: "pub fn quote_@(symbol: &str, count: u32) -> Option<Quote>",
        body: Body::Option,
        call: "quote_@(symbol, @).ok_or(QuoteError::Empty)",
        is_method: false,
    },
    Kind {
        arguments: "preset = external_api",
        signature: "pub async fn quote_@<S: AsRef<str> + Debug>(symbol: S, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Async,
        call: "ready(quote_@(symbol, @))",
        is_method: false,
    },
    Kind {
        arguments: "name = \"client\", timeout = 2",
        signature: "pub async fn quote_@(&self, symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Async,
        call: "ready(client.quote_@(symbol, @))",
        is_method: true,
    },
    Kind {
        arguments: "ignore_if = |error| matches!(error, QuoteError::Empty), fallback = || Ok(Quote::default())",
        signature: "pub fn quote_@(symbol: &str, count: u32) -> Result<Quote, QuoteError>",
        body: Body::Sync,
        call: "quote_@(symbol, @)",
        is_method: false,
    },
];

/// How many kinds of functions there are.
pub const KINDS_OF_FUNCTIONS: usize = KINDS.len();

/// `src/lib.rs` with so many functions, and `call_all` that calls each once.
pub fn library(attribute: Attribute, count: usize) -> String {
    let (mut text, mut methods) = (common(attribute), String::new());
    for (number, kind) in (0..count).zip(KINDS.iter().cycle()) {
        let body = match kind.body {
            Body::Sync => body("price(symbol, count)?", number, "Err(QuoteError::Empty)", "Ok(quote)"),
            Body::Async => body("price_later(symbol, count).await?", number, "Err(QuoteError::Empty)", "Ok(quote)"),
            Body::Option => body("price(symbol, count).ok()?", number, "None", "Some(quote)"),
        };
        let signature = kind.signature.replace('@', &number.to_string());
        let place = if kind.is_method { &mut methods } else { &mut text };
        let _ = writeln!(place, "{}\n{signature} {body}\n", attribute.text(kind));
    }
    let _ = writeln!(text, "impl Client {{\n{methods}}}\n");
    text.push_str("pub fn call_all(client: &Client, symbol: &str) -> f64 {\n    let mut total = 0.0;\n");
    for (number, kind) in (0..count).zip(KINDS.iter().cycle()) {
        let _ = writeln!(text, "    total += worth({});", kind.call.replace('@', &number.to_string()));
    }
    text.push_str("    total\n}\n");
    text
}

/// `src/main.rs`.
pub fn program(krate: &str) -> String {
    format!(
        "//! Calls every function.\n\
         fn main() {{\n    \
             let client = std::hint::black_box({krate}::Client::default());\n    \
             println!(\"{{}}\", {krate}::call_all(&client, std::hint::black_box(\"ACME\")));\n\
         }}\n"
    )
}

/// A body of a few statements, with an early return and a `?`.
fn body(price: &str, number: usize, failed: &str, done: &str) -> String {
    format!(
        "{{
    let symbol: &str = symbol.as_ref();
    if symbol.is_empty() {{
        return {failed};
    }}
    let price = {price};
    let mut quote = Quote {{ symbol: symbol.to_owned(), price, count }};
    for level in 1..=count.min({number}) {{
        quote.price += f64::from(level) * 0.01;
        if quote.price > 1000.0 {{
            break;
        }}
    }}
    {done}
}}"
    )
}

/// What the functions share.
fn common(attribute: Attribute) -> String {
    let refused = match attribute {
        Attribute::Bare | Attribute::Stated => {
            "impl From<breakerbox::CircuitBreakerError> for QuoteError {
    fn from(refused: breakerbox::CircuitBreakerError) -> Self {
        QuoteError::Refused(refused.to_string())
    }
}
"
        }
        Attribute::None | Attribute::Instrument => "",
    };
    format!("{COMMON}{refused}")
}

const COMMON: &str = r#"//! Functions that stand for those of a service.
#![allow(dead_code)]

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

#[derive(Clone, Debug, Default)]
pub struct Quote {
    pub symbol: String,
    pub price: f64,
    pub count: u32,
}

#[derive(Debug)]
pub enum QuoteError {
    Empty,
    Unknown(String),
    Refused(String),
}

#[derive(Debug, Default)]
pub struct Client {
    pub base: String,
}

fn price(symbol: &str, count: u32) -> Result<f64, QuoteError> {
    if symbol.len() > 8 { Err(QuoteError::Unknown(symbol.to_owned())) } else { Ok(f64::from(count)) }
}

async fn price_later(symbol: &str, count: u32) -> Result<f64, QuoteError> {
    price(symbol, count)
}

fn cached(_symbol: &str, count: u32) -> Result<Quote, QuoteError> {
    Ok(Quote { count, ..Quote::default() })
}

async fn cached_later(_symbol: &str, count: u32) -> Result<Quote, QuoteError> {
    Ok(Quote { count, ..Quote::default() })
}

fn worth(quote: Result<Quote, QuoteError>) -> f64 {
    quote.map_or(0.0, |quote| quote.price)
}

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

"#;
