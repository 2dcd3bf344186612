// Typed access to the claims of a token. An optional claim that is null counts as absent, as on the server.

import { isObject } from "./json.js";
import { Unbelievable } from "./jws.js";

/** @typedef {Record<string, unknown>} Claims */

/** An id of the server: a UUID in its one form, lower case with hyphens (wire contract, section 1). */
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * @param {unknown} value
 * @returns {value is string}
 */
export function isId(value) {
  return typeof value === "string" && ID.test(value);
}

/**
 * @param {Claims} claims
 * @param {string} name
 * @returns {string}
 * @throws {Unbelievable} `malformed`, as all below.
 */
export function text(claims, name) {
  const value = claims[name];
  return typeof value === "string" ? value : wrong(name, "a string");
}

/**
 * @param {Claims} claims
 * @param {string} name
 * @returns {string | null}
 */
export function optionalText(claims, name) {
  return (claims[name] ?? null) === null ? null : text(claims, name);
}

/**
 * @param {Claims} claims
 * @param {string} name
 * @returns {string}
 */
export function id(claims, name) {
  const value = claims[name];
  return isId(value) ? value : wrong(name, "an id");
}

/**
 * A NumericDate (RFC 7519, section 2) in whole seconds.
 * @param {Claims} claims
 * @param {string} name
 * @returns {number}
 */
export function date(claims, name) {
  const value = claims[name];
  return typeof value === "number" && Number.isSafeInteger(value) ? value : wrong(name, "a whole number of seconds");
}

/**
 * @param {Claims} claims
 * @param {string} name
 * @returns {Claims}
 */
export function object(claims, name) {
  const value = claims[name];
  return isObject(value) ? value : wrong(name, "an object");
}

/**
 * @param {Claims} claims
 * @param {string} name
 * @returns {Claims | null}
 */
export function optionalObject(claims, name) {
  return (claims[name] ?? null) === null ? null : object(claims, name);
}

/**
 * @param {string} name
 * @param {string} kind
 * @returns {never}
 */
export function wrong(name, kind) {
  throw new Unbelievable("malformed", `the claim ${name} must be ${kind}`);
}
