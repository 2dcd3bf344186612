//! What the pages about gateways, policy and settings say.

pub mod editor;
pub mod explain;
pub mod front_door;
pub mod gateways;
pub mod meanings;
pub mod policy;
pub mod settings;
pub mod spoken;

super::words! {
    /// What several of these pages say.
    Rules {
        copy: "Copy", "Kopieren";
        copied: "Copied", "Kopiert";
        english: "What the server says here is in English.", "Was der Server hier sagt, ist Englisch.";
        tick_missing: "Tick the box to say that you mean it.", "Setzen Sie das Häkchen, wenn Sie es so meinen.";
        look_again: "Nothing was changed. Look at what is marked below.", "Nichts wurde geändert. Sehen Sie sich an, was unten markiert ist.";
        phone_first: "Unless you have proven a moment ago that it is you, your phone asks for a number first.", "Wenn Sie sich nicht eben erst ausgewiesen haben, fragt Ihr Telefon vorher nach einer Zahl.";
    }
}
