//! How long a circuit stays open: the recovery timeout, grown with each re-opening and spread.

use crate::clock::nanos;
use crate::policy::Policy;

/// How long the circuit stays open at its n-th re-opening, saturating.
pub(crate) fn open_time(policy: &Policy, reopened: u32, noise: u64) -> u64 {
    let base = nanos(policy.recovery_timeout);
    let longest = policy.max_recovery_timeout.map_or(u64::MAX, nanos);
    if policy.jitter == 0.0 && (policy.multiplier == 1.0 || reopened == 0) {
        return base.min(longest);
    }
    let grown = base as f64 * policy.multiplier.powf(f64::from(reopened));
    let spread = 1.0 + policy.jitter * (2.0 * unit(noise) - 1.0);
    // A float that is too large for the integer becomes the largest one.
    ((grown.min(longest as f64) * spread) as u64).clamp(1, longest)
}

/// A number from 0 to 1 that looks random (the finaliser of `SplitMix64`).
fn unit(seed: u64) -> f64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) as f64 / u64::MAX as f64
}
