//! Several instances, their store and their backend.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::backend::Backend;
use crate::instance::{Answer, Instance};
use crate::part::SYNC_INTERVAL;
use crate::server::Server;

/// Two sync intervals are promised; a machine that does much else adds its own.
pub(crate) const AGREEMENT: Duration = Duration::from_secs(10);

/// Where the state is shared.
pub(crate) enum Place {
    Redis(Server),
    Folder(TempDir),
}

pub(crate) struct Fleet {
    pub(crate) place: Place,
    pub(crate) backend: Backend,
    pub(crate) instances: Vec<Instance>,
}

impl Fleet {
    /// One with so many instances; `None` without a redis-server, said aloud.
    pub(crate) fn with_redis(instances: usize) -> Option<Fleet> {
        Some(Fleet::start(Place::Redis(Server::start()?), instances))
    }

    pub(crate) fn with_folder(instances: usize) -> Fleet {
        Fleet::start(Place::Folder(tempfile::tempdir().unwrap()), instances)
    }

    fn start(place: Place, instances: usize) -> Fleet {
        let mut fleet = Fleet { place, backend: Backend::start(), instances: Vec::new() };
        for _ in 0..instances {
            fleet.add();
        }
        for instance in &fleet.instances {
            assert_eq!(instance.hears("ready"), "true");
        }
        fleet
    }

    /// One more instance, which may not be ready yet.
    pub(crate) fn add(&mut self) {
        let store = match &self.place {
            Place::Redis(server) => server.url(),
            Place::Folder(folder) => format!("file:{}", folder.path().display()),
        };
        self.instances.push(Instance::start(&store, &self.backend.address));
    }

    pub(crate) fn redis(&mut self) -> &mut Server {
        match &mut self.place {
            Place::Redis(server) => server,
            Place::Folder(_) => panic!("this fleet shares a folder"),
        }
    }

    pub(crate) fn ask(&mut self) -> Vec<Answer> {
        self.instances.iter_mut().map(Instance::ask).collect()
    }

    /// Waits until all say something, and returns how long it took.
    pub(crate) fn until(&mut self, within: Duration, what: &str, is_so: impl Fn(&Answer) -> bool) -> Duration {
        let start = Instant::now();
        loop {
            let answers = self.ask();
            if answers.iter().all(&is_so) {
                return start.elapsed();
            }
            assert!(start.elapsed() < within, "not {what} within {within:?}: {answers:#?}");
            std::thread::sleep(SYNC_INTERVAL / 10);
        }
    }

    /// Waits until all are in touch with the store and of one mind.
    pub(crate) fn until_agreed(&mut self) -> Duration {
        let start = Instant::now();
        loop {
            let answers = self.ask();
            if agree(&answers) {
                return start.elapsed();
            }
            assert!(start.elapsed() < AGREEMENT, "no agreement within {AGREEMENT:?}: {answers:#?}");
            std::thread::sleep(SYNC_INTERVAL / 10);
        }
    }

    pub(crate) fn all_closed(&mut self, within: Duration) {
        self.until(within, "closed", |answer| answer.state == "closed" && answer.mode == "auto");
    }

    pub(crate) fn none_closed(&mut self, within: Duration) {
        self.until(within, "open", |answer| answer.state != "closed");
    }
}

/// Of one epoch, and closed all or none. One that has a lease is half-open while others are open.
fn agree(answers: &[Answer]) -> bool {
    let first = &answers[0];
    let is_same = |answer: &Answer| {
        answer.epoch == first.epoch
            && answer.mode == first.mode
            && (answer.state == "closed") == (first.state == "closed")
            && !answer.is_degraded
    };
    answers.iter().all(is_same)
}
