//! A sum of bytes that stands for what is too long to be shown: the same in every process and every version.

use std::fmt;

/// FNV-1a of 128 bits, which shows as 32 digits. Two texts have one sum only if somebody made them so.
pub(crate) struct Sum(u128);

impl Sum {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut sum = Sum(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        sum.add(bytes);
        sum
    }

    /// Goes on with bytes that follow.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Sum;

    #[test]
    fn the_sums_are_those_of_the_published_algorithm() {
        assert_eq!(Sum::of(b"").to_string(), "6c62272e07bb014262b821756295c58d");
        assert_eq!(Sum::of(b"a").to_string(), "d228cb696f1a8caf78912b704e4a8964");
    }

    #[test]
    fn what_is_added_in_parts_has_the_sum_of_the_whole() {
        let mut sum = Sum::of(b"one ");
        sum.add(b"two");
        assert_eq!(sum.to_string(), Sum::of(b"one two").to_string());
    }
}
