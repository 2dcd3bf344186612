//! The number, large enough to be read across a desk.

/// The digits 0 to 9, three by five: a bit for each cell, row by row from the top left.
const DIGITS: [u16; 10] = [
    0b111_101_101_101_111,
    0b010_110_010_010_111,
    0b111_001_111_100_111,
    0b111_001_111_001_111,
    0b101_101_111_001_001,
    0b111_100_111_001_111,
    0b111_100_111_101_111,
    0b111_001_001_010_010,
    0b111_101_111_101_111,
    0b111_101_111_001_111,
];

/// The rows of `number` in large digits; anything else but a digit leaves a gap.
pub(super) fn rows(number: &str) -> Vec<String> {
    (0..5)
        .map(|row| number.chars().map(|c| digit_row(c, row)).collect::<Vec<_>>().join("   ").trim_end().to_owned())
        .collect()
}

fn digit_row(digit: char, row: u32) -> String {
    let value =
        digit.to_digit(10).and_then(|value| DIGITS.get(usize::try_from(value).ok()?)).copied().unwrap_or_default();
    let cell = |column: u32| if value >> (14 - 3 * row - column) & 1 == 1 { "\u{2588}\u{2588}" } else { "  " };
    (0..3).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_drawn_in_five_rows() {
        assert_eq!(
            rows("1"),
            [
                "  \u{2588}\u{2588}",
                "\u{2588}\u{2588}\u{2588}\u{2588}",
                "  \u{2588}\u{2588}",
                "  \u{2588}\u{2588}",
                "\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}\u{2588}"
            ]
        );
        let all: Vec<_> = (0..10).map(|digit| rows(&digit.to_string())).collect();
        assert!(all.iter().enumerate().all(|(index, digit)| !all[..index].contains(digit)));
    }
}
