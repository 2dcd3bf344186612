//! The number that is matched between the login side and the phone.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// The number that the login side shows and the person types on the phone. `Debug` does not tell it.
#[derive(Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// The number that was stored.
    #[must_use]
    pub fn from_stored(digits: String) -> Self {
        Self(digits)
    }

    /// A number of `digits` digits that is none of `taken`: uniform over what is left, for a uniform `draw`.
    ///
    /// One multiplication maps the draw to a rank among the free numbers (bias below 2^-40 at six digits), and
    /// the rank is moved past those taken, so nothing is drawn twice.
    #[must_use]
    pub fn draw(digits: u8, taken: &[Self], draw: u64) -> Self {
        let space = 10_u64.pow(u32::from(digits.clamp(2, 6)));
        let mut taken: Vec<u64> = taken
            .iter()
            .filter(|number| number.0.len() == usize::from(digits))
            .filter_map(|number| number.0.parse().ok())
            .collect();
        taken.sort_unstable();
        taken.dedup();
        let free = space.saturating_sub(taken.len() as u64).max(1);
        let rank = (u128::from(draw) * u128::from(free)) >> 64;
        let mut number = u64::try_from(rank).unwrap_or(0);
        for other in taken {
            if other <= number {
                number += 1;
            }
        }
        Self(format!("{number:0width$}", width = usize::from(digits)))
    }

    /// The digits, for the login side only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// How many digits it has.
    #[must_use]
    pub fn digits(&self) -> usize {
        self.0.len()
    }

    /// Whether this is what the person typed; takes the same time wherever the difference lies.
    #[must_use]
    pub fn matches(&self, typed: &str) -> bool {
        self.0.as_bytes().ct_eq(typed.as_bytes()).into()
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_never_one_of_those_taken(digits in 2_u8..=6, draws in proptest::collection::vec(any::<u64>(), 1..40)) {
            let mut taken = Vec::new();
            for draw in draws {
                let number = Number::draw(digits, &taken, draw);
                prop_assert_eq!(number.digits(), usize::from(digits));
                prop_assert!(number.reveal().bytes().all(|b| b.is_ascii_digit()));
                prop_assert!(!taken.contains(&number));
                taken.push(number);
            }
        }
    }

    #[test]
    fn every_free_number_is_reached_and_the_extremes_fit() {
        assert_eq!(Number::draw(3, &[], 0).reveal(), "000");
        assert_eq!(Number::draw(3, &[], u64::MAX).reveal(), "999");
        let taken = [Number("000".to_owned()), Number("001".to_owned()), Number("999".to_owned())];
        assert_eq!(Number::draw(3, &taken, 0).reveal(), "002");
        assert_eq!(Number::draw(3, &taken, u64::MAX).reveal(), "998");
    }

    // CH-02. A splitmix64 walk stands in for the random source; chi-square over 1,000 cells has a mean of 999
    // and a standard deviation of 45, so 1,225 is five of them away.
    #[test]
    fn ch_02_a_hundred_thousand_numbers_are_uniform() {
        let mut counts = vec![0_u32; 1_000];
        let mut seed = 42_u64;
        for _ in 0..100_000 {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let number = Number::draw(3, &[], z ^ (z >> 31));
            counts[number.reveal().parse::<usize>().unwrap()] += 1;
        }
        let chi_square: f64 = counts.iter().map(|count| (f64::from(*count) - 100.0).powi(2) / 100.0).sum();
        assert!(chi_square < 1_225.0, "chi-square {chi_square}");
        assert!(chi_square > 775.0, "too even to be random: {chi_square}");
    }

    #[test]
    fn debug_does_not_tell_the_number() {
        assert!(!format!("{:?}", Number("047".to_owned())).contains("047"));
    }
}
