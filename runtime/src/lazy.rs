//! What [`call_async`](crate::CircuitBreaker::call_async) takes: a future, or a function that makes one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// What `call_async` runs: a future, or a function that makes one. `M` tells them apart.
pub trait IntoCall<M> {
    /// What the call returns.
    type Output;
    /// The future of the call, which has begun nothing before it is polled.
    type Future: Future<Output = Self::Output>;

    /// Makes it a future.
    fn into_call(self) -> Self::Future;
}

/// Marks a call that is a future.
#[derive(Debug)]
pub struct AsFuture;

/// Marks a call that is a function which makes a future.
#[derive(Debug)]
pub struct AsFunction;

impl<F: Future> IntoCall<AsFuture> for F {
    type Output = F::Output;
    type Future = F;

    #[inline]
    fn into_call(self) -> F {
        self
    }
}

impl<F, U> IntoCall<AsFunction> for F
where
    F: FnOnce() -> U,
    U: Future,
{
    type Output = U::Output;
    type Future = Lazy<F, U>;

    #[inline]
    fn into_call(self) -> Lazy<F, U> {
        Lazy { function: Some(self), future: None }
    }
}

pin_project! {
    /// A future that is made when it is first polled.
    #[derive(Debug)]
    pub struct Lazy<F, U> {
        function: Option<F>,
        #[pin]
        future: Option<U>,
    }
}

impl<F, U> Future for Lazy<F, U>
where
    F: FnOnce() -> U,
    U: Future,
{
    type Output = U::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<U::Output> {
        let mut this = self.project();
        if let Some(function) = this.function.take() {
            this.future.set(Some(function()));
        }
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            // Only if the function panicked, and someone polls it again all the same.
            None => Poll::Pending,
        }
    }
}
