// As much of IndexedDB as the phone uses, in memory. Like the real one it hands out copies, finishes a transaction
// after its last request, and undoes one in which a handler threw.

/** @returns {{ open: Function }} in the place of `indexedDB` */
export function fakeIndexedDb() {
  const stores = new Map();
  const database = {
    createObjectStore: (name, { keyPath }) => stores.set(name, { keyPath, rows: new Map() }),
    transaction: (names) => new Transaction(stores, names),
    close() {},
  };
  return {
    open() {
      const request = { result: database };
      queueMicrotask(() => {
        if (stores.size === 0) request.onupgradeneeded();
        request.onsuccess();
      });
      return request;
    },
  };
}

class Transaction {
  #stores;
  #names;
  #before;
  #open = 0;

  constructor(stores, names) {
    this.#stores = stores;
    this.#names = names;
    this.#before = names.map((name) => new Map(stores.get(name).rows));
  }

  objectStore(name) {
    if (!this.#names.includes(name)) throw new Error(`${name} is not part of this transaction`);
    const { rows, keyPath } = this.#stores.get(name);
    const copy = (row) => row && { ...row };
    return {
      get: (key) => this.#request(() => copy(rows.get(key))),
      getAll: () => this.#request(() => [...rows.values()].map(copy)),
      put: (row) => this.#request(() => rows.set(row[keyPath], copy(row)) && row[keyPath]),
      delete: (key) => this.#request(() => void rows.delete(key)),
      openCursor: () => this.#cursor(rows),
    };
  }

  #request(work) {
    const request = { result: undefined };
    this.#run(request, work);
    return request;
  }

  #run(request, work) {
    this.#open += 1;
    queueMicrotask(() => {
      try {
        request.result = work();
        request.onsuccess?.();
      } catch (error) {
        this.#names.forEach((name, index) => { this.#stores.get(name).rows = this.#before[index]; });
        this.error = error;
        this.onabort?.();
        return;
      }
      this.#open -= 1;
      if (this.#open === 0) queueMicrotask(() => this.oncomplete?.());
    });
  }

  #cursor(rows) {
    const left = [...rows];
    const request = { result: null };
    const next = () => this.#run(request, () => {
      if (left.length === 0) return null;
      const [key, value] = left.shift();
      return { value, delete: () => rows.delete(key), continue: next };
    });
    next();
    return request;
  }
}
