//! The form of a file: `<kind><version> <length> <sum>`, and a line of JSON.
//!
//! Length and sum cover kind, version and body. That is so in every version to come, so that a damaged
//! version is not taken for a later one.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It was written by a later version, and is none of our business.
    Later(u32),
    Damaged(&'static str),
}

/// A kind of file, and the version of it that this program writes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) kind: &'static str,
    pub(super) version: u32,
}

impl Form {
    pub(super) fn seal(self, content: &impl Serialize) -> Option<Vec<u8>> {
        let mut body = serde_json::to_vec(content).ok()?;
        body.push(b'\n');
        let mut bytes = self.header(self.version, &body).into_bytes();
        bytes.extend(body);
        Some(bytes)
    }

    pub(super) fn unseal<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, Unreadable> {
        if bytes.is_empty() {
            return Err(Unreadable::Damaged("it is empty"));
        }
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Unreadable::Damaged("it has no header"))?;
        let (head, body) = bytes.split_at(end + 1);
        let version = self.version_of(head).ok_or(Unreadable::Damaged("it has no header"))?;
        // Compared with what would be written, so that there is one spelling.
        if head != self.header(version, body).as_bytes() {
            return Err(Unreadable::Damaged("its length or its sum is wrong"));
        }
        if version != self.version {
            return Err(Unreadable::Later(version));
        }
        serde_json::from_slice(body).map_err(|_| Unreadable::Damaged("it does not hold the state of a breaker"))
    }

    fn header(self, version: u32, body: &[u8]) -> String {
        let start = format!("{}{version} {}", self.kind, body.len());
        let mut sum = crc32fast::Hasher::new();
        sum.update(start.as_bytes());
        sum.update(body);
        format!("{start} {:08x}\n", sum.finalize())
    }

    fn version_of(self, head: &[u8]) -> Option<u32> {
        let head = std::str::from_utf8(head).ok()?.strip_prefix(self.kind)?;
        head.split(' ').next()?.parse().ok().filter(|version| *version > 0)
    }
}
