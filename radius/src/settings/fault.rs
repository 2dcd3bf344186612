//! Why there are no settings of the front door.

/// Why there are no settings: what is wrong, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{section}: {what}")]
pub struct SettingsFault {
    section: String,
    what: String,
    todo: String,
}

impl SettingsFault {
    pub(super) fn new(section: impl Into<String>, what: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { section: section.into(), what: what.into(), todo: todo.into() }
    }

    /// What to write, in a sentence.
    #[must_use]
    pub fn todo(&self) -> &str {
        &self.todo
    }
}
