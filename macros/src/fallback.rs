//! `fallback = ..`: reads it, and writes the call of one fallback. When it is called, and with
//! which copies of the arguments, is `expand`.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Expr, ExprClosure, ExprField, ExprLit, Lit, Member, Path, Result};

use crate::value::{parameters, peel};

/// What answers in place of the function.
pub(crate) enum Fallback {
    /// A function, which takes what the function takes.
    Path(Expr),
    /// `self.method`
    Method(ExprField),
    /// The parameters of the function are in scope in it.
    Closure(Box<ExprClosure>),
}

impl Fallback {
    /// Reads one fallback, or a chain in brackets.
    pub(crate) fn parse(expr: &Expr) -> Result<Vec<Fallback>> {
        let Expr::Array(chain) = expr else { return Ok(vec![Fallback::parse_one(expr)?]) };
        if chain.elems.is_empty() {
            return Err(Error::new_spanned(
                expr,
                "`fallback` needs at least one function: `fallback = [first, second]`",
            ));
        }
        let mut fallbacks = Vec::new();
        let mut mistakes: Option<Error> = None;
        for element in &chain.elems {
            match Fallback::parse_one(peel(element)) {
                Ok(fallback) => fallbacks.push(fallback),
                Err(error) => match &mut mistakes {
                    Some(mistakes) => mistakes.combine(error),
                    None => mistakes = Some(error),
                },
            }
        }
        mistakes.map_or(Ok(fallbacks), Err)
    }

    fn parse_one(expr: &Expr) -> Result<Fallback> {
        let message = match expr {
            Expr::Path(path) if path.path.is_ident("self") => {
                "`fallback` takes a function: `fallback = self.method`, or `fallback = Self::method`".to_owned()
            }
            Expr::Path(_) => return Ok(Fallback::Path(expr.clone())),
            Expr::Field(field) if matches!(field.member, Member::Named(_)) && roots_in_self(&field.base) => {
                return Ok(Fallback::Method(field.clone()));
            }
            Expr::Field(_) => {
                "`fallback` takes a method of `self`, such as `fallback = self.cached`, or the path of a function"
                    .to_owned()
            }
            Expr::Closure(closure) if closure.inputs.len() > 1 => {
                let message = "the closure of `fallback` takes at most one parameter, the `CircuitBreakerError`: \
                               the parameters of the function are in scope in it by name";
                return Err(Error::new_spanned(parameters(closure), message));
            }
            Expr::Closure(closure) => return Ok(Fallback::Closure(Box::new(closure.clone()))),
            Expr::Call(call) => {
                let function = call.func.to_token_stream();
                format!(
                    "`fallback` takes a function, not a call: write `fallback = {}`, or the closure `|| {}`",
                    tidy(&function),
                    tidy(expr)
                )
            }
            Expr::MethodCall(call) if roots_in_self(&call.receiver) => {
                format!(
                    "`fallback` takes a function, not a call: write `fallback = {}.{}`",
                    tidy(&call.receiver),
                    call.method
                )
            }
            Expr::MethodCall(_) => {
                format!("`fallback` takes a function, not a call: write the closure `fallback = || {}`", tidy(expr))
            }
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.parse::<Path>().is_ok() => {
                format!("`fallback` takes a function, not a string: write `fallback = {}`", text.value())
            }
            Expr::Array(_) => {
                "a chain of fallbacks holds functions, not another chain: write them in one list".to_owned()
            }
            Expr::Lit(_) | Expr::Macro(_) | Expr::Struct(_) | Expr::Tuple(_) | Expr::Block(_) => {
                format!(
                    "`fallback` takes a function: for a fixed answer write the closure `fallback = || {}`",
                    tidy(expr)
                )
            }
            _ => "`fallback` takes the path of a function, `self.method`, a closure, or a list of them in brackets"
                .to_owned(),
        };
        Err(Error::new_spanned(expr, message))
    }

    pub(crate) fn is_closure(&self) -> bool {
        matches!(self, Fallback::Closure(_))
    }

    /// What the fallback is called in messages, with the place.
    pub(crate) fn tokens(&self) -> TokenStream {
        match self {
            Fallback::Path(path) => path.to_token_stream(),
            Fallback::Method(method) => method.to_token_stream(),
            Fallback::Closure(closure) => closure.to_token_stream(),
        }
    }
}

/// `self`, `self.field`, `self.0.field`
fn roots_in_self(expr: &Expr) -> bool {
    match peel(expr) {
        Expr::Path(path) => path.path.is_ident("self"),
        Expr::Field(field) => roots_in_self(&field.base),
        _ => false,
    }
}

/// Tokens as a person would write them, near enough for a message.
pub(crate) fn tidy(tokens: &impl ToTokens) -> String {
    const TIGHT: [(&str, &str); 10] = [
        (" ::", "::"),
        (":: ", "::"),
        (" . ", "."),
        (" (", "("),
        ("& ", "&"),
        (" ,", ","),
        (" :", ":"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
    ];
    let text = tokens.to_token_stream().to_string();
    TIGHT.iter().fold(text, |text, (spaced, tight)| text.replace(spaced, tight))
}

/// An argument as it is passed to a fallback: how it is had, and its type.
pub(crate) struct Passed {
    pub(crate) value: TokenStream,
    pub(crate) ty: TokenStream,
    /// Whether it is `&mut`, borrowed again.
    pub(crate) is_lent: bool,
}

/// What the call of a fallback is made of.
pub(crate) struct Call<'a> {
    pub(crate) krate: &'a dyn Fn(Span) -> TokenStream,
    pub(crate) returned: &'a TokenStream,
    /// The receiver first, where there is one.
    pub(crate) arguments: Vec<Passed>,
    pub(crate) receiver: bool,
    /// The variable that holds the `CircuitBreakerError`.
    pub(crate) error: TokenStream,
    pub(crate) is_async: bool,
}

impl Call<'_> {
    /// The call as an expression. In an async function it is awaited, if there is anything to await.
    pub(crate) fn of(&self, fallback: &Fallback) -> TokenStream {
        let span = first(&fallback.tokens());
        let private = (self.krate)(span);
        let call = match fallback {
            Fallback::Path(path) => self.path(path),
            Fallback::Method(method) => self.method(method),
            Fallback::Closure(closure) => self.closure(closure),
        };
        if !self.is_async {
            return call;
        }
        let returned = self.returned;
        let calling = quote_spanned!(span=> || #call);
        let parentheses = parenthesized(calling, last(&fallback.tokens()));
        let function = quote_spanned!(span=> #private::reply::<);
        let rest = quote_spanned!(span=> , _, _, _>);
        let awaited = quote_spanned!(span=> .await);
        quote!(#function #returned #rest #parentheses #awaited)
    }

    fn path(&self, path: &Expr) -> TokenStream {
        let span = first(path);
        let private = (self.krate)(span);
        let types = self.arguments.iter().map(|argument| &argument.ty);
        let values = self.arguments.iter().map(|argument| &argument.value);
        let error = &self.error;
        let function = quote_spanned!(span=> #private::fallback::<(#(#types,)*), _, _>);
        let parentheses = parenthesized(quote_spanned!(span=> #path, (#(#values,)*), #error), last(path));
        quote!(#function #parentheses)
    }

    fn method(&self, method: &ExprField) -> TokenStream {
        let span = last(method);
        let values = self.arguments.iter().skip(usize::from(self.receiver)).map(|argument| &argument.value);
        // The receiver that this call is made on may be a copy with another name.
        let callee = match self.arguments.first() {
            // A borrow of it is made by the call itself.
            Some(receiver) if self.receiver && !receiver.is_lent => {
                replace_self(method.to_token_stream(), &receiver.value)
            }
            _ => method.to_token_stream(),
        };
        let parentheses = parenthesized(quote_spanned!(span=> #(#values),*), span);
        quote!(#callee #parentheses)
    }

    fn closure(&self, closure: &ExprClosure) -> TokenStream {
        let span = first(closure);
        let private = (self.krate)(span);
        let (error, returned) = (&self.error, self.returned);
        let (function, generics) = match (closure.inputs.is_empty(), self.is_async && !answers_at_once(closure)) {
            (true, false) => ("answer_unasked", quote!(::<#returned, _>)),
            (false, false) => ("answer", quote!(::<#returned, _>)),
            (true, true) => ("begin_unasked", TokenStream::new()),
            (false, true) => ("begin", TokenStream::new()),
        };
        let function = proc_macro2::Ident::new(function, span);
        let closure = self.typed(closure);
        let parentheses = parenthesized(quote_spanned!(span=> #closure, #error), span);
        quote!(#private::#function #generics #parentheses)
    }

    /// The closure, with an edge to the return type of the function where its body is an `async`
    /// block: else `Ok(..)` in it has an error of no known type.
    fn typed(&self, closure: &ExprClosure) -> TokenStream {
        let mut closure = closure.clone();
        if self.is_async {
            match &mut *closure.body {
                Expr::Async(block) => {
                    let edge = crate::context::return_edge(&(self.krate)(Span::mixed_site()), self.returned);
                    if let Ok(edge) = syn::parse2(edge) {
                        block.block.stmts.insert(0, syn::Stmt::Expr(edge, None));
                    }
                }
                Expr::Block(block) if closure.asyncness.is_some() => {
                    let edge = crate::context::return_edge(&(self.krate)(Span::mixed_site()), self.returned);
                    if let Ok(edge) = syn::parse2(edge) {
                        block.block.stmts.insert(0, syn::Stmt::Expr(edge, None));
                    }
                }
                _ => {}
            }
        }
        closure.into_token_stream()
    }
}

/// Whether a closure evidently answers without a future, so that its body can be given the return
/// type of the function and coerce to it.
fn answers_at_once(closure: &ExprClosure) -> bool {
    fn constructs(expr: &Expr) -> bool {
        match peel(expr) {
            Expr::Call(call) => match peel(&call.func) {
                Expr::Path(path) => path
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| ["Ok", "Err", "Some"].iter().any(|name| last.ident == name)),
                _ => false,
            },
            Expr::Path(path) => path.path.is_ident("None"),
            Expr::Macro(mac) => mac.mac.path.segments.last().is_some_and(|last| {
                ["panic", "todo", "unimplemented", "unreachable"].iter().any(|name| last.ident == name)
            }),
            Expr::Lit(_) => true,
            Expr::Block(block) => {
                matches!(block.block.stmts.last(), Some(syn::Stmt::Expr(tail, None)) if constructs(tail))
            }
            Expr::If(branch) => {
                matches!(branch.then_branch.stmts.last(), Some(syn::Stmt::Expr(tail, None)) if constructs(tail))
            }
            _ => false,
        }
    }
    closure.asyncness.is_none() && constructs(&closure.body)
}

/// Where generated code that stands for the user's tokens is located, without counting as theirs.
pub(crate) fn first(tokens: &impl ToTokens) -> Span {
    let span = tokens.to_token_stream().into_iter().next().map_or_else(Span::call_site, |tree| tree.span());
    Span::mixed_site().located_at(span)
}

pub(crate) fn last(tokens: &impl ToTokens) -> Span {
    let span = tokens.to_token_stream().into_iter().last().map_or_else(Span::call_site, |tree| tree.span());
    Span::mixed_site().located_at(span)
}

/// Parentheses whose end is located where the user's tokens end: rustc underlines from the first
/// token of a call to the last.
pub(crate) fn parenthesized(content: TokenStream, span: Span) -> TokenTree {
    let mut group = Group::new(Delimiter::Parenthesis, content);
    group.set_span(span);
    TokenTree::Group(group)
}

/// The same tokens with something else for `self`.
fn replace_self(tokens: TokenStream, value: &TokenStream) -> TokenStream {
    let is_self = value.to_string() == "self";
    tokens
        .into_iter()
        .flat_map(|tree| match tree {
            TokenTree::Ident(word) if word == "self" && !is_self => value.clone(),
            tree => tree.into_token_stream(),
        })
        .collect()
}
