//! `docs/errors.md` is what its generator writes, and says something about every code.

#[path = "../examples/make-errors/page.rs"]
mod page;

use gatematch_protocol::problem::Code;
use gatematch_protocol::problem::reasons::REASONS;

#[test]
fn the_page_is_as_its_generator_writes_it() {
    let kept = std::fs::read_to_string(page::FILE).unwrap();
    let how = "cargo run -p gatematch-protocol --example make-errors";
    let made = page::errors_page().unwrap();
    assert!(kept == made, "docs/errors.md is not what the tables say now. Write it anew: {how}");
}

#[test]
fn every_code_and_every_reason_has_one_place_and_is_found_from_the_contents() {
    let page = page::errors_page().unwrap();
    let words = Code::ALL.iter().map(|code| code.as_str()).chain(REASONS.iter().map(|reason| reason.word));
    for word in words {
        assert_eq!(page.matches(&format!("\n### `{word}`\n")).count(), 1, "{word}; is its status among STATUSES?");
    }
    for code in Code::ALL {
        assert_eq!(page.matches(&format!("(#{code})")).count(), 1, "{code}");
    }
}

#[test]
fn links_within_the_page_lead_to_headings() {
    let page = page::errors_page().unwrap();
    let headings: Vec<String> = page.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    let mut links = 0;
    for part in page.split("](#").skip(1) {
        let target = part.split(')').next().unwrap();
        assert!(headings.iter().any(|heading| heading == target), "#{target}");
        links += 1;
    }
    assert!(links > Code::ALL.len(), "{links}");
}

/// The anchor that readers of Markdown make of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn lines_are_short_but_for_tables() {
    let page = page::errors_page().unwrap();
    let long = |line: &&str| line.chars().count() > 120 && !line.starts_with('|');
    let long: Vec<&str> = page.lines().filter(long).collect();
    assert!(long.is_empty(), "{long:#?}");
    assert!(page.ends_with(".\n") && !page.contains("\n\n\n"));
}
