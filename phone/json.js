// JSON in signed tokens (RFC 8259, RFC 7493). `JSON.parse` takes the last of two members of one name, and any depth;
// another reader may take the first, so a token could say two things. Such texts are refused here.

/** How many levels of objects and arrays a text may have (wire contract, section 1). */
const MAX_DEPTH = 8;

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Reads one JSON value. Objects come without a prototype, so that no member is there but those that were written.
 * @param {Uint8Array} bytes
 * @returns {unknown}
 * @throws {SyntaxError} for what is not UTF-8 or not JSON, anything behind the value, a member that stands twice, more
 *   than 8 levels, a lone surrogate, or a number that cannot be held.
 */
export function parse(bytes) {
  return new Reader(utf8(bytes)).whole();
}

/**
 * Reads one JSON object.
 * @param {Uint8Array} bytes
 * @returns {Record<string, unknown>}
 * @throws {SyntaxError} as `parse`; and when the value is no object.
 */
export function parseObject(bytes) {
  const value = parse(bytes);
  if (!isObject(value)) throw new SyntaxError("not a JSON object");
  return value;
}

/**
 * Whether a JSON value is an object, and no array.
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {Uint8Array} bytes */
function utf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SyntaxError("not UTF-8");
  }
}

class Reader {
  #text;
  #at = 0;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /** The one value of the text. */
  whole() {
    const value = this.#value(0);
    if (this.#at !== this.#text.length) throw new SyntaxError("something stands behind the JSON value");
    return value;
  }

  /**
   * @param {number} depth how many levels are around the value
   * @returns {unknown}
   */
  #value(depth) {
    this.#take(SPACE);
    const next = this.#text[this.#at];
    const value = next === "{" ? this.#object(depth) : next === "[" ? this.#array(depth) : this.#scalar(next);
    this.#take(SPACE);
    return value;
  }

  /** @param {number} depth */
  #object(depth) {
    /** @type {Record<string, unknown>} */
    const members = Object.create(null);
    this.#list(depth, "}", () => {
      this.#take(SPACE);
      const name = this.#string();
      if (name in members) throw new SyntaxError("a member stands twice");
      this.#take(SPACE);
      if (!this.#skip(":")) throw new SyntaxError("a colon is missing");
      members[name] = this.#value(depth + 1);
    });
    return members;
  }

  /** @param {number} depth */
  #array(depth) {
    /** @type {unknown[]} */
    const items = [];
    this.#list(depth, "]", () => items.push(this.#value(depth + 1)));
    return items;
  }

  /**
   * Reads what stands between two brackets.
   * @param {number} depth
   * @param {string} end the closing bracket
   * @param {() => void} item reads one item or member
   */
  #list(depth, end, item) {
    if (depth >= MAX_DEPTH) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels`);
    this.#at += 1;
    this.#take(SPACE);
    if (this.#skip(end)) return;
    do item(); while (this.#skip(","));
    if (!this.#skip(end)) throw new SyntaxError("a bracket is not closed");
  }

  /** @param {string | undefined} next */
  #scalar(next) {
    if (next === '"') return this.#string();
    const word = this.#take(WORD);
    if (word !== null) return JSON.parse(word);
    const number = Number(this.#take(NUMBER) ?? NaN);
    if (!Number.isFinite(number)) throw new SyntaxError("not a JSON value");
    return number;
  }

  /** @returns {string} */
  #string() {
    const token = this.#take(STRING);
    if (token === null) throw new SyntaxError("not a JSON string");
    const text = JSON.parse(token);
    if (LONE_SURROGATE.test(text)) throw new SyntaxError("a lone surrogate");
    return text;
  }

  /**
   * What `pattern` finds here, which is then behind us; null where it finds nothing.
   * @param {RegExp} pattern a sticky one
   */
  #take(pattern) {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  /** @param {string} character */
  #skip(character) {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}
