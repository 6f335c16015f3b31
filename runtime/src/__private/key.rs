//! The `key` of a call: looks up the breaker for whatever the expression is. Which breakers there are, and
//! how they are named, is `crate::registry`.

use std::fmt::Display;
use std::ops::Deref;

use crate::breaker::Core;
use crate::global::KeyedSite;
use crate::handle::CircuitBreaker;

/// What a `key` may be. No type is it: the compiler asks for it where all else has failed.
#[diagnostic::on_unimplemented(
    message = "`key` must be text: `{Self}` is neither `AsRef<str>` nor `Display`",
    label = "neither `AsRef<str>` nor `Display`",
    note = "write an expression that is, such as `key = url.host_str().unwrap_or(\"-\")` or `key = format_args!(\"{{region}}/{{shard}}\")`",
    note = "a type parameter needs one of the two as its bound"
)]
pub trait KeyText {}

/// Text, if it is `AsRef<str>`; otherwise what it derefs to. Chosen by the compiler, since nothing could be
/// written for both kinds at once.
#[derive(Debug)]
pub struct Text<'a, T: ?Sized>(Displayed<'a, T>);

/// Text, if it is `Display`; otherwise what it derefs to.
#[derive(Debug)]
pub struct Displayed<'a, T: ?Sized>(Neither<'a, T>);

/// No text at all.
#[derive(Debug)]
pub struct Neither<'a, T: ?Sized>(&'a T);

impl<'a, T: ?Sized> Text<'a, T> {
    #[inline]
    pub fn new(key: &'a T) -> Self {
        Text(Displayed(Neither(key)))
    }
}

impl<T: AsRef<str> + ?Sized> Text<'_, T> {
    #[inline]
    pub fn of(&self, site: &'static KeyedSite) -> CircuitBreaker {
        site.family().get(self.0.0.0.as_ref())
    }
}

impl<'a, T: ?Sized> Deref for Text<'a, T> {
    type Target = Displayed<'a, T>;

    #[inline]
    fn deref(&self) -> &Displayed<'a, T> {
        &self.0
    }
}

impl<T: Display + ?Sized> Displayed<'_, T> {
    #[inline]
    pub fn of(&self, site: &'static KeyedSite) -> CircuitBreaker {
        site.family().get_display(self.0.0)
    }
}

impl<'a, T: ?Sized> Deref for Displayed<'a, T> {
    type Target = Neither<'a, T>;

    #[inline]
    fn deref(&self) -> &Neither<'a, T> {
        &self.0
    }
}

impl<T: ?Sized> Neither<'_, T> {
    pub fn of(&self, site: &'static KeyedSite) -> CircuitBreaker
    where
        T: KeyText,
    {
        site.family().get("")
    }
}

/// A part of an argument, lent to the key: itself, if it is `Copy`; otherwise by reference.
#[derive(Debug)]
pub struct Lent<'a, T>(Borrowed<'a, T>);

/// A part of an argument by reference.
#[derive(Debug)]
pub struct Borrowed<'a, T>(&'a T);

impl<'a, T> Lent<'a, T> {
    #[inline]
    pub fn new(part: &'a T) -> Self {
        Lent(Borrowed(part))
    }
}

impl<T: Copy> Lent<'_, T> {
    #[inline]
    pub fn value(&self) -> T {
        *self.0.0
    }
}

impl<'a, T> Deref for Lent<'a, T> {
    type Target = Borrowed<'a, T>;

    #[inline]
    fn deref(&self) -> &Borrowed<'a, T> {
        &self.0
    }
}

impl<'a, T> Borrowed<'a, T> {
    #[inline]
    pub fn value(&self) -> &'a T {
        self.0
    }
}

/// Evaluates a key, in a scope of its own.
#[inline(always)]
pub fn held(look_up: impl FnOnce() -> CircuitBreaker) -> CircuitBreaker {
    look_up()
}

/// What a call asks, as long as it holds the breaker.
#[inline(always)]
pub fn core(held: &CircuitBreaker) -> &Core {
    &held.core
}
