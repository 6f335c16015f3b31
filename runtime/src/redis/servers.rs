//! The servers of a store, one or a cluster: who keeps which slot, and what is asked of whom.
//!
//! What a server has not done for sure is asked again: where a script was not known to it, or another server has the
//! slot. What it may have done is not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ::redis::{Cmd, Connection, ConnectionAddr, ConnectionInfo, ServerError, Value, cmd};

use super::link::{self, Patience};
use super::problem;
use crate::shared::StoreError;

/// So many commands go out together, so that no server is kept busy for long.
const TOGETHER: usize = 128;
/// How often commands are sent again that were not done.
const ATTEMPTS: usize = 5;
/// So many servers are asked for the slots at a time, for each may take as long as an answer.
const GUIDES: usize = 3;

/// A command for the server of a slot.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) slot: u16,
    pub(super) command: Cmd,
    /// The script that it runs, which the server may have to be given first.
    pub(super) script: Option<&'static str>,
    /// Whose state it is about.
    pub(super) breaker: Arc<str>,
}

/// Where a command is sent, and whether its script goes with it.
#[derive(Clone, Debug, Default)]
struct Way {
    to: Option<String>,
    load: bool,
}

pub(super) struct Servers {
    named: Vec<ConnectionInfo>,
    is_cluster: bool,
    pub(super) patience: Patience,
    links: HashMap<String, Connection>,
    /// First and last slot, and who keeps them.
    slots: Vec<(u16, u16, String)>,
    guide: usize,
}

impl Servers {
    /// These servers; more than one are a cluster.
    pub(super) fn new(named: Vec<ConnectionInfo>, is_cluster: bool, patience: Patience) -> Self {
        Servers { named, is_cluster, patience, links: HashMap::new(), slots: Vec::new(), guide: 0 }
    }

    pub(super) fn named(&self) -> &[ConnectionInfo] {
        &self.named
    }

    #[cfg(feature = "redis-tls")]
    pub(super) fn named_mut(&mut self) -> &mut Vec<ConnectionInfo> {
        &mut self.named
    }

    /// Whether there is a connection at all.
    pub(super) fn is_connected(&self) -> bool {
        !self.links.is_empty()
    }

    /// Where to listen for changes: any server of a cluster tells those of all.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.named.iter().map(|info| info.addr().to_string()).collect()
    }

    /// The answers, in the order of what is asked; a refusal is an error, and only one about a breaker is an answer.
    pub(super) fn ask(&mut self, asks: &[Ask]) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        let mut answers = vec![Ok(Value::Nil); asks.len()];
        let mut todo: Vec<(usize, Way)> = (0..asks.len()).map(|index| (index, Way::default())).collect();
        for _ in 0..ATTEMPTS {
            let mut again = Vec::new();
            for (address, list) in self.by_server(asks, todo)? {
                for part in list.chunks(TOGETHER) {
                    let values = self.exchange(&address, asks, part)?;
                    for ((index, _), value) in part.iter().zip(values) {
                        match value {
                            Value::ServerError(error) => {
                                match self.another_way(&address, &asks[*index].breaker, &error) {
                                    Ok(way) => again.push((*index, way)),
                                    Err(error) if error.is_of_breaker() => answers[*index] = Err(error),
                                    Err(error) => return Err(error),
                                }
                            }
                            value => answers[*index] = Ok(value),
                        }
                    }
                }
            }
            if again.is_empty() {
                return Ok(answers);
            }
            todo = again;
        }
        Err(StoreError::new("redis: the servers send from one to another, or forget scripts at once"))
    }

    /// How to send a command again that a server has refused, if that may help.
    fn another_way(&mut self, address: &str, breaker: &str, error: &ServerError) -> Result<Way, StoreError> {
        match error.code() {
            "NOSCRIPT" => Ok(Way { to: Some(address.to_owned()), load: true }),
            "MOVED" if self.is_cluster => {
                self.slots.clear();
                let to = error.details().and_then(|details| details.split(' ').next_back());
                Ok(Way { to: to.map(|to| complete(to, address)), load: false })
            }
            code => {
                if matches!(code, "READONLY" | "MASTERDOWN") {
                    // By now its name may be that of another server.
                    self.links.remove(address);
                }
                Err(problem::refused_about(address, breaker, error))
            }
        }
    }

    fn by_server(
        &mut self,
        asks: &[Ask],
        todo: Vec<(usize, Way)>,
    ) -> Result<BTreeMap<String, Vec<(usize, Way)>>, StoreError> {
        let mut lists: BTreeMap<String, Vec<(usize, Way)>> = BTreeMap::new();
        for (index, way) in todo {
            let address = match &way.to {
                Some(address) => address.clone(),
                None => self.keeper(asks[index].slot)?,
            };
            lists.entry(address).or_default().push((index, way));
        }
        Ok(lists)
    }

    /// Who keeps a slot.
    fn keeper(&mut self, slot: u16) -> Result<String, StoreError> {
        if !self.is_cluster {
            return Ok(self.named[0].addr().to_string());
        }
        if self.slots.is_empty() {
            self.slots = self.learn()?;
        }
        let of = |(first, last, _): &&(u16, u16, String)| (*first..=*last).contains(&slot);
        let keeper = self.slots.iter().find(of).map(|(_, _, address)| address.clone());
        keeper.ok_or_else(|| {
            self.slots.clear();
            StoreError::new(format!("redis: no server of the cluster keeps slot {slot}: repair the cluster"))
        })
    }

    /// Asks who keeps which slots, of those that are connected first.
    fn learn(&mut self) -> Result<Vec<(u16, u16, String)>, StoreError> {
        let mut guides: Vec<String> = self.links.keys().cloned().collect();
        let mut named = self.addresses();
        let first = self.guide % named.len();
        named.rotate_left(first);
        guides.extend(named);
        let mut error = None;
        for guide in guides.iter().take(GUIDES) {
            match self.send(guide, &cmd("CLUSTER").arg("SLOTS").get_packed_command(), 1) {
                Ok(answers) => match answers.first() {
                    Some(Value::ServerError(refused)) => error = Some(problem::refused(guide, refused)),
                    Some(Value::Array(ranges)) => {
                        let slots: Vec<_> = ranges.iter().filter_map(|range| slots(range, guide)).collect();
                        if !slots.is_empty() {
                            return Ok(slots);
                        }
                        error =
                            Some(StoreError::new(format!("redis at {guide}: its cluster keeps no slots: make one")));
                    }
                    _ => error = Some(problem::foreign(guide)),
                },
                Err(failed) => error = Some(failed),
            }
        }
        // Others are asked the next time.
        self.guide += 1;
        Err(error.unwrap_or_else(|| StoreError::new("redis: no server of the cluster is named")))
    }

    fn exchange(&mut self, address: &str, asks: &[Ask], part: &[(usize, Way)]) -> Result<Vec<Value>, StoreError> {
        let wanted = part.iter().filter(|(_, way)| way.load).filter_map(|(index, _)| asks[*index].script);
        let wanted: BTreeSet<&str> = wanted.collect();
        let mut packed = Vec::new();
        for script in &wanted {
            cmd("SCRIPT").arg("LOAD").arg(*script).write_packed_command(&mut packed);
        }
        for (index, _) in part {
            asks[*index].command.write_packed_command(&mut packed);
        }
        let mut loaded = self.send(address, &packed, wanted.len() + part.len())?;
        let values = loaded.split_off(wanted.len());
        match loaded.iter().find(|value| matches!(value, Value::ServerError(_))) {
            Some(Value::ServerError(error)) => Err(problem::refused(address, error)),
            _ => Ok(values),
        }
    }

    fn send(&mut self, address: &str, packed: &[u8], answers: usize) -> Result<Vec<Value>, StoreError> {
        // Only kept if all goes well.
        let mut link = match self.links.remove(address) {
            Some(link) => link,
            None => self.connect(address)?,
        };
        let sent = link::exchange(&mut link, packed, answers, self.patience.respond);
        let answers = sent.map_err(|error| self.gone(problem::lost(address, &error)))?;
        self.links.insert(address.to_owned(), link);
        Ok(answers)
    }

    /// A connection over which the server has answered: TLS and rights are found out before anything is asked.
    fn connect(&mut self, address: &str) -> Result<Connection, StoreError> {
        let info = self.info(address);
        let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        let answers = link::open(&info, self.patience).and_then(|mut link| {
            let ping = cmd("PING").get_packed_command();
            link::exchange(&mut link, &ping, 1, self.patience.connect).map(|answers| (link, answers))
        });
        match answers {
            Ok((link, answers)) => match answers.first() {
                Some(Value::ServerError(error)) => Err(problem::refused(address, error)),
                _ => Ok(link),
            },
            Err(error) => Err(self.gone(problem::unreachable(address, is_tls, &error))),
        }
    }

    /// Another server may keep the slots of one that is gone.
    fn gone(&mut self, error: StoreError) -> StoreError {
        self.slots.clear();
        error
    }

    /// How to connect to a server: as to those that were named.
    pub(super) fn info(&self, address: &str) -> ConnectionInfo {
        if let Some(info) = self.named.iter().find(|info| info.addr().to_string() == address) {
            return info.clone();
        }
        let info = self.named[0].clone();
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let (host, port) = (host.to_owned(), port.parse().unwrap_or(6379));
        let addr = match info.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        info.set_addr(addr)
    }
}

/// The address of a server that another one tells; it leaves the host out if it does not know its own.
fn complete(told: &str, teller: &str) -> String {
    match told.rsplit_once(':') {
        Some(("", port)) => format!("{}:{port}", teller.rsplit_once(':').map_or(teller, |(host, _)| host)),
        _ => told.to_owned(),
    }
}

/// A range of slots and who keeps them: first, last, and the master's host and port.
fn slots(range: &Value, guide: &str) -> Option<(u16, u16, String)> {
    let Value::Array(parts) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &parts[..] else { return None };
    let [host, Value::Int(port), ..] = &master[..] else { return None };
    let host = match host {
        Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
        _ => String::new(),
    };
    Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, complete(&format!("{host}:{port}"), guide)))
}
