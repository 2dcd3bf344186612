// What this phone keeps: the IndexedDB database `gatematch`. Keys lie in it as CryptoKey objects, whose private halves
// no script can read. It is opened for each step and closed again: Safari drops connections of an app that slept.

/** @typedef {import("./types").Account} Account */

/**
 * A key that was made for an enrollment whose end is not known yet.
 * @typedef {object} Pending
 * @property {string} token the SHA-256 of the enrollment token, base64url
 * @property {CryptoKeyPair} keys
 * @property {Account["publicJwk"]} publicJwk
 * @property {number} madeAt milliseconds since the epoch
 * @property {boolean} sent whether it may have reached the server
 */

const NAME = "gatematch";
const VERSION = 1;
const ACCOUNTS = "accounts";
const PENDING = "pending";

/** Nothing can be kept, or read: no room, or a browser that keeps nothing. */
export class StorageFault extends Error {}

/** Asks the browser to keep what is here for good, unless it does already. */
export async function persist() {
  const { storage } = navigator;
  await storage?.persisted?.().then((does) => does || storage.persist()).catch(() => false);
}

/**
 * All accounts, the oldest first.
 * @returns {Promise<Account[]>}
 */
export async function accounts() {
  /** @type {Account[]} */
  const found = await within([ACCOUNTS], "readonly", (transaction) => transaction.objectStore(ACCOUNTS).getAll());
  return found.sort((a, b) => a.enrolledAt - b.enrolledAt);
}

/**
 * Keeps an account, in place of one with the same device id.
 * @param {Account} account
 * @returns {Promise<void>}
 */
export async function put(account) {
  await within([ACCOUNTS], "readwrite", (transaction) => transaction.objectStore(ACCOUNTS).put(account));
}

/**
 * Changes an account in one transaction, so that two windows do not undo each other's changes. Does nothing where the
 * account is not there any more.
 * @param {string} deviceId
 * @param {(account: Account) => void} change must not wait for anything
 * @returns {Promise<void>}
 */
export async function update(deviceId, change) {
  await within([ACCOUNTS], "readwrite", (transaction) => {
    const store = transaction.objectStore(ACCOUNTS);
    const request = store.get(deviceId);
    request.onsuccess = () => {
      /** @type {Account | undefined} */
      const account = request.result;
      if (account === undefined) return;
      change(account);
      store.put(account);
    };
    return request;
  });
}

/**
 * Makes the same change to an account in hand and to the one that is kept.
 * @param {Account} account
 * @param {(account: Account) => void} change
 * @returns {Promise<void>}
 */
export async function amend(account, change) {
  change(account);
  await update(account.deviceId, change);
}

/**
 * Forgets an account with its key.
 * @param {string} deviceId
 * @returns {Promise<void>}
 */
export async function remove(deviceId) {
  await within([ACCOUNTS], "readwrite", (transaction) => transaction.objectStore(ACCOUNTS).delete(deviceId));
}

/**
 * The key that was made for an enrollment token earlier.
 * @param {string} token its hash
 * @returns {Promise<Pending | undefined>}
 */
export async function pending(token) {
  return within([PENDING], "readonly", (transaction) => transaction.objectStore(PENDING).get(token));
}

/**
 * @param {Pending} made
 * @returns {Promise<void>}
 */
export async function putPending(made) {
  await within([PENDING], "readwrite", (transaction) => transaction.objectStore(PENDING).put(made));
}

/**
 * @param {string} token its hash
 * @returns {Promise<void>}
 */
export async function removePending(token) {
  await within([PENDING], "readwrite", (transaction) => transaction.objectStore(PENDING).delete(token));
}

/**
 * Forgets the keys of enrollments that came to no end.
 * @param {number} time milliseconds since the epoch; later ones stay
 * @returns {Promise<void>}
 */
export async function removePendingBefore(time) {
  await within([PENDING], "readwrite", (transaction) => {
    const request = transaction.objectStore(PENDING).openCursor();
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor === null) return;
      if (cursor.value.madeAt < time) cursor.delete();
      cursor.continue();
    };
    return request;
  });
}

/**
 * Turns the key of an enrollment into an account, both in one transaction.
 * @param {string} token its hash
 * @param {Account} account
 * @returns {Promise<void>}
 */
export async function settle(token, account) {
  await within([ACCOUNTS, PENDING], "readwrite", (transaction) => {
    transaction.objectStore(PENDING).delete(token);
    return transaction.objectStore(ACCOUNTS).put(account);
  });
}

/**
 * Runs one transaction and waits until it is on the disk.
 * @template T
 * @param {string[]} stores
 * @param {IDBTransactionMode} mode
 * @param {(transaction: IDBTransaction) => IDBRequest<T>} work
 * @returns {Promise<T>}
 * @throws {StorageFault} Nothing was changed then.
 */
async function within(stores, mode, work) {
  try {
    return await run(stores, mode, work);
  } catch (fault) {
    throw new StorageFault(String(fault));
  }
}

/** @type {typeof within} */
async function run(stores, mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(stores, mode, { durability: "strict" });
      transaction.onabort = () => reject(transaction.error);
      const request = work(transaction);
      transaction.oncomplete = () => resolve(request.result);
    });
  } finally {
    database.close();
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(ACCOUNTS, { keyPath: "deviceId" });
      request.result.createObjectStore(PENDING, { keyPath: "token" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
