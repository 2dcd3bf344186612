//! Messages of PostgreSQL's protocol, whole and unchanged.

use std::io::{Error, Result};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything that is sent here.
const MAX: usize = 64 * 1024 * 1024;
/// The requests for encryption, which come before the first message and have its form: TLS, and GSSAPI.
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

/// A message: a byte that says which, four with its length, and the rest.
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Self> {
        let kind = from.read_u8().await?;
        let rest = with_length(from).await?;
        Ok(Self([&[kind], rest.as_slice()].concat()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn kind(&self) -> u8 {
        self.0[0]
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.0[5..]
    }

    pub(super) fn contains(&self, part: &[u8]) -> bool {
        !part.is_empty() && self.body().windows(part.len()).any(|found| found == part)
    }

    #[cfg(test)]
    pub(super) fn of(kind: u8, body: &[u8]) -> Self {
        let length = u32::try_from(body.len() + 4).unwrap();
        Self([&[kind], length.to_be_bytes().as_slice(), body].concat())
    }
}

/// Four bytes of length, which count themselves, and the rest.
async fn with_length(from: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let rest = usize::try_from(length).ok().and_then(|length| length.checked_sub(4)).filter(|rest| *rest <= MAX);
    let mut bytes = vec![0; rest.ok_or_else(|| Error::other("no message of PostgreSQL"))? + 4];
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    from.read_exact(&mut bytes[4..]).await?;
    Ok(bytes)
}

/// Reads what a client begins with, and tells it that there is no encryption here.
pub(super) async fn begin(client: &mut TcpStream) -> Result<Vec<u8>> {
    loop {
        let first = with_length(client).await?;
        let code = first.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes);
        if !code.is_some_and(|code| ENCRYPTION.contains(&code)) {
            return Ok(first);
        }
        client.write_all(b"N").await?;
    }
}
