//! The number on a gateway's screen: large enough to be read across a desk.

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

/// The rows of `number` in large digits, six of them grouped 3+3; anything else but a digit leaves a gap.
#[must_use]
pub fn large(number: &str) -> Vec<String> {
    let spaced = |row| {
        let mut line = String::new();
        for (place, digit) in number.chars().enumerate() {
            let gap = if place == 0 { "" } else { "   " };
            let group = if number.len() == 6 && place == 3 { "    " } else { "" };
            line.push_str(gap);
            line.push_str(group);
            line.push_str(&digit_row(digit, row));
        }
        line.trim_end().to_owned()
    };
    (0..5).map(spaced).collect()
}

fn digit_row(digit: char, row: u32) -> String {
    let cells = digit.to_digit(10).and_then(|value| DIGITS.get(usize::try_from(value).ok()?)).copied();
    let cells = cells.unwrap_or_default();
    let cell = |column: u32| if cells >> (14 - 3 * row - column) & 1 == 1 { "\u{2588}\u{2588}" } else { "  " };
    (0..3).map(cell).collect()
}

/// The number in one line: six digits are grouped 3+3.
#[must_use]
pub fn small(number: &str) -> String {
    match number.split_at_checked(3) {
        Some((first, second)) if number.len() == 6 => format!("{first} {second}"),
        _ => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_has_a_shape_of_its_own() {
        let one = ["  ██", "████", "  ██", "  ██", "██████"];
        assert_eq!(large("1"), one);
        let all: Vec<_> = (0..10).map(|digit| large(&digit.to_string())).collect();
        assert!(all.iter().enumerate().all(|(index, digit)| !all[..index].contains(digit)));
    }

    #[test]
    fn six_digits_are_grouped() {
        let width = |number: &str| large(number)[0].chars().count();
        assert!(width("888888") > 2 * width("888") + 3);
        assert_eq!((small("047").as_str(), small("047123").as_str()), ("047", "047 123"));
    }
}
