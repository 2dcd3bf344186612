// base64url without padding (RFC 4648 section 5, RFC 7515 section 2), strict in reading: one byte string has one text.

/**
 * The one text of some bytes.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function encode(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * The bytes of a canonical text.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {SyntaxError} for every text that `encode` would not have written: padding, white space, the other alphabet,
 *   stray bits.
 */
export function decode(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw new SyntaxError("not base64url");
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (encode(bytes) !== text) throw new SyntaxError("not canonical base64url");
  return bytes;
}
