//! The names of keys: all of a breaker in one slot of a cluster, and none that another breaker could have.

use std::fmt::Write;

/// In front of all keys but the plain one. Another layout gets another number.
const PREFIX: &str = "cb1";
/// How many slots a cluster has.
pub(super) const SLOTS: u16 = 16384;

#[derive(Clone, Debug)]
pub(super) struct Keys {
    namespace: String,
}

impl Keys {
    pub(super) fn new(namespace: &str) -> Self {
        Keys { namespace: namespace.to_owned() }
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What the name of each key of a breaker begins with. What stands in braces decides about the slot.
    fn stem(&self, breaker: &str) -> String {
        format!("{PREFIX}:{{{}:{}}}:", escape(&self.namespace, "{}%:"), escape(breaker, "{}%"))
    }

    /// The keys of the scripts, in the order of `agreement.lua`.
    pub(super) fn of(&self, breaker: &str) -> [String; 7] {
        let stem = self.stem(breaker);
        ["s", "w", "v", "f", "i", "p", "h"].map(|kind| format!("{stem}{kind}"))
    }

    /// Where changes are told.
    pub(super) fn channel(&self) -> String {
        format!("{PREFIX}:{}:ev", escape(&self.namespace, "{}%:"))
    }

    /// The key for whoever only wants to read a state.
    pub(super) fn plain(&self, breaker: &str) -> String {
        match &*self.namespace {
            "default" => format!("circuit_breaker:{breaker}:state"),
            namespace => format!("circuit_breaker:{namespace}:{breaker}:state"),
        }
    }
}

/// Writes these characters, and those that cannot be seen, as `%XX`.
fn escape(name: &str, special: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for c in name.chars() {
        if special.contains(c) || c.is_ascii_control() || c == ' ' {
            let _ = write!(escaped, "%{:02X}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The slot of a key in a cluster: the CRC-16 (XMODEM) of what stands in its first pair of braces, if anything does.
pub(super) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(tag, _)| tag);
    let hashed = if tag.is_empty() { key } else { tag };
    let crc = hashed.bytes().fold(0_u16, |crc, byte| {
        (0..8)
            .fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        // The check value of the CRC, and slots that `CLUSTER KEYSLOT` of a real server tells.
        assert_eq!(slot("123456789"), 0x31C3);
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot("x{foo}y{bar}"), 12182);
        assert_eq!(slot("foo{}{bar}"), 8363);
        assert_eq!(slot("foo{{bar}}zap"), 4015);
    }

    #[test]
    fn keys_of_a_breaker_share_a_slot_and_no_two_breakers_share_a_key() {
        let keys = Keys::new("default");
        for name in ["quotes", "a::b", "{", "}", "{}", "a}b{c", "%7B", "ü {x}:s"] {
            let of = keys.of(name);
            assert!(of.iter().all(|key| slot(key) == slot(&of[0])), "{of:?}");
            assert!(of.iter().all(|key| key.matches(['{', '}']).count() == 2), "{of:?}");
        }
        assert_ne!(keys.of("{")[0], keys.of("%7B")[0]);
        assert_ne!(Keys::new("a:b").of("c")[0], Keys::new("a").of("b:c")[0]);
        assert_eq!(keys.of("a::b")[0], "cb1:{default:a::b}:s");
        assert_eq!(keys.plain("a::b"), "circuit_breaker:a::b:state");
    }
}
