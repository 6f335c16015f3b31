//! What a breaker says to its fleet: votes, how its trials ended, what an operator ordered, what the store has lost;
//! and that it would like to try again. What it knows is `standing`.

use std::mem;
use std::time::Duration;

use super::farewell::{Farewell, command};
use super::line::{Failed, Line};
use super::note::Ended;
use super::standing::{Round, Standing, Vote};
use super::{Answer, Proposal, Verdict, View};
use crate::breaker::Core;
use crate::clock::nanos;
use crate::remote::Terms;
use crate::state::State;

/// So many sync intervals are a while: that votes last longer than the episode, and after which unused trials are asked
/// for again.
const WHILE: u32 = 2;
/// For so many sync intervals a trial may wait for its call.
const WAITS: u32 = 2 * WHILE;

impl Standing {
    /// Says what an operator has ordered here.
    pub(super) fn command(&mut self, line: &mut Line, core: &Core, round: &Round) -> Result<(), Failed> {
        let Some(ordered) = &self.order else { return Ok(()) };
        let Answer { verdict, view } = self.say(line, &command(ordered, round.now))?;
        self.order = None;
        self.look(core);
        // It is done here already, and what has come of it since is this instance's own.
        let snapshot = &self.terms.snapshot;
        let is_done = snapshot.mode == view.mode && view.state == State::Closed;
        if is_done && (snapshot.state == State::Closed || self.is_open_by_itself()) {
            self.stand(view, round);
            core.free(0.0);
        } else {
            self.adopt(core, view, round);
        }
        // Unless another one was given later.
        self.is_remote &= verdict == Verdict::Stale;
        Ok(())
    }

    /// Follows what the fleet has agreed about, and says what there is to say.
    pub(super) fn step(&mut self, line: &mut Line, core: &Core, view: View, round: &Round) -> Result<(), Failed> {
        self.look(core);
        if !round.is_first {
            self.tally.arrived();
        }
        self.vote = self.vote.filter(|vote| vote.until > round.now);
        if view.epoch > self.base.epoch {
            self.adopt(core, view, round);
        } else if view.epoch == self.base.epoch {
            self.base = view;
            if self.is_free {
                self.rejoin(core, round);
            }
        } else if !round.is_first {
            self.reseed(line, core, round)?;
        }
        if round.is_first || !self.decides() {
            return Ok(());
        }
        if self.base.state == State::Closed {
            self.speak_closed(line, core, round)?;
        } else {
            self.speak_open(line, core, round)?;
        }
        if round.is_settled {
            self.expected = self.base.needed;
        }
        Ok(())
    }

    /// The store was away, and the breaker free meanwhile.
    fn rejoin(&mut self, core: &Core, round: &Round) {
        self.is_free = false;
        if !self.decides() || self.base.state == State::Closed {
            return;
        }
        if self.is_trying() || self.verdict.is_some() {
            core.leash(self.terms.snapshot.generation);
        } else {
            let unused = mem::take(&mut self.leases);
            self.adopt(core, self.base.clone(), round);
            self.spare = unused;
        }
    }

    /// Brings back what the store has lost.
    fn reseed(&mut self, line: &mut Line, core: &Core, round: &Round) -> Result<(), Failed> {
        let snapshot = &self.terms.snapshot;
        let passed = Duration::from_nanos(round.now.saturating_sub(self.since));
        let left = if snapshot.state == State::Open { snapshot.remaining } else { self.wait.saturating_sub(passed) };
        let what = Proposal::Reseed(View { left, ..self.base.clone() });
        let Answer { verdict, view } = line.propose(&self.name, self.base.epoch, &what)?;
        if verdict == Verdict::Applied {
            self.base = view;
            self.leases.clear();
            self.spare.clear();
            self.successes = 0;
            self.rejoin(core, round);
        } else {
            // Another instance knows more, or this one something that cannot be.
            self.adopt(core, view, round);
        }
        Ok(())
    }

    fn speak_closed(&mut self, line: &mut Line, core: &Core, round: &Round) -> Result<(), Failed> {
        (self.verdict, self.successes, self.wishes) = (None, 0, 0);
        // Of fewer instances fewer votes are needed, so it waits until all are back after an outage.
        let are_back = self.expected > 0 && self.base.needed >= self.expected || round.settings.quorum == 1;
        if self.wants_vote() && (round.is_settled || are_back) {
            let wait = self.terms.snapshot.remaining;
            let lasts = wait.saturating_add(round.settings.interval * WHILE);
            let vote =
                Vote { generation: self.terms.snapshot.generation, until: round.now.saturating_add(nanos(lasts)) };
            let answer = self.say(line, &Proposal::Trip { wait, quorum: round.settings.quorum, lasts })?;
            if answer.verdict == Verdict::Voted {
                self.vote = Some(vote);
            }
            self.follow(core, answer.view, round);
        } else if self.wants_no_vote() {
            let answer = self.say(line, &Proposal::Withdraw)?;
            self.vote = None;
            self.follow(core, answer.view, round);
        }
        Ok(())
    }

    fn speak_open(&mut self, line: &mut Line, core: &Core, round: &Round) -> Result<(), Failed> {
        let epoch = self.base.epoch;
        if self.is_trying() && self.leases.is_empty() {
            // Trials that nobody granted, from when the store was away: those under way are the last ones.
            core.leash(self.terms.snapshot.generation);
        }
        if !self.spare.is_empty() {
            let answer = self.report(line, self.spare.clone(), 0, 0, round)?;
            self.spare.clear();
            self.follow(core, answer.view, round);
        }
        if let Some(ended) = self.verdict.filter(|_| self.base.epoch == epoch) {
            return self.report_verdict(line, core, ended, round);
        }
        let ended = self.leases.len().min(self.successes as usize);
        self.successes = ended as u32;
        if ended > 0 && self.base.epoch == epoch {
            let answer = self.report(line, self.leases[..ended].to_vec(), self.successes, 0, round)?;
            self.leases.drain(..ended);
            self.successes = 0;
            self.follow(core, answer.view, round);
        }
        if self.base.epoch == epoch { self.lease(line, core, round) } else { Ok(()) }
    }

    /// How an episode of trials ended: the fleet follows, if it is still in it.
    fn report_verdict(&mut self, line: &mut Line, core: &Core, ended: Ended, round: &Round) -> Result<(), Failed> {
        let answer = match ended {
            // Of all trials, also those that nobody granted while the store was away.
            Ended::Well => self.report(line, Vec::new(), self.terms.success_threshold, 0, round)?,
            Ended::Badly => self.report(line, self.leases.clone(), 0, 1, round)?,
        };
        (self.verdict, self.successes) = (None, 0);
        self.leases.clear();
        self.look(core);
        let is_ours = answer.verdict == Verdict::Applied && answer.view.state == State::Closed;
        if is_ours && self.is_open_by_itself() {
            // It has closed as the fleet now has, and opened again since.
            self.stand(answer.view, round);
            core.free(0.0);
        } else if answer.verdict == Verdict::Wait {
            self.adopt(core, answer.view, round);
        } else {
            self.follow(core, answer.view, round);
        }
        Ok(())
    }

    /// Asks for trials if calls wait for them or may be expected, and gives back what no call will use.
    ///
    /// A call that asks for a trial is refused, so the trial waits for the next one. It is asked for again before its
    /// time is over, as long as that call may be expected: else a circuit with few calls would never close.
    fn lease(&mut self, line: &mut Line, core: &Core, round: &Round) -> Result<(), Failed> {
        let refused = self.terms.refused_trials.saturating_sub(self.refused);
        let wishes = self.wishes.max(u32::try_from(refused).unwrap_or(u32::MAX));
        (self.wishes, self.refused) = (0, self.terms.refused_trials);
        self.is_wishing = (self.is_wishing || wishes > 0) && self.expects_call(round);
        let (places, interval) = (self.terms.half_open_max_calls, round.settings.interval);
        let (held, passed) = (self.leases.len() as u32, round.now.saturating_sub(self.leased));
        let is_more = wishes > 0 && held < places && (held == 0 || passed >= nanos(interval));
        let is_again = self.is_wishing && held == 0 && self.terms.snapshot.state != State::Open;
        let is_late = held > 0 && passed >= nanos(interval * WHILE);
        if !is_more && !is_again && !is_late {
            return Ok(());
        }
        let unused = core.take_back(self.terms.snapshot.generation) as usize;
        let unused = self.leases.split_off(self.leases.len().saturating_sub(unused));
        if !self.is_wishing {
            if !unused.is_empty() {
                self.spare = unused;
                let answer = self.report(line, self.spare.clone(), 0, 0, round)?;
                self.spare.clear();
                self.follow(core, answer.view, round);
            }
            return Ok(());
        }
        if !is_more && !is_again && unused.is_empty() {
            return Ok(());
        }
        // A fair part is asked for although fewer calls wait, so that a circuit with few calls can close.
        let fair = places.div_ceil(self.base.needed.saturating_mul(2).saturating_sub(1).max(1));
        self.look(core);
        let waits = interval * WAITS;
        let until = self.terms.now.saturating_add(nanos(waits));
        let what = Proposal::Lease {
            waited: Duration::from_nanos(round.now.saturating_sub(self.since)),
            wait: self.wait,
            places,
            want: wishes.max(fair).max(unused.len() as u32).min(places.saturating_sub(self.leases.len() as u32)),
            // A trial begins in time, and takes no longer than it may.
            lasts: self.terms.half_open_timeout.saturating_add(waits),
            held: self.leases.clone(),
        };
        let Answer { verdict, view } = self.say(line, &what)?;
        let left = view.left;
        self.follow(core, view, round);
        self.look(core);
        let generation = self.terms.snapshot.generation;
        match verdict {
            Verdict::Granted(leases) if leases.is_empty() => core.postpone(interval, generation),
            Verdict::Granted(leases) => {
                let is_granted = core.grant(leases.len() as u32, until, generation);
                let (to, now) = if is_granted { (&mut self.leases, round.now) } else { (&mut self.spare, self.leased) };
                to.extend(leases);
                self.leased = now;
            }
            Verdict::Wait => core.postpone(left, generation),
            _ => {}
        }
        Ok(())
    }

    fn report(
        &self,
        line: &mut Line,
        leases: Vec<u64>,
        successes: u32,
        failures: u32,
        round: &Round,
    ) -> Result<Answer, Failed> {
        self.say(line, &self.reported(leases, successes, failures, round))
    }

    fn reported(&self, leases: Vec<u64>, successes: u32, failures: u32, round: &Round) -> Proposal {
        let Terms { snapshot, success_threshold, recovery_timeout, half_open_timeout, .. } = &self.terms;
        let wait = if snapshot.state == State::Open { snapshot.remaining } else { *recovery_timeout };
        // A success gives the other trials their time anew.
        let lasts = half_open_timeout.saturating_add(round.settings.interval * WAITS);
        Proposal::Report { leases, successes, failures, close_at: *success_threshold, wait, lasts }
    }

    fn say(&self, line: &mut Line, what: &Proposal) -> Result<Answer, Failed> {
        line.propose(&self.name, self.base.epoch, what)
    }

    /// Takes up a later epoch, and of this one the numbers.
    fn follow(&mut self, core: &Core, view: View, round: &Round) {
        if view.epoch > self.base.epoch {
            self.adopt(core, view, round);
        } else if view.epoch == self.base.epoch {
            self.base = view;
        }
    }

    /// The last words of a breaker that has left its registry: nobody else has to wait for what it held.
    pub(super) fn last_words(mut self, round: &Round) -> Option<Farewell> {
        if let Some(ordered) = self.order.take() {
            return Some(Farewell::order(&self.name, ordered));
        }
        let is_open = self.decides() && self.base.state != State::Closed;
        let what = if is_open {
            let leases = self.leases.iter().chain(&self.spare).copied().collect::<Vec<_>>();
            match self.verdict {
                Some(Ended::Well) => self.reported(Vec::new(), self.terms.success_threshold, 0, round),
                Some(Ended::Badly) => self.reported(leases, 0, 1, round),
                None if leases.is_empty() => return None,
                None => self.reported(leases, self.successes, 0, round),
            }
        } else {
            self.vote.map(|_| Proposal::Withdraw)?
        };
        Some(Farewell::new(&self.name, self.base.epoch, what))
    }
}
