//! QR codes (ISO/IEC 18004) in a terminal, two modules to a character.

use qrcode::{Color, EcLevel, QrCode};

/// The widest code that is drawn, in characters.
const MAX_COLUMNS: usize = 80;
/// The light margin, in modules. The standard asks for 4.
const MARGIN: usize = 4;

/// The rows of the code for `text`; `None` where it would be wider than 80 columns.
///
/// With colours, black stands on white whatever the terminal's own colours are. Without, a block is a light
/// module: right on a dark terminal, and inverted, which most phones read as well, on a light one.
pub(super) fn draw(text: &str, colours: bool) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let width = code.width();
    let modules = code.to_colors();
    let columns = width + 2 * MARGIN;
    if columns > MAX_COLUMNS {
        return None;
    }
    let is_dark = |x: usize, y: usize| {
        let (Some(x), Some(y)) = (x.checked_sub(MARGIN), y.checked_sub(MARGIN)) else { return false };
        x < width && y < width && modules.get(y * width + x) == Some(&Color::Dark)
    };
    let row = |y: usize| {
        let cells: String = (0..columns).map(|x| cell(is_dark(x, y), is_dark(x, y + 1), colours)).collect();
        // Black on white, from the 256 colours, which themes leave alone.
        if colours { format!("\u{1b}[38;5;16;48;5;231m{cells}\u{1b}[0m") } else { cells }
    };
    Some((0..columns).step_by(2).map(row).collect())
}

const fn cell(upper_is_dark: bool, lower_is_dark: bool, colours: bool) -> char {
    // With colours ink is dark, without ink is light.
    match (upper_is_dark == colours, lower_is_dark == colours) {
        (true, true) => '\u{2588}',
        (true, false) => '\u{2580}',
        (false, true) => '\u{2584}',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules that a drawing shows, true for dark.
    fn modules(rows: &[String], colours: bool) -> Vec<Vec<bool>> {
        let half = |c: char, upper: bool| match c {
            '\u{2588}' => true,
            '\u{2580}' => upper,
            '\u{2584}' => !upper,
            _ => false,
        };
        let line = |row: &String, upper| row.chars().map(|c| half(c, upper) == colours).collect();
        rows.iter().flat_map(|row| [line(row, true), line(row, false)]).collect()
    }

    #[test]
    fn both_ways_show_the_code_and_its_margin() {
        let link = "https://mfa.example.com/app/#enroll=gme_0123456789012345678901234567890123456789012";
        let code = QrCode::with_error_correction_level(link, EcLevel::L).unwrap();
        for colours in [true, false] {
            let rows = draw(link, colours).unwrap();
            let bare: Vec<String> =
                rows.iter().map(|row| row.replace("\u{1b}[38;5;16;48;5;231m", "").replace("\u{1b}[0m", "")).collect();
            assert!(bare.iter().all(|row| row.chars().count() == code.width() + 2 * MARGIN));
            let seen = modules(&bare, colours);
            for (y, row) in seen.iter().enumerate().take(code.width() + 2 * MARGIN) {
                for (x, dark) in row.iter().enumerate() {
                    let inside =
                        (MARGIN..MARGIN + code.width()).contains(&x) && (MARGIN..MARGIN + code.width()).contains(&y);
                    let expected = inside && code[(x - MARGIN, y - MARGIN)] == Color::Dark;
                    assert_eq!(*dark, expected, "{x} {y} {colours}");
                }
            }
        }
    }

    #[test]
    fn it_fits_80_columns_or_is_not_drawn() {
        assert!(
            draw(&format!("https://{}.example.com/app/#enroll=gme_{}", "x".repeat(60), "y".repeat(43)), false)
                .is_some()
        );
        assert_eq!(draw(&"x".repeat(600), false), None);
    }
}
