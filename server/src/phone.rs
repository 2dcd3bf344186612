//! The phone as a web app: its files, as they are served under `/app/`.
//!
//! They stand in `phone/` at the top of the tree and are part of the binary. There is no build step: what is served
//! is what was written, but for the company's name where `{{name}}` stands.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use gatematch_protocol::secret::sha256;

/// A file of `phone/`.
struct Source {
    name: &'static str,
    bytes: &'static [u8],
}

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        &[$(Source {
            name: $name,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../phone/", $name)),
        }),*]
    };
}

/// Every file that is served.
const SOURCES: &[Source] = sources![
    "account-screen.js",
    "add-screen.js",
    "another-screen.js",
    "api.js",
    "app.css",
    "app.js",
    "apple-touch-icon.png",
    "badge.png",
    "base64url.js",
    "challenge.js",
    "claims.js",
    "clock.js",
    "codes-screen.js",
    "database.js",
    "device-name.js",
    "dom.js",
    "drawing.js",
    "enroll-screen.js",
    "enrollment.js",
    "extras.css",
    "extras.js",
    "home-screen.js",
    "icon-192.png",
    "icon-512.png",
    "icon-maskable-512.png",
    "index.html",
    "json.js",
    "jsqr.js",
    "jwk.js",
    "jws.js",
    "keys.js",
    "logo.svg",
    "main.js",
    "manifest.webmanifest",
    "notice-list.js",
    "notices.js",
    "number-field.js",
    "phone-item.js",
    "phones.js",
    "platform.js",
    "proof.js",
    "push.js",
    "qr.js",
    "queue.js",
    "ready-screen.js",
    "request-facts.js",
    "request-screen.js",
    "requests.js",
    "response.js",
    "result-screen.js",
    "ring.js",
    "ringing.js",
    "scan-screen.js",
    "stage.js",
    "sw.js",
    "totp-screen.js",
    "watch.js",
    "way-change.js",
    "way-item.js",
    "ways-screen.js",
    "ways-steps.js",
    "ways.js",
    "words-de.js",
    "words-en.js",
    "words-extra-de.js",
    "words-extra-en.js",
    "words.js",
];

/// The file that `/app/` itself is.
pub const INDEX: &str = "index.html";
/// Files in which the company's name stands.
const NAMED: [&str; 2] = [INDEX, "manifest.webmanifest"];

/// One file, as it goes out.
pub struct Asset {
    /// Its media type.
    pub media_type: &'static str,
    /// Names this content (RFC 9110 section 8.8.3), quotation marks included.
    pub etag: String,
    bytes: Vec<u8>,
    zipped: OnceLock<Option<Vec<u8>>>,
}

impl Asset {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", sha256(&bytes));
        Self { media_type: media_type(name), etag, bytes, zipped: OnceLock::new() }
    }

    /// The content as it is.
    #[must_use]
    pub fn plain(&self) -> &[u8] {
        &self.bytes
    }

    /// The content as gzip (RFC 1952); `None` where that saves nothing.
    #[must_use]
    pub fn zipped(&self) -> Option<&[u8]> {
        let zip = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&self.bytes).ok()?;
            encoder.finish().ok().filter(|zipped| zipped.len() < self.bytes.len())
        };
        self.zipped.get_or_init(zip).as_deref()
    }
}

/// The web app of one company.
pub struct Phone(BTreeMap<&'static str, Asset>);

impl Phone {
    /// The web app of the company `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let asset = |source: &Source| {
            let bytes = if NAMED.contains(&source.name) { named(source, name) } else { source.bytes.to_vec() };
            (source.name, Asset::new(source.name, bytes))
        };
        Self(SOURCES.iter().map(asset).collect())
    }

    /// The file of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Asset> {
        self.0.get(name)
    }

    /// The names of all files.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

/// The file with the company's name in it, as HTML or as JSON wants it.
fn named(source: &Source, name: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(source.bytes);
    let name = if source.name == INDEX {
        crate::connect::escaped(name)
    } else {
        // Within quotation marks that stand in the file.
        let quoted = serde_json::Value::from(name).to_string();
        quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
    };
    text.replace("{{name}}", &name).into_bytes()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of `phone/` is not for browsers.
    const NOT_SERVED: [&str; 4] = ["package.json", "types.d.ts", "tsconfig.json", "tsconfig.worker.json"];

    #[test]
    fn every_file_of_the_phone_is_served() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../phone");
        let entries = std::fs::read_dir(directory).unwrap();
        let mut there: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        there.retain(|name| !NOT_SERVED.contains(&name.as_str()));
        there.sort();
        assert_eq!(there, Phone::of("Contoso").names().collect::<Vec<_>>());
    }

    #[test]
    fn a_company_may_have_any_name() {
        let phone = Phone::of("A \"B\" & <C>");
        let index = std::str::from_utf8(phone.get(INDEX).unwrap().plain()).unwrap();
        assert!(index.contains("A &quot;B&quot; &amp; &lt;C&gt;") && !index.contains("{{"));
        let manifest = phone.get("manifest.webmanifest").unwrap().plain();
        let manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
        assert!(manifest["name"].as_str().unwrap().contains("A \"B\" & <C>"));
    }
}
