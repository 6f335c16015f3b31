//! Plays a trace about a fleet: real registries, one an instance, each on a clock of its own, over one store in memory
//! that fails as the trace says. Between the steps every instance asks the store once an interval, as its thread would.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use breakerbox::shared::Fleet;
use breakerbox::{CircuitBreaker, Config, ManualClock, Permit, Registry};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::faulty::{Place, Way};
use crate::fleet_seen::{Shown, judge, judge_store};
use crate::fleet_settings::Settings;
use crate::play::Played;
use crate::trace::Trace;

/// Where the clocks of instances and that of the store begin, in seconds: far enough for offsets and jumps.
const BEGIN: u64 = 1_000_000;
const STORE_BEGIN: u64 = 50_000_000;
/// Rounds played one by one at either end of a long time; between them nobody does anything.
const ROUNDS: u64 = 150;
const NAME: &str = "traced";

#[derive(Debug, Deserialize)]
struct Step {
    at_ms: u64,
    inst: String,
    op: String,
    #[serde(default)]
    call: Option<u64>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    cmd: Option<String>,
    #[serde(default)]
    ms: Option<i64>,
    #[serde(default = "once")]
    repeat: u32,
    #[serde(default)]
    expect_last: bool,
    #[serde(default)]
    expect: Map<String, Value>,
}

fn once() -> u32 {
    1
}

/// Plays it with a store that does nothing while it is stopped, and with one that does what it was asked unheard.
pub(crate) fn play(trace: &Trace, fleet: &Value) -> Played {
    let settings = match Settings::read(fleet) {
        Ok(settings) => settings,
        Err(reason) => return Played::Skipped(reason),
    };
    let mut problems = Vec::new();
    for stopped in [Way::Cut, Way::Lost] {
        let played = play_once(trace, &settings, stopped);
        problems.extend(played.err().map(|problem| format!("{problem} (a stopped store is {stopped:?})")));
    }
    if problems.is_empty() { Played::Agrees { remarks: Vec::new() } } else { Played::Disagrees(problems) }
}

fn play_once(trace: &Trace, settings: &Settings, stopped: Way) -> Result<(), String> {
    let mut game = Game::new(settings, stopped)?;
    for (index, step) in trace.steps.iter().enumerate() {
        let step = Step::deserialize(step).map_err(|error| format!("step {index} is not of the format: {error}"))?;
        let place = |problem| format!("step {index} (at {} ms, {} {}): {problem}", step.at_ms, step.inst, step.op);
        for round in 1..=step.repeat {
            game.pass_to(step.at_ms);
            let is_checked = round == step.repeat || !step.expect_last;
            game.step(&step, is_checked).map_err(place)?;
        }
    }
    let fallen = game.place.fallen();
    if fallen.is_empty() { Ok(()) } else { Err(format!("an epoch fell: {}", fallen.join(", "))) }
}

/// All instances, and the store.
struct Game<'a> {
    settings: &'a Settings,
    config: Config,
    place: Place,
    stopped: Way,
    instances: BTreeMap<String, Instance>,
    /// The time of the trace, that of the next round of all, and how far the clock of the store has jumped.
    now: u64,
    next: u64,
    jumped: i64,
}

struct Instance {
    clock: ManualClock,
    fleet: Fleet,
    breaker: &'static CircuitBreaker,
    calls: BTreeMap<u64, Vec<Permit<'static>>>,
    /// Trials, when they were last counted.
    granted: usize,
    lives: bool,
}

impl<'a> Game<'a> {
    fn new(settings: &'a Settings, stopped: Way) -> Result<Self, String> {
        let config = settings.config()?;
        let place = Place::at(Duration::from_secs(STORE_BEGIN));
        let instances = BTreeMap::new();
        let mut game = Game { settings, config, place, stopped, instances, now: 0, next: 0, jumped: 0 };
        for name in &settings.instances {
            let instance = game.begin(name)?;
            game.instances.insert(name.clone(), instance);
        }
        // The fleet has been running for a while: everybody knows of everybody.
        let interval = settings.interval;
        for back in [2 * interval, interval] {
            game.set_clocks(-i128::from(back));
            game.round();
        }
        Ok(game)
    }

    /// A process of this name begins.
    fn begin(&self, name: &str) -> Result<Instance, String> {
        let clock = ManualClock::new();
        let registry = Registry::with_clock(clock.clone());
        let mut fleet = Fleet::new(self.place.connect(name))
            .sync_interval(Duration::from_millis(self.settings.interval))
            .clock(clock.clone())
            .stepped();
        if let Some(quorum) = self.settings.quorum {
            fleet = fleet.quorum(quorum);
        }
        if let Some(counts) = self.settings.counts {
            fleet = fleet.counts(counts);
        }
        // Faults are meant here: nobody has to read of them.
        registry.subscribe(|_| {}).keep();
        registry.attach(&fleet).map_err(|error| error.to_string())?;
        let breaker = registry.get_or_insert(NAME, &self.config).map_err(|error| error.to_string())?;
        // A call that is under way borrows it, and may outlive its process.
        let breaker: &'static CircuitBreaker = Box::leak(Box::new(breaker));
        // So may the registry, from which the fleet finds it.
        std::mem::forget(registry);
        let granted = self.place.granted(name);
        Ok(Instance { clock, fleet, breaker, calls: BTreeMap::new(), granted, lives: true })
    }

    fn set_clocks(&self, at_ms: i128) {
        let time = |begin: u64, offset: i64| {
            let ms = i128::from(begin) * 1000 + at_ms + i128::from(offset);
            Duration::from_millis(u64::try_from(ms).unwrap_or(0))
        };
        self.place.clock.set(time(STORE_BEGIN, self.jumped));
        for (name, instance) in &self.instances {
            instance.clock.set(time(BEGIN, self.settings.offset(name)));
        }
    }

    /// Lets the time pass, with a round of all in each interval.
    fn pass_to(&mut self, at_ms: u64) {
        let interval = self.settings.interval;
        let rounds = at_ms.saturating_sub(self.next) / interval;
        let skipped = rounds.saturating_sub(2 * ROUNDS);
        let mut played = 0;
        while self.next <= at_ms {
            if played == ROUNDS {
                self.next += skipped * interval;
            }
            self.set_clocks(i128::from(self.next));
            self.round();
            self.next += interval;
            played += 1;
        }
        self.now = at_ms;
        self.set_clocks(i128::from(at_ms));
    }

    fn round(&self) {
        for instance in self.instances.values().filter(|instance| instance.lives) {
            instance.fleet.sync();
        }
    }

    fn step(&mut self, step: &Step, is_checked: bool) -> Result<(), String> {
        if step.inst == "store" {
            self.step_of_store(step)?;
            return if is_checked { judge_store(&self.place.store.view(NAME), &step.expect) } else { Ok(()) };
        }
        let names: Vec<String> = match step.inst.as_str() {
            "*" => self.settings.instances.clone(),
            name if self.instances.contains_key(name) => vec![name.to_owned()],
            other => return Err(format!("there is no instance {other}")),
        };
        match step.op.as_str() {
            "force_state" => return self.force_state(step, &names),
            "sync" | "deliver" => {
                // Who hears of another's vote in its own round may have an answer to it.
                for _ in 0..3 {
                    for name in &names {
                        self.sync(name);
                    }
                }
            }
            _ => {}
        }
        for name in &names {
            if step.inst == "*" && !self.instances[name].lives {
                continue;
            }
            let shown = self.act(name, step)?;
            if is_checked {
                let status = self.instances[name].breaker.status();
                judge(&status, &step.op, &shown, &step.expect).map_err(|problem| format!("{name}: {problem}"))?;
            }
        }
        Ok(())
    }

    fn sync(&self, name: &str) {
        let instance = &self.instances[name];
        if instance.lives {
            instance.fleet.sync();
        }
    }

    fn instance(&mut self, name: &str) -> Result<&mut Instance, String> {
        self.instances.get_mut(name).filter(|instance| instance.lives).ok_or_else(|| format!("{name} is dead"))
    }

    fn act(&mut self, name: &str, step: &Step) -> Result<Shown, String> {
        let mut shown = Shown::default();
        match step.op.as_str() {
            "sync" | "deliver" | "check" => return Ok(shown),
            "kill" => {
                self.place.set_of(name, Way::Cut);
                self.instance(name)?.lives = false;
                return Ok(shown);
            }
            "restart" => {
                // The process before is gone without a word.
                self.place.set_of(name, Way::Cut);
                let instance = self.begin(name)?;
                self.place.set_of(name, Way::Free);
                self.instances.insert(name.to_owned(), instance);
                self.set_clocks(i128::from(self.now));
            }
            "partition" => self.place.set_of(name, Way::Cut),
            "heal" => self.place.set_of(name, Way::Free),
            "acquire" => {
                let is_timed = step.expect.contains_key("max_call_overhead_us");
                let instance = self.instance(name)?;
                shown.overhead = is_timed.then(|| instance.overhead());
                shown.permitted = Some(instance.acquire(step.call.unwrap_or_default()));
            }
            "success" | "failure" | "ignored" | "cancel" | "release" => {
                let permit = match step.call {
                    Some(call) => {
                        let calls = self.instance(name)?.calls.get_mut(&call);
                        Some(calls.and_then(Vec::pop).ok_or_else(|| format!("call {call} was never admitted"))?)
                    }
                    None => self.instance(name)?.breaker.try_acquire().ok(),
                };
                shown.permitted = Some(permit.is_some());
                if let Some(permit) = permit {
                    end(permit, &step.op);
                }
            }
            "lease" => {
                self.sync(name);
                // A call that cannot be a trial is what asks for one.
                drop(self.instance(name)?.breaker.try_acquire());
                self.sync(name);
                // What it was granted since it was asked last: its fleet may have granted it in a round.
                let granted = self.place.granted(name);
                let before = self.instance(name)?;
                shown.granted = Some(granted.saturating_sub(std::mem::replace(&mut before.granted, granted)));
            }
            "probe_success" | "probe_failure" => shown.permitted = Some(self.probe(name, &step.op)?),
            "admin" => {
                let command = step.cmd.as_deref().ok_or("an `admin` without a `cmd`")?;
                self.order(name, command, step)?;
            }
            command => self.order(name, command, step)?,
        }
        self.sync(name);
        Ok(shown)
    }

    /// A trial call, as soon as there is a place for one. It has to take place unless the step says otherwise.
    fn probe(&mut self, name: &str, op: &str) -> Result<bool, String> {
        for _ in 0..3 {
            if let Ok(permit) = self.instance(name)?.breaker.try_acquire() {
                end(permit, op.trim_start_matches("probe_"));
                return Ok(true);
            }
            self.sync(name);
        }
        Ok(false)
    }

    fn order(&mut self, name: &str, command: &str, step: &Step) -> Result<(), String> {
        let breaker = self.instance(name)?.breaker;
        match command {
            "force_open" => breaker.force_open(),
            "disable" => breaker.disable(),
            "metrics_only" => breaker.metrics_only(),
            "auto" => breaker.auto(),
            "reset" => breaker.reset(),
            "open" => breaker.open(),
            "half_open" => breaker.half_open(),
            "close" => breaker.close(),
            "open_for" => {
                let ms = step.ms.and_then(|ms| u64::try_from(ms).ok()).ok_or("an `open_for` without `ms`")?;
                breaker.open_for(Duration::from_millis(ms));
            }
            _ => return Err(format!("the operation is not known: {command}")),
        }
        Ok(())
    }

    /// The whole fleet is in this state from now on.
    fn force_state(&mut self, step: &Step, names: &[String]) -> Result<(), String> {
        let command = match step.state.as_deref() {
            Some("open") => "open",
            Some("half_open") => "half_open",
            Some("closed") => "reset",
            Some("forced_open") => "force_open",
            Some("disabled") => "disable",
            other => return Err(format!("there is no state {other:?}")),
        };
        let first = names.iter().find(|name| self.instances[*name].lives).ok_or("all instances are dead")?.clone();
        self.order(&first, command, step)?;
        self.sync(&first);
        self.round();
        Ok(())
    }

    fn step_of_store(&mut self, step: &Step) -> Result<(), String> {
        match step.op.as_str() {
            "check" => {}
            "kill" => {
                self.place.set(Way::Cut);
                // It keeps nothing on disk.
                self.place.flush();
            }
            "stop" => self.place.set(self.stopped),
            "start" | "cont" => self.place.set(Way::Free),
            "flushall" => self.place.flush(),
            "clock_jump" => {
                self.jumped += step.ms.ok_or("a `clock_jump` without `ms`")?;
                self.set_clocks(i128::from(self.now));
            }
            op => return Err(format!("the operation of the store is not known: {op}")),
        }
        Ok(())
    }
}

impl Instance {
    fn acquire(&mut self, call: u64) -> bool {
        let permit = self.breaker.try_acquire().ok();
        let is_permitted = permit.is_some();
        self.calls.entry(call).or_default().extend(permit);
        is_permitted
    }

    /// What a call costs that does nothing: the least of many, for the machine has other things to do.
    fn overhead(&self) -> Duration {
        let once = || {
            let began = Instant::now();
            drop(self.breaker.try_acquire());
            began.elapsed()
        };
        (0..100).map(|_| once()).min().unwrap_or_default()
    }
}

fn end(permit: Permit<'static>, op: &str) {
    match op {
        "success" => permit.success(),
        "failure" => permit.failure(),
        "ignored" => permit.ignore(),
        _ => drop(permit),
    }
}
