//! Where Redis is and who asks it, read from a URL.

use std::error::Error;
use std::fmt;

use ::redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use ::url::Url;

const FORM: &str = "write redis://[user:password@]host[:port][/database], rediss:// for TLS, or \
    unix:///path[?db=..&user=..&pass=..], with what is special in a URL as %XX";

/// A URL of Redis that cannot be used. Says what is wrong with it, and never shows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrlError {
    problem: String,
}

impl RedisUrlError {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        RedisUrlError { problem: problem.into() }
    }
}

impl fmt::Display for RedisUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl fmt::Debug for RedisUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrlError({self})")
    }
}

impl Error for RedisUrlError {}

/// Reads a URL, and asks nobody about it.
pub(super) fn read(url: &str) -> Result<ConnectionInfo, RedisUrlError> {
    let wrong = |what: &str| RedisUrlError::new(format!("the URL of Redis cannot be used, {what}: {FORM}"));
    let parsed = Url::parse(url).map_err(|error| wrong(&error.to_string().to_lowercase()))?;
    match parsed.scheme() {
        scheme if scheme.contains("sentinel") => {
            return Err(RedisUrlError::new(
                "Sentinel is not supported: name the master by a host name that follows it, such as redis://host:6379, \
                 or use RedisStore::cluster",
            ));
        }
        "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix" => {}
        "rediss" | "valkeys" if cfg!(feature = "redis-tls") => {}
        "rediss" | "valkeys" => return Err(RedisUrlError::new("TLS needs the feature `redis-tls` of breakerbox")),
        // The scheme of a URL in which a part is missing may be anything, so it is not shown.
        _ => return Err(wrong("its scheme is not one of redis, rediss and unix")),
    }
    if parsed.fragment().is_some() {
        return Err(wrong("there is a `#`: certificates are always checked, and a # of a password is %23"));
    }
    if !parsed.username().is_empty() && parsed.password().is_none() {
        return Err(wrong("there is a user and no password"));
    }
    let is_path = parsed.scheme().ends_with("unix");
    let knows = |name: &str| is_path && matches!(name, "db" | "user" | "pass");
    if let Some((name, _)) = parsed.query_pairs().find(|(name, _)| !knows(name)) {
        // What stands behind a ? may also be part of a password.
        let is_name = name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let shown = if is_name { format!("`{name}`") } else { "behind the `?`".to_owned() };
        return Err(wrong(&format!(
            "there is no parameter {shown}: set it on the store, and a ? of a password is %3F"
        )));
    }
    let info = parsed.into_connection_info().map_err(|error| wrong(&what(&error.to_string())))?;
    if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(wrong("certificates are always checked"));
    }
    if info.redis_settings().db() < 0 {
        return Err(wrong("the database is a negative number"));
    }
    // The older protocol does, and a name of the client library is one more right that a user would need.
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
    Ok(info.set_redis_settings(settings))
}

/// What the client library says, without its kind.
fn what(error: &str) -> String {
    error.split(" - ").next().unwrap_or(error).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_is_read() {
        let info = read("redis://user:p%40ss@[::1]:7000/3").expect("it is good");
        assert_eq!(info.addr(), &ConnectionAddr::Tcp("::1".into(), 7000));
        let settings = info.redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("user"), Some("p@ss"), 3));
        for good in ["redis://localhost", "redis://:secret@localhost", "unix:///run/redis.sock?db=1", "valkey://a:1/"] {
            read(good).expect(good);
        }
        assert_eq!(read("rediss://localhost").is_ok(), cfg!(feature = "redis-tls"));
    }

    #[test]
    fn what_cannot_be_read_is_named_without_the_password() {
        let bad = [
            ("", "relative url without a base"),
            ("localhost:6379", "scheme"),
            ("http://u:secret@localhost", "scheme"),
            ("redis://u:secret@localhost:99999", "port"),
            ("redis://u:sec/ret@localhost", "port"),
            ("redis://u:secret@", "host"),
            ("redis://", "host"),
            ("redis://u:secret@localhost/secret", "database"),
            ("redis://u:secret@localhost/-1", "database"),
            ("redis://u:secret@0.0.0.0", "wildcard"),
            ("redis://secret@localhost", "no password"),
            ("redis://u:secret@localhost/0#insecure", "certificates"),
            ("redis://u:%ff%fesecret@localhost", "password"),
            ("unix:relative", "path"),
            ("redis://u:secret@localhost?timeout=1s", "`timeout`"),
            ("redis://u:secret@localhost?db=1", "`db`"),
            ("unix:///run/redis.sock?db=1&password=secret", "`password`"),
            ("redis://localhost?Secret@x=secret", "behind the `?`"),
            ("redis+sentinel://u:secret@localhost:26379/mymaster", "name the master"),
            ("rediss-sentinel://:secret@localhost/mymaster/0", "not supported"),
        ];
        for (url, names) in bad {
            let error = read(url).expect_err(url);
            let said = format!("{error} {error:?}");
            assert!(said.to_lowercase().contains(names), "{url}: {said}");
            assert!(!said.contains("secret") && !said.contains("ret@"), "{url}: {said}");
        }
    }
}
