//! Passwords and keys inside attributes: xor with a stream of MD5 sums (RFC 2865, section 5.2; RFC 2548,
//! section 2.4.2; RFC 2868, section 3.5). Each hop has its own secret, so each hop reveals and hides again.

use gatematch_protocol::secret::Secret;
use md5::{Digest as _, Md5};
use zeroize::{Zeroize as _, Zeroizing};

/// The longest password, in octets (RFC 2865, section 5.2).
pub const MAX_PASSWORD_LENGTH: usize = 128;
/// The longest key or password behind a salt, in octets: with its length, padded, salted and tagged it fits an
/// attribute, alone or inside Vendor-Specific.
pub const MAX_SALTED_LENGTH: usize = 239;

const BLOCK: usize = 16;
const SALT_LENGTH: usize = 2;

/// Too long to be hidden in one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password may have 128 octets, a key 239")]
pub struct Unhideable;

/// Not something that was hidden, or hidden with another secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hidden value has a wrong length, or another secret hid it")]
pub struct Unreadable;

/// The value of User-Password (RFC 2865, section 5.2), for a request with this Request Authenticator.
///
/// # Errors
/// [`Unhideable`] over [`MAX_PASSWORD_LENGTH`].
pub fn hide_password(
    password: &[u8],
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Result<Vec<u8>, Unhideable> {
    if password.len() > MAX_PASSWORD_LENGTH {
        return Err(Unhideable);
    }
    // Room for the padding from the start: a Vec that grows leaves copies behind.
    let padded_length = password.len().next_multiple_of(BLOCK).max(BLOCK);
    let mut hidden = Vec::with_capacity(padded_length);
    hidden.extend_from_slice(password);
    hidden.resize(padded_length, 0);
    hide(&mut hidden, &[request_authenticator], secret);
    Ok(hidden)
}

/// Whether a User-Password of this length can hide one: a multiple of 16 in 16..=128 (RFC 2865, section 5.2).
#[must_use]
pub fn may_hide_password(hidden: &[u8]) -> bool {
    !hidden.is_empty() && hidden.len() <= MAX_PASSWORD_LENGTH && hidden.len().is_multiple_of(BLOCK)
}

/// The password in a User-Password (RFC 2865, section 5.2), without the zeros that fill its last block.
///
/// With another secret the result is noise, not an error: nothing in the attribute tells.
///
/// # Errors
/// [`Unreadable`] when the length is not a multiple of 16 in 16..=128.
pub fn reveal_password(
    hidden: &[u8],
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    if !may_hide_password(hidden) {
        return Err(Unreadable);
    }
    let mut password = Zeroizing::new(reveal(hidden, &[request_authenticator], secret));
    let length = password.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
    password.truncate(length);
    Ok(password)
}

/// The value of MS-MPPE-Send-Key or MS-MPPE-Recv-Key (RFC 2548, section 2.4.2), salt first; behind a tag octet,
/// the value of Tunnel-Password (RFC 2868, section 3.5).
///
/// `random` makes the salt, which must be another for each hidden value of a packet; its highest bit is set here.
///
/// # Errors
/// [`Unhideable`] over [`MAX_SALTED_LENGTH`].
pub fn hide_salted(
    key: &[u8],
    random: [u8; 2],
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Result<Vec<u8>, Unhideable> {
    let length = u8::try_from(key.len()).map_err(|_| Unhideable)?;
    if key.len() > MAX_SALTED_LENGTH {
        return Err(Unhideable);
    }
    let [first, second] = random;
    let salt = [first | 0x80, second];
    let padded_length = (1 + key.len()).next_multiple_of(BLOCK);
    let mut hidden = Vec::with_capacity(padded_length);
    hidden.push(length);
    hidden.extend_from_slice(key);
    hidden.resize(padded_length, 0);
    hide(&mut hidden, &[request_authenticator, &salt], secret);
    Ok([salt.as_slice(), &hidden].concat())
}

/// The key in an MS-MPPE-Send-Key or MS-MPPE-Recv-Key (RFC 2548, section 2.4.2), or, after its tag octet, the
/// password in a Tunnel-Password (RFC 2868, section 3.5). `request_authenticator` is that of the request, also
/// where the value stands in a reply.
///
/// # Errors
/// [`Unreadable`] when the length is wrong, the salt's highest bit is not set, or the key's length, revealed,
/// does not fit: mostly a sign of another secret.
pub fn reveal_salted(
    hidden: &[u8],
    request_authenticator: &[u8; 16],
    secret: &Secret,
) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    let (salt, hidden) = hidden.split_first_chunk::<SALT_LENGTH>().ok_or(Unreadable)?;
    if salt.first().is_none_or(|first| first & 0x80 == 0) {
        return Err(Unreadable);
    }
    if hidden.is_empty() || hidden.len() > MAX_SALTED_LENGTH + 1 || !hidden.len().is_multiple_of(BLOCK) {
        return Err(Unreadable);
    }
    let mut key = Zeroizing::new(reveal(hidden, &[request_authenticator, salt], secret));
    let length = key.first().copied().map(usize::from).ok_or(Unreadable)?;
    if length >= key.len() {
        return Err(Unreadable);
    }
    key.rotate_left(1);
    key.truncate(length);
    Ok(key)
}

/// Hides whole blocks in place. The sum for the first block is over the secret and `seed`, for each further one
/// over the secret and the block hidden before it.
fn hide(octets: &mut [u8], seed: &[&[u8]], secret: &Secret) {
    let mut stream = block_of_stream(seed, secret);
    for block in octets.chunks_mut(BLOCK) {
        xor(block, &stream);
        stream.zeroize();
        stream = block_of_stream(&[block], secret);
    }
    stream.zeroize();
}

fn reveal(hidden: &[u8], seed: &[&[u8]], secret: &Secret) -> Vec<u8> {
    let mut revealed = hidden.to_vec();
    let mut stream = block_of_stream(seed, secret);
    for (block, was) in revealed.chunks_mut(BLOCK).zip(hidden.chunks(BLOCK)) {
        xor(block, &stream);
        stream.zeroize();
        stream = block_of_stream(&[was], secret);
    }
    stream.zeroize();
    revealed
}

fn block_of_stream(seed: &[&[u8]], secret: &Secret) -> [u8; BLOCK] {
    let mut md5 = Md5::new();
    md5.update(secret.reveal());
    for piece in seed {
        md5.update(piece);
    }
    md5.finalize().into()
}

fn xor(block: &mut [u8], stream: &[u8; BLOCK]) {
    for (octet, mask) in block.iter_mut().zip(stream) {
        *octet ^= mask;
    }
}
