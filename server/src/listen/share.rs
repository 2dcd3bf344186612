//! How many of a listener's places one address may have, so that it cannot take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::strangers::block;

/// What an address may always have: a household, or a small office.
const LEAST: usize = 64;
/// One address may have this part of the places: many people may come from behind one.
const PART: usize = 16;

/// The places of one address (of an IPv6 /64), where there are so many in all.
pub(super) fn share(places: usize) -> usize {
    LEAST.max(places / PART)
}

/// Who has how many places. Only those are remembered who have one.
pub(super) struct Shares {
    most: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Shares {
    /// Nobody has any, and everybody may have so many.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default() })
    }

    /// One more for this address, where it has not yet all that it may have.
    pub(super) fn take(self: &Arc<Self>, source: IpAddr) -> Option<Taken> {
        let block = block(source);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_block = taken.entry(block).or_default();
        if *of_block < self.most {
            *of_block += 1;
            return Some(Taken { shares: Arc::clone(self), block });
        }
        if *of_block == 0 {
            taken.remove(&block);
        }
        None
    }
}

/// A place of an address, given back when the connection ends.
pub(super) struct Taken {
    shares: Arc<Shares>,
    block: IpAddr,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_block) = taken.get_mut(&self.block) {
            *of_block = of_block.saturating_sub(1);
            if *of_block == 0 {
                taken.remove(&self.block);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sixteenth_but_never_less_than_a_household_needs() {
        assert_eq!([0, 100, 1_024, 1_040, 20_000].map(share), [64, 64, 64, 65, 1_250]);
    }

    #[test]
    fn one_address_leaves_the_others_theirs() {
        let shares = Shares::new(2);
        let take = |source: &str| shares.take(source.parse().unwrap());
        let held = [take("192.0.2.1"), take("::ffff:192.0.2.1"), take("2001:db8::1"), take("2001:db8::2")];
        assert!(held.iter().all(Option::is_some));
        for (source, may) in [
            ("192.0.2.1", false),
            ("::ffff:192.0.2.1", false),
            ("2001:db8::3", false),
            ("192.0.2.2", true),
            ("2001:db8:0:1::1", true),
        ] {
            assert_eq!(take(source).is_some(), may, "{source}");
        }
        let [one, others @ ..] = held;
        drop(one);
        let again = take("192.0.2.1");
        assert!(again.is_some() && take("192.0.2.1").is_none());
        drop((again, others));
        assert_eq!(shares.taken.lock().unwrap().len(), 0, "those who have left are forgotten");
        let none = Shares::new(0);
        assert!(none.take("192.0.2.1".parse().unwrap()).is_none() && none.taken.lock().unwrap().is_empty());
    }
}
