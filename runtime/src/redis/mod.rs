//! A fleet that agrees in Redis: `RedisStore`. What is decided there is a script, the rules of which are those of
//! `shared`; here is how it is asked.

mod keys;
mod link;
mod plain;
mod problem;
mod script;
mod servers;
mod subscription;
#[cfg(feature = "redis-tls")]
mod tls;
mod url;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::redis::{Value, cmd};

use crate::clock::{nanos, precise};
use crate::shared::{Answer, Beat, Nudge, Proposal, SharedStore, StoreError, View};
use keys::Keys;
use link::Patience;
use plain::Told;
use script::Common;
use servers::{Ask, Servers};
use subscription::{Listener, Subscription};

pub use url::RedisUrlError;

/// The end of a program waits for no more than that.
const FAREWELL: Duration = Duration::from_millis(150);

/// State that a fleet shares through Redis 5 or newer, or Valkey: one server or a cluster.
///
/// Connects when it is first asked, and again after each failure. A server that is away, slow or wrong costs nobody a
/// call: breakers work by themselves until it is back. See [`Fleet`](crate::shared::Fleet) for what instances do.
///
/// ```
/// use breakerbox::RedisStore;
/// use std::time::Duration;
///
/// let store = RedisStore::connect("redis://fleet:secret@localhost:6379/0")?
///     .namespace("shop")
///     .response_timeout(Duration::from_millis(100));
/// assert!(!format!("{store:?}").contains("secret"));
/// # Ok::<(), breakerbox::RedisUrlError>(())
/// ```
///
/// # What it keeps
/// Seven keys a breaker, `cb1:{<namespace>:<name>}:` and `s` (the state), `w` (counts), `v` (votes), `f` (instances
/// that saw failures), `i` (instances), `p` (trial calls under way) and `h` (which counts were handed in), and the
/// channel `cb1:<namespace>:ev`. They go a time to live after their last use; what an operator has ordered stays. No
/// arguments and no error texts are in them.
///
/// For whoever only wants to read it, `circuit_breaker:<name>:state` holds `closed`, `open` or `half_open`, or the
/// mode that an operator has ordered, `forced_open`, `disabled` or `metrics_only`. It holds for an hour, is written
/// with each change and each quarter of an hour, and may lag behind by a `sync_interval`. With another namespace than
/// `default` it is `circuit_breaker:<namespace>:<name>:state`.
///
/// # TLS
/// With the feature `redis-tls` and a URL of `rediss://`. Certificates are always checked. If the program has not
/// chosen a cryptography for rustls by then, it is that of ring.
///
/// # Rights
/// Whoever can write the keys can open circuits. This is all that a user needs:
///
/// ```text
/// ACL SETUSER fleet on >secret resetchannels &cb1:* ~cb1:* ~circuit_breaker:* -@all +evalsha +script|load
///     +hmget +hget +hset +hdel +hkeys +hgetall +hincrby +zadd +zcard +zrem +zrange +zremrangebyscore +del +pexpire +persist
///     +time +publish +set +subscribe +unsubscribe +punsubscribe +ping
/// ```
///
/// and in a cluster `+cluster|slots`; for a database other than 0 `+select`.
pub struct RedisStore {
    servers: Servers,
    keys: Keys,
    ttl: Duration,
    instance: Arc<OnceLock<String>>,
    subscription: Option<Subscription>,
    told: Told,
    #[cfg(feature = "redis-tls")]
    certificates: tls::Certificates,
}

impl RedisStore {
    /// The server of a URL, such as `redis://user:password@host:6379/0`, `rediss://` for TLS, or `unix:///path`.
    ///
    /// # Errors
    /// The URL cannot be read. That nothing answers there is none.
    pub fn connect(url: impl AsRef<str>) -> Result<Self, RedisUrlError> {
        Ok(Self::new(vec![url::read(url.as_ref())?], false))
    }

    /// A cluster of which these are some of the servers. User, password and TLS of the first URL hold for all that
    /// they tell of.
    ///
    /// # Errors
    /// There is no URL, or one cannot be read, or names another database than 0.
    pub fn cluster<U: AsRef<str>>(urls: impl IntoIterator<Item = U>) -> Result<Self, RedisUrlError> {
        let named = urls.into_iter().map(|url| url::read(url.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if named.is_empty() {
            return Err(RedisUrlError::new("a cluster of Redis needs the URL of one of its servers"));
        }
        if named.iter().any(|info| info.redis_settings().db() != 0) {
            return Err(RedisUrlError::new("a cluster of Redis has no other database than 0: leave it out"));
        }
        Ok(Self::new(named, true))
    }

    fn new(named: Vec<::redis::ConnectionInfo>, is_cluster: bool) -> Self {
        #[cfg(feature = "redis-tls")]
        tls::prepare(&named);
        let quarter = Duration::from_millis(250);
        RedisStore {
            servers: Servers::new(named, is_cluster, Patience { connect: quarter, respond: quarter }),
            keys: Keys::new("default"),
            ttl: Duration::from_secs(3600),
            instance: Arc::default(),
            subscription: None,
            told: Told::default(),
            #[cfg(feature = "redis-tls")]
            certificates: tls::Certificates::default(),
        }
    }

    /// Parts this fleet from others that use the same Redis. `default` unless set.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.keys = Keys::new(namespace);
        self
    }

    /// How long keys are kept after their last use, beyond the open time: an hour unless set, a minute at least.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl.max(Duration::from_secs(60));
        self
    }

    /// How long a connection may take to come about: 250 ms unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.servers.patience.connect = timeout.max(Duration::from_millis(1));
        self
    }

    /// How long answers may take: 250 ms unless set. Whoever answers later has lost the connection.
    #[must_use]
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.servers.patience.respond = timeout.max(Duration::from_millis(1));
        self
    }

    /// Trusts these authorities, in PEM, instead of those that the system does.
    ///
    /// # Errors
    /// It is not PEM, or the URL is not one of TLS.
    #[cfg(feature = "redis-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-tls")))]
    pub fn certificate_authority(mut self, pem: impl Into<Vec<u8>>) -> Result<Self, RedisUrlError> {
        self.certificates.authority = Some(pem.into());
        self.with_certificates()
    }

    /// Shows this certificate, with those that stand behind it, and has its private key; both in PEM.
    ///
    /// # Errors
    /// It is not PEM, or the URL is not one of TLS.
    #[cfg(feature = "redis-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "redis-tls")))]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Result<Self, RedisUrlError> {
        self.certificates.own = Some((certificate.into(), key.into()));
        self.with_certificates()
    }

    #[cfg(feature = "redis-tls")]
    fn with_certificates(mut self) -> Result<Self, RedisUrlError> {
        self.certificates.check()?;
        for info in self.servers.named_mut() {
            self.certificates.put_into(info)?;
        }
        Ok(self)
    }

    fn common<'a>(&'a self, instance: &'a str) -> Common<'a> {
        Common { keys: &self.keys, instance, ttl: self.ttl }
    }

    fn read(&self, value: &Value) -> Result<Answer, StoreError> {
        script::answer(value).ok_or_else(|| problem::foreign(&self.servers.addresses().join(", ")))
    }

    /// Writes the plain keys that say something else, or are old. Best effort: nobody decides by them.
    fn tell<'a>(&mut self, views: impl Iterator<Item = (&'a Arc<str>, &'a View)>) {
        let now = precise();
        let mut asks = Vec::new();
        for (breaker, view) in views {
            let Some(name) = self.told.news(breaker, view, now) else { continue };
            let key = self.keys.plain(breaker);
            let mut command = cmd("SET");
            command.arg(&key).arg(name).arg("PX").arg(plain::HOLDS.as_millis() as u64);
            asks.push(Ask { slot: keys::slot(&key), command, script: None, breaker: breaker.clone() });
        }
        if !asks.is_empty() && self.servers.ask(&asks).is_err() && !self.servers.is_connected() {
            // Told again with the next look. What was refused is told again with a change.
            self.told = Told::default();
        }
    }
}

impl SharedStore for RedisStore {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn sync(&mut self, instance: &str, beats: &[Beat]) -> Result<Vec<Result<View, StoreError>>, StoreError> {
        self.instance.get_or_init(|| instance.to_owned());
        let asks: Vec<Ask> = beats.iter().map(|beat| self.common(instance).sync(beat)).collect();
        let values = self.servers.ask(&asks)?;
        let mut views = Vec::with_capacity(values.len());
        for value in values {
            views.push(match value {
                Ok(value) => Ok(self.read(&value)?.view),
                Err(error) => Err(error),
            });
        }
        let seen = beats.iter().zip(&views).filter_map(|(beat, view)| Some((&beat.breaker, view.as_ref().ok()?)));
        self.tell(seen);
        Ok(views)
    }

    fn propose(&mut self, instance: &str, breaker: &str, on: u64, what: &Proposal) -> Result<Answer, StoreError> {
        self.instance.get_or_init(|| instance.to_owned());
        let ask = self.common(instance).propose(breaker, on, what);
        let value = self.servers.ask(&[ask])?.pop().unwrap_or(Ok(Value::Nil))?;
        let answer = self.read(&value)?;
        self.tell(std::iter::once((&Arc::from(breaker), &answer.view)));
        Ok(answer)
    }

    fn listen(&mut self, nudge: Nudge) {
        // One at a time: the one before ends first.
        self.subscription = None;
        self.subscription = Subscription::start(Listener {
            servers: self.servers.named().to_vec(),
            patience: self.servers.patience,
            channel: self.keys.channel(),
            instance: self.instance.clone(),
            nudge,
        });
    }

    fn is_listening(&self) -> bool {
        self.subscription.as_ref().is_some_and(Subscription::is_listening)
    }

    fn leave(&mut self, instance: &str, breakers: &[Arc<str>]) {
        if !self.servers.is_connected() {
            return;
        }
        let asks = breakers.iter().flat_map(|breaker| {
            let [_, _, votes, _, instances, ..] = self.keys.of(breaker);
            [votes, instances].map(|key| {
                let mut command = cmd("ZREM");
                command.arg(&key).arg(instance);
                Ask { slot: keys::slot(&key), command, script: None, breaker: breaker.clone() }
            })
        });
        let (asks, began): (Vec<Ask>, _) = (asks.collect(), precise());
        let usual = self.servers.patience;
        self.servers.patience = Patience { connect: FAREWELL, respond: FAREWELL };
        for part in asks.chunks(64) {
            if precise().saturating_sub(began) > nanos(FAREWELL) / 2 || self.servers.ask(part).is_err() {
                break;
            }
        }
        self.servers.patience = usual;
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("servers", &self.servers.addresses())
            .field("namespace", &self.keys.namespace())
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}
