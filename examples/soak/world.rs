//! All breakers, backends, callers and troublemakers of one soak, from its beginning to its end.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use breakerbox::{Registry, Subscription};
use fastrand::Rng;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::args::Args;
use crate::callers::{self, COURIER};
use crate::faces::Face;
use crate::inspect::at_rest;
use crate::lab;
use crate::law::{self, Law, check, same};
use crate::listeners::{self, Chain};
use crate::memory::Samples;
use crate::outage::{Backend, Chaos};
use crate::report::Figures;
use crate::settings::{milliseconds, valid};
use crate::target::{Target, Way};
use crate::work::{Luck, Pace, Work};
use crate::{churn, clocks, inspect, operators};

const STORM: u8 = 0;
/// Backends work, nobody makes trouble, and the breakers are to recover.
const CALM: u8 = 1;
const OVER: u8 = 2;

const BACKENDS: usize = 4;
/// Nobody operates on the breakers of this backend, so that what it is spared is their work.
pub(crate) const SPARED: usize = 0;

pub(crate) struct World {
    pub(crate) targets: Vec<Arc<Target>>,
    pub(crate) courier: Arc<Target>,
    pub(crate) backends: Vec<Backend>,
    inside: Vec<usize>,
    outside: Vec<usize>,
    phase: AtomicU8,
}

impl World {
    fn new(args: &Args, registry: &Registry, rng: &mut Rng) -> io::Result<World> {
        let mut targets = Vec::new();
        for number in 0..args.breakers {
            let way = if number % 3 == 0 { Way::Backend(number / 3 % BACKENDS) } else { Way::Inside };
            let is_operated = way != Way::Backend(SPARED);
            let settings = valid(rng, way);
            // Some settings by chance never open a circuit; where nobody changes them they have to.
            let settings = if is_operated { settings } else { settings.failure_threshold(rng.u32(2..6)) };
            let breaker = registry.get_or_insert(&format!("breaker {number}"), settings).map_err(io::Error::other)?;
            targets.push(Target::new(breaker, Face::Handle, way, is_operated, number % 2 == 0));
        }
        for (face, name) in Face::ANNOTATED {
            let breaker =
                breakerbox::breaker(name).ok_or_else(|| io::Error::other(format!("'{name}' is not listed")))?;
            let way = match face {
                Face::Plain => Way::Backend(1),
                Face::WithFallback => Way::Backend(SPARED),
                _ => Way::Inside,
            };
            let is_clocked = matches!(face, Face::Limited | Face::Ignoring);
            targets.push(Target::new(breaker, face, way, way != Way::Backend(SPARED), is_clocked));
        }
        let courier = Target::new(COURIER.clone(), Face::Handle, Way::Inside, true, false);
        targets.push(Arc::clone(&courier));
        let (inside, outside) = (0..targets.len()).partition(|number| targets[*number].way == Way::Inside);
        let backends = (0..BACKENDS).map(|_| Backend::default()).collect();
        Ok(World { targets, courier, backends, inside, outside, phase: AtomicU8::new(STORM) })
    }

    pub(crate) fn is_storm(&self) -> bool {
        self.phase.load(SeqCst) == STORM
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.phase.load(SeqCst) == CALM
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase.load(SeqCst) == OVER
    }

    /// Sleeps, but not beyond the storm.
    pub(crate) fn sleep(&self, time: Duration) {
        let begin = Instant::now();
        while let Some(left) = time.checked_sub(begin.elapsed())
            && self.is_storm()
        {
            thread::sleep(left.min(Duration::from_millis(20)));
        }
    }

    pub(crate) fn calls_of_backend(&self, backend: usize) -> u64 {
        let way = Way::Backend(backend);
        self.targets.iter().filter(|target| target.way == way).map(|target| target.all_calls()).sum()
    }

    /// Calls over TCP cost more, so there are fewer of them.
    pub(crate) fn pick(&self, rng: &mut Rng) -> &Arc<Target> {
        let from = if rng.u8(0..12) == 0 { &self.outside } else { &self.inside };
        &self.targets[from[rng.usize(0..from.len())]]
    }

    pub(crate) fn work(&self, target: &Target, rng: &mut Rng) -> Work {
        let is_calm = self.is_calm();
        if let Way::Backend(number) = target.way {
            let patience = if is_calm { Duration::from_secs(10) } else { Duration::from_millis(150) };
            return Work { pace: Pace::Asks(self.backends[number].port(), patience), luck: Luck::Good };
        }
        if is_calm {
            return Work { pace: Pace::AtOnce, luck: Luck::Good };
        }
        let luck = match rng.u32(0..100) {
            97.. => Luck::Busy,
            95..97 => Luck::Unlucky,
            chance if chance < target.weather.load(SeqCst) => Luck::Down,
            _ => Luck::Good,
        };
        let pace = match rng.u16(0..1000) {
            0..3 => Pace::Panics,
            3..50 => Pace::Sleeps(milliseconds(rng, 0..25)),
            50..150 => Pace::Yields(rng.u8(1..5)),
            _ => Pace::AtOnce,
        };
        Work { pace, luck }
    }

    /// Good and bad times of what is called inside.
    fn change_weather(&self, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        while self.is_storm() {
            for number in &self.inside {
                if rng.u8(0..4) == 0 {
                    self.targets[*number].weather.store([0, 0, 0, 5, 30, 95][rng.usize(0..6)], SeqCst);
                }
            }
            thread::sleep(milliseconds(&mut rng, 50..200));
        }
    }

    /// Waits until each breaker has been seen closed.
    fn recover(&self) {
        let begin = Instant::now();
        let mut waiting: Vec<&Arc<Target>> = self.targets.iter().collect();
        while !waiting.is_empty() && begin.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(5));
            waiting.retain(|target| {
                let has_recovered = target.breaker.can_execute() && target.breaker.state() == breakerbox::State::Closed;
                if has_recovered {
                    check(Law::AllRecover, true, String::new);
                }
                !has_recovered
            });
        }
        for target in waiting {
            check(Law::AllRecover, false, || format!("{:?}", target.breaker.status()));
        }
    }
}

/// Ends everything, also if a panic gets in between: threads that are waited for must not go on.
struct EndOnDrop<'w>(&'w World, u8);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.phase.fetch_max(self.1, SeqCst);
    }
}

/// Joins a thread. One that has panicked is told of by the hook.
fn join<T>(handle: thread::ScopedJoinHandle<'_, T>) -> Option<T> {
    handle.join().ok()
}

/// A soak, from nothing to nothing. `progress` is called again and again while the storm lasts.
pub(crate) fn soak(args: &Args, progress: impl FnMut(Duration, &World)) -> io::Result<Figures> {
    let mut rng = Rng::with_seed(args.seed);
    // What an earlier one has left of the annotated functions.
    breakerbox::reset_all();
    let registry = Registry::new();
    let world = Arc::new(World::new(args, &registry, &mut rng)?);
    let global = breakerbox::registry();
    let followed = [&registry, global].map(Chain::follow);
    let lost = global.lost_events() + registry.lost_events();
    let mut subscriptions: Vec<Subscription> = Vec::new();
    for registry in [&registry, global] {
        subscriptions.extend([listeners::panicking(registry), listeners::slow(registry)]);
        subscriptions.push(listeners::meddling(registry).map_err(io::Error::other)?);
    }
    let chaos = world.backends.iter().enumerate();
    let chaos =
        chaos.map(|(number, backend)| Chaos::start(number, backend, rng.u64(..))).collect::<io::Result<Vec<_>>>()?;
    let runtime = Runtime::new()?;
    let tasks = start_tasks(args, &world, &runtime, &mut rng);

    let samples = thread::scope(|scope| {
        let _end = EndOnDrop(&world, OVER);
        for _ in 0..args.threads {
            let (world, seed) = (&world, rng.u64(..));
            scope.spawn(move || callers::thread(world, seed));
        }
        for _ in 0..2 {
            let (world, seed) = (&world, rng.u64(..));
            scope.spawn(move || inspect::watch(world, seed));
        }
        let (samples, _backends) = storm(args, &world, &registry, chaos, &mut rng, progress)?;
        if !law::is_any_broken() {
            world.recover();
        }
        io::Result::Ok(samples)
    })?;

    runtime.block_on(async {
        for task in tasks {
            // One that has panicked is told of by the hook.
            let _ = task.await;
        }
    });
    for target in &world.targets {
        // The hook has told of a panic; the report is still to come.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| at_rest(target)));
    }
    drop(runtime);
    if global.lost_events() + registry.lost_events() == lost {
        for target in &world.targets {
            let heard: u64 = followed.iter().map(|(chain, _)| chain.heard(target.name())).sum();
            same(Law::EventsAllHeard, target.name(), &heard, &target.since(transitions));
        }
    }
    samples.judge();
    Ok(Figures::of(&world, &samples))
}

fn transitions(totals: &breakerbox::Totals) -> u64 {
    let moved = &totals.transitions;
    let opened = moved.closed_to_open + moved.half_open_to_open + moved.open_to_open;
    opened + moved.closed_to_half_open + moved.open_to_half_open + moved.open_to_closed + moved.half_open_to_closed
}

fn start_tasks(args: &Args, world: &Arc<World>, runtime: &Runtime, rng: &mut Rng) -> Vec<tokio::task::JoinHandle<()>> {
    let (parcels, received) = mpsc::channel(16);
    let mut tasks = vec![runtime.spawn(callers::deliver(Arc::clone(world), received, rng.u64(..)))];
    for _ in 0..args.tasks {
        tasks.push(runtime.spawn(callers::task(Arc::clone(world), parcels.clone(), rng.u64(..))));
    }
    tasks
}

/// The storm. Returns when all who make trouble have ended, with the backends, which work again.
fn storm(
    args: &Args,
    world: &Arc<World>,
    registry: &Registry,
    chaos: Vec<Chaos>,
    rng: &mut Rng,
    mut progress: impl FnMut(Duration, &World),
) -> io::Result<(Samples, Vec<Chaos>)> {
    let global = breakerbox::registry();
    let time = Duration::from_secs(args.seconds);
    // Each second, or more often if it is short.
    let step = (time / 40).clamp(Duration::from_millis(100), Duration::from_secs(1));
    let mut samples = Samples::with_capacity(time.as_millis().div_ceil(step.as_millis()) as usize + 1);
    thread::scope(|scope| {
        let calm = EndOnDrop(world, CALM);
        let mut others: Vec<thread::ScopedJoinHandle<'_, ()>> = Vec::new();
        let mut seed = || rng.u64(..);
        for number in 0..3 {
            let (first, second, third) = (seed(), seed(), seed());
            others.push(scope.spawn(move || operators::operate(world, first)));
            others.push(scope.spawn(move || inspect::inspect(world, number, 3, second)));
            if number > 0 {
                others.push(scope.spawn(move || lab::experiment(world, third)));
            }
        }
        let (first, second, third, fourth, fifth) = (seed(), seed(), seed(), seed(), seed());
        others.push(scope.spawn(move || clocks::exchange(world, fifth)));
        others.push(scope.spawn(move || world.change_weather(first)));
        others.push(scope.spawn(move || churn::come_and_go(world, registry, "passing", second)));
        others.push(scope.spawn(move || churn::come_and_go(world, global, "passing by", third)));
        others.push(scope.spawn(move || listeners::come_and_go(world, [registry, global], fourth)));
        let backends: Vec<_> = chaos.into_iter().map(|one| scope.spawn(move || one.rage(world))).collect();

        let begin = Instant::now();
        let mut sampled = 0;
        while begin.elapsed() < time && !law::is_any_broken() {
            progress(begin.elapsed(), world);
            if begin.elapsed() >= step * sampled {
                samples.take(args.is_light);
                sampled += 1;
            }
            thread::sleep(Duration::from_millis(50));
        }
        drop(calm);
        for other in others {
            join(other);
        }
        let backends = backends.into_iter().filter_map(join).collect::<io::Result<Vec<_>>>()?;
        Ok((samples, backends))
    })
}

/// Hears of every panic. One that belongs to the program stays unheard.
pub(crate) fn mind_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let is_planned = crate::work::is_planned(info.payload());
        check(Law::PanicsArePlanned, is_planned, || info.to_string());
        if !is_planned {
            before(info);
        }
    }));
}
