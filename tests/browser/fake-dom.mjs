// As much of a page as the phone's screens use. Elements have no look; a touch goes the way of a click in a browser.

class Element {
  constructor(name) {
    Object.assign(this, { name, children: [], attributes: {}, dataset: {}, handlers: [], parent: null, value: "" });
    this.classList = { toggle: () => undefined };
    this.style = { setProperty: () => undefined };
  }

  get id() { return this.attributes.id; }
  get isConnected() { return this.name === "body" || Boolean(this.parent?.isConnected); }
  get childNodes() { return [...this.children]; }
  get textContent() { return this.children.map((child) => child.textContent ?? child).join(""); }
  set textContent(text) { this.replaceChildren(text); }
  setAttribute(name, value) { this.attributes[name] = value; }
  getAttribute(name) { return this.attributes[name] ?? null; }
  removeAttribute(name) { delete this.attributes[name]; }
  toggleAttribute(name, force) { if (force) this.attributes[name] = ""; else delete this.attributes[name]; }
  addEventListener(name, handler) { this.handlers.push([name, handler]); }
  replaceChildren(...all) {
    for (const child of this.children) if (child instanceof Element) child.parent = null;
    this.children = [];
    this.append(...all);
  }


  append(...all) {
    for (const child of all) {
      child.parent?.children.splice(child.parent.children.indexOf(child), 1);
      if (child instanceof Element) child.parent = this;
      this.children.push(child);
    }
  }

  remove() {
    this.parent?.children.splice(this.parent.children.indexOf(this), 1);
    this.parent = null;
  }

  scrollIntoView() {}
  focus() { document.activeElement = this; }
  closest(selector) { return matches(this, selector) ? this : this.parent?.closest(selector) ?? null; }
  querySelectorAll(selector) { return everything(this).filter((element) => matches(element, selector)); }
  dispatch(name, more = {}) {
    const event = { target: this, preventDefault() {}, stopPropagation() { this.isStopped = true; }, ...more };
    for (const [heard, handler] of [...document.handlers, ...this.handlers]) {
      if (heard === name && !event.isStopped) handler(event);
    }
  }

  click() { this.dispatch("click"); }
  /** Types as a person does. @param {string} text */
  type(text) { this.value += text; this.dispatch("input"); }
}

const everything = (element) => element.children.filter((child) => child instanceof Element)
  .flatMap((child) => [child, ...everything(child)]);

/** One of a list of: a name, `#id`, `[attribute]`, `name:focus`. */
function matches(element, selector) {
  return selector.split(",").map((one) => one.trim()).some((one) => {
    if (one.startsWith("#")) return element.id === one.slice(1);
    if (one.startsWith("[")) return one.slice(1, -1) in element.attributes;
    const [name, isFocus] = one.split(":");
    return element.name === name && (!isFocus || document.activeElement === element);
  });
}

/** The way through the pages. As in a browser, a step in it is done a little later, and told then. */
class History {
  #entries = [];
  #at = 0;

  get state() { return this.#entries[this.#at]?.state ?? null; }
  get length() { return this.#entries.length; }
  pushState(state, _, url) {
    this.#keep(); // whence it was come to
    this.#entries.splice(this.#at + 1);
    this.#at += 1;
    this.replaceState(state, _, url);
  }

  replaceState(state, _, url = location.href) {
    location.href = new URL(url, location.href).href;
    this.#entries[this.#at] = { state: structuredClone(state), href: location.href };
  }

  #keep() { this.#entries[this.#at] ??= { state: null, href: location.href }; }
  back() { this.go(-1); }
  go(steps) {
    queueMicrotask(() => {
      this.#keep();
      const entry = this.#entries[this.#at + steps];
      if (!entry) return;
      this.#at += steps;
      location.href = entry.href;
      for (const handler of document.heard("popstate")) handler({ state: entry.state });
    });
  }

  /** A new tab. */
  clear() { this.#entries = []; this.#at = 0; }
}

/** Puts a page in the place of the browser's, with what stands in index.html. */
export function openPage() {
  const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  const body = new Element("body");
  for (const id of ["company", "corner", "offline", "waiting", "screen", "status"]) {
    const element = new Element("div");
    element.setAttribute("id", id);
    body.append(element);
  }
  const find = (selector) => {
    const [, inner] = selector.match(/^#screen :is\((.*)\)$/) ?? [];
    return (inner ? document.getElementById("screen") : body).querySelectorAll(inner ?? selector)[0] ?? null;
  };
  const handlers = [];
  // A style sheet is there at once, unless a test says that it is not.
  const head = new Element("head");
  head.append = (...all) => {
    Element.prototype.append.apply(head, all);
    for (const one of all) queueMicrotask(() => one.dispatch(head.isOffline ? "error" : "load"));
  };
  set("document", { body, head, handlers, hidden: false, activeElement: null, documentElement: new Element("html"),
    createElement: (name) => new Element(name), createElementNS: (_, name) => new Element(name),
    getElementById: (id) => find(`#${id}`), querySelector: find,
    addEventListener: (name, handler) => handlers.push([name, handler]) });
  set("window", globalThis);
  const heard = new Map();
  set("addEventListener", (name, handler) => heard.set(handler, name));
  set("removeEventListener", (_, handler) => heard.delete(handler));
  /** What hears of an event of the window. */
  document.heard = (name) => [...heard].filter(([, one]) => one === name).map(([handler]) => handler);
  set("scrollTo", () => undefined);
  set("history", new History());
  return (id) => document.getElementById(id);
}
