//! The console: where administrators, the helpdesk and auditors look after others. It is served by the inner listener alone.

mod people;
mod rules;
mod watch;

use super::site::PageRoute;

/// The pages of the console.
pub(super) fn pages() -> Vec<PageRoute> {
    [watch::pages(), people::pages(), rules::pages()].into_iter().flatten().collect()
}
