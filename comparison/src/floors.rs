//! What nothing can undercut: the bare call, and the bare call with one more thing.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::loops::{asynchronous, sync};
use crate::subject::Setting::{Consecutive, CountWindow, TimeWindow};
use crate::subject::{AsyncWay, Peer, Setting, SyncWay};
use crate::work::{ready, work};

const SETTINGS: &[Setting] = &[Consecutive, CountWindow, TimeWindow];

/// A counter with its cache line to itself; the neighbouring line is fetched along with it.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// A line that each thread has for itself.
#[derive(Default)]
struct OwnLine(Box<Line>);

impl Clone for OwnLine {
    fn clone(&self) -> Self {
        Self::default()
    }
}

pub fn bare() -> Peer<SyncWay> {
    Peer::new("bare call", "", SETTINGS, |_| sync!(x => work(x)))
}

pub fn async_bare() -> Peer<AsyncWay> {
    Peer::new("bare future", "", SETTINGS, |_| asynchronous!(x => ready(x)))
}

/// The bare call with one more thing.
pub fn all() -> Vec<Peer<SyncWay>> {
    vec![
        Peer::new("+ relaxed load", "", SETTINGS, |_| {
            let line = Arc::new(Line::default());
            sync!(line, x => {
                black_box(line.0.load(Ordering::Relaxed));
                work(x)
            })
        }),
        Peer::new("+ fetch_add, own line", "", SETTINGS, |_| {
            let line = OwnLine::default();
            sync!(line, x => {
                line.0.0.fetch_add(1, Ordering::Relaxed);
                work(x)
            })
        })
        .note("uncontended: each thread has a line of its own"),
        Peer::new("+ fetch_add, one line", "", SETTINGS, |_| {
            let line = Arc::new(Line::default());
            sync!(line, x => {
                line.0.fetch_add(1, Ordering::Relaxed);
                work(x)
            })
        })
        .note("contended, if there are two threads"),
        Peer::new("+ Instant::now", "", SETTINGS, |_| {
            sync!(x => {
                black_box(Instant::now());
                work(x)
            })
        }),
    ]
}
