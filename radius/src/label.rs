//! Names as they stand between the quotes of a Prometheus label.

use std::borrow::Cow;

/// The name with `\`, `"` and line ends escaped.
pub(crate) fn escaped(name: &str) -> Cow<'_, str> {
    if !name.contains(['\\', '"', '\n']) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_between_its_quotes() {
        for (name, shown) in [
            ("Oslo gateway", "Oslo gateway"),
            (r"CONTOSO\rdg", r"CONTOSO\\rdg"),
            ("a\"b\nc", r#"a\"b\nc"#),
            (r#"\""#, r#"\\\""#),
        ] {
            assert_eq!(escaped(name), shown);
        }
    }
}
