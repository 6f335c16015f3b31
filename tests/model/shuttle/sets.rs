//! Many threads and several breakers of one registry.

use breakerbox::{Config, Registry};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::check;
use crate::made::Heard;

const NAMES: [&str; 3] = ["quotes", "orders", "mail"];

/// Breakers that are made, found, listed, removed and steered at once are each on the list once.
#[test]
fn a_registry_lists_each_name_once() {
    check(4_000, || {
        let registry = Registry::new();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let registry = registry.clone();
                thread::spawn(move || {
                    for _ in 0..6 {
                        let name = NAMES[thread_rng().gen_range(0..NAMES.len())];
                        match thread_rng().gen_range(0..6) {
                            0..2 => drop(registry.get_or_insert(name, Config::default()).expect("valid")),
                            2 => drop(registry.remove(name)),
                            3 => assert!(registry.get(name).is_none_or(|breaker| breaker.name() == name)),
                            4 => drop(registry.reset_all()),
                            _ => {
                                let listed = registry.all();
                                assert!(listed.windows(2).all(|pair| pair[0].name() < pair[1].name()));
                            }
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        let listed = registry.all();
        for name in NAMES {
            let count = listed.iter().filter(|breaker| breaker.name() == name).count();
            assert_eq!(count, usize::from(registry.get(name).is_some()));
        }
    });
}

/// A listener of two breakers that three threads steer hears each one's transitions as a chain.
#[test]
fn a_listener_hears_a_chain() {
    check(4_000, || {
        let registry = Registry::new();
        let breaker = registry.get_or_insert("quotes", Config::default()).expect("valid");
        let heard = Heard::of(&registry);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (breaker, registry) = (breaker.clone(), registry.clone());
                thread::spawn(move || {
                    for _ in 0..4 {
                        match thread_rng().gen_range(0..4) {
                            0 => breaker.open(),
                            1 => breaker.close(),
                            2 => breaker.half_open(),
                            // Another listener comes and goes.
                            _ => drop(registry.subscribe(|_| thread::yield_now())),
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        heard.assert_chain(&breaker);
    });
}
