//! The number, large enough to be read across a desk.

const HEIGHT: usize = 5;

/// The digits 0 to 9, five rows of five.
const DIGITS: [[&str; HEIGHT]; 10] = [
    [" ### ", "#   #", "#   #", "#   #", " ### "],
    ["  #  ", " ##  ", "  #  ", "  #  ", " ### "],
    [" ### ", "#   #", "  ## ", " #   ", "#####"],
    ["#### ", "    #", " ### ", "    #", "#### "],
    ["#  # ", "#  # ", "#####", "   # ", "   # "],
    ["#####", "#    ", "#### ", "    #", "#### "],
    [" ### ", "#    ", "#### ", "#   #", " ### "],
    ["#####", "   # ", "  #  ", " #   ", " #   "],
    [" ### ", "#   #", " ### ", "#   #", " ### "],
    [" ### ", "#   #", " ####", "    #", " ### "],
];

/// The rows of `number` in large digits; six are grouped 3+3. `None` when it is not all digits.
pub(crate) fn large(number: &str) -> Option<Vec<String>> {
    let digits: Vec<_> =
        number.chars().map(|digit| DIGITS.get(usize::try_from(digit.to_digit(10)?).ok()?)).collect::<Option<_>>()?;
    let row = |index: usize| {
        let mut line = String::from("   ");
        for (place, digit) in digits.iter().enumerate() {
            line.push_str(if digits.len() == 6 && place == 3 { "      " } else { "  " });
            line.push_str(&digit.get(index).copied().unwrap_or_default().replace('#', "\u{2588}"));
        }
        line.trim_end().to_owned()
    };
    Some((0..HEIGHT).map(row).collect())
}

/// The number in one line: six digits are grouped 3+3.
pub(crate) fn small(number: &str) -> String {
    match number.split_at_checked(3) {
        Some((first, second)) if number.len() == 6 => format!("{first} {second}"),
        _ => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_five_by_five_and_its_own() {
        for (value, digit) in DIGITS.iter().enumerate() {
            assert!(digit.iter().all(|row| row.len() == 5), "{value}");
            assert_eq!(DIGITS.iter().filter(|other| *other == digit).count(), 1, "{value}");
        }
    }

    #[test]
    fn six_digits_are_grouped() {
        assert_eq!(large("047").unwrap().len(), HEIGHT);
        assert!(large("12345").unwrap()[0].chars().count() < large("123456").unwrap()[0].chars().count());
        assert_eq!(large("4a"), None);
        assert_eq!((small("047").as_str(), small("047123").as_str()), ("047", "047 123"));
    }
}
