//! A copy of the database, read by somebody who has a master key and knows how secrets are sealed, but not our code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use gatematch_protocol::base64url;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

/// Table, column, and what stands before the id in the label.
pub(super) const SEALED: [(&str, &str, &str); 5] = [
    ("signing_keys", "private_key", "signing-key"),
    ("devices", "code", "code"),
    ("devices", "push", "push"),
    ("factors", "secret", "factor"),
    ("challenges", "number", "number"),
];

/// A sealed text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sealed {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    pub(super) id: String,
    pub(super) text: String,
    pub(super) label: String,
}

/// What is sealed in a database.
pub(super) struct Dump {
    pub(super) keys: Vec<(i64, String, String)>,
    pub(super) sealed: Vec<Sealed>,
}

pub(super) async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

fn key(bytes: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).unwrap())
}

/// The master key as its file has it.
pub(super) fn master(text: &str) -> LessSafeKey {
    key(&base64url::decode(text.trim()).unwrap())
}

pub(super) fn seal(key: &LessSafeKey, label: &str, secret: &[u8]) -> String {
    let nonce: [u8; NONCE_LEN] = gatematch_client_sim::edge::random();
    let mut body = secret.to_vec();
    let aad = Aad::from(label.as_bytes());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body).unwrap();
    base64url::encode([nonce.as_slice(), &body].concat())
}

fn open(key: &LessSafeKey, label: &str, text: &str) -> Option<Vec<u8>> {
    let bytes = base64url::decode(text).ok()?;
    let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
    let mut body = body.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let opened = key.open_in_place(nonce, Aad::from(label.as_bytes()), &mut body).ok()?.to_vec();
    Some(opened)
}

impl Dump {
    pub(super) async fn of(path: &Path) -> Self {
        let mut conn = connect(path).await;
        let mut sealed = Vec::new();
        for (table, column, kind) in SEALED {
            let sql = format!("SELECT id, {column} AS text FROM {table} WHERE {column} IS NOT NULL ORDER BY id");
            for row in sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut conn).await.unwrap() {
                let id: String = row.get("id");
                let label = format!("{kind}:{id}");
                sealed.push(Sealed { table, column, id, text: row.get("text"), label });
            }
        }
        let keys = sqlx::query_as("SELECT number, sealed, status FROM vault_keys ORDER BY number");
        let keys = keys.fetch_all(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        Self { keys, sealed }
    }

    /// The columns in which something is sealed.
    pub(super) fn columns(&self) -> BTreeSet<(&str, &str)> {
        self.sealed.iter().map(|sealed| (sealed.table, sealed.column)).collect()
    }

    /// How many texts name each key; 0 is the master key itself.
    pub(super) fn named(&self) -> BTreeMap<i64, usize> {
        let mut named = BTreeMap::new();
        for sealed in &self.sealed {
            let words: Vec<_> = sealed.text.split('.').collect();
            let number = match words.as_slice() {
                ["v1", _] => 0,
                ["v2", number, _] => number.parse().unwrap(),
                _ => panic!("{sealed:?}"),
            };
            *named.entry(number).or_default() += 1;
        }
        named
    }

    /// The numbers of the data keys.
    pub(super) fn numbers(&self) -> Vec<i64> {
        self.keys.iter().map(|(number, ..)| *number).collect()
    }

    /// The secrets that a thief with this master key has, in order.
    pub(super) fn opened(&self, text: &str) -> Vec<Vec<u8>> {
        let master = master(text);
        let keys: BTreeMap<String, LessSafeKey> = self
            .keys
            .iter()
            .filter_map(|(number, sealed, _)| {
                let opened = |text: &str| open(&master, &format!("vault-key:{number}"), text.strip_prefix("v1.")?);
                Some((number.to_string(), key(&sealed.split(' ').find_map(opened)?)))
            })
            .collect();
        let opened = |sealed: &Sealed| {
            let words: Vec<_> = sealed.text.split('.').collect();
            match words.as_slice() {
                ["v1", text] => open(&master, &sealed.label, text),
                ["v2", number, text] => open(keys.get(*number)?, &sealed.label, text),
                _ => None,
            }
        };
        self.sealed.iter().filter_map(opened).collect()
    }

    /// Everything that is sealed, opened.
    pub(super) fn all(&self, text: &str) -> Vec<Vec<u8>> {
        let opened = self.opened(text);
        assert_eq!(opened.len(), self.sealed.len(), "{:?} under {:?}", self.named(), self.keys);
        opened
    }
}
