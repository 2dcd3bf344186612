// What stands in the place of the browser maker's push service.

/**
 * Puts our subscription in the place of the browser's own. `give` takes what the push service of the test handed out:
 * `{"endpoint", "keys": {"p256dh", "auth"}}`, or null for a push service that cannot be reached.
 */
export async function replaceSubscription(page) {
  let given = null;
  let taken = null;
  await page.exposeFunction("__subscription", (what, key) => {
    if (what === "take") taken = given && { ...given, key };
    if (what === "drop") taken = null;
    return taken;
  });
  await page.addInitScript(() => {
    const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const subscription = (taken) => taken && {
      endpoint: taken.endpoint,
      expirationTime: null,
      options: { userVisibleOnly: true, applicationServerKey: bytes(taken.key).buffer },
      getKey: (name) => bytes(taken.keys[name]).buffer,
      toJSON: () => ({ endpoint: taken.endpoint, expirationTime: null, keys: taken.keys }),
      unsubscribe: async () => { await window.__subscription("drop"); return true; },
    };
    Object.assign(PushManager.prototype, {
      async subscribe({ userVisibleOnly, applicationServerKey }) {
        if (!userVisibleOnly) throw new DOMException("userVisibleOnly must be true", "NotAllowedError");
        const key = typeof applicationServerKey === "string" ? applicationServerKey : base64url(applicationServerKey);
        const taken = await window.__subscription("take", key);
        if (!taken) throw new DOMException("Registration failed - push service error", "AbortError");
        return subscription(taken);
      },
      getSubscription: async () => subscription(await window.__subscription("look")),
    });
  });
  return { give: (subscription) => { given = subscription; } };
}

/**
 * Hands messages to the service worker of `origin` by the DevTools protocol, and notes what it shows. What Chromium
 * without a screen tells of its notifications afterwards is not always all of it.
 */
export async function startWorker(context, page, session, origin) {
  const registrations = new Map();
  session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations: updated }) => {
    for (const one of updated) {
      if (one.isDeleted) registrations.delete(one.registrationId);
      else if (new URL(one.scopeURL).origin === origin) registrations.set(one.registrationId, one);
    }
  });
  await session.send("ServiceWorker.enable");

  const isActive = async () => {
    await page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      while (active.state !== "activated") {
        await new Promise((resolve) => active.addEventListener("statechange", resolve, { once: true }));
      }
    });
    return true;
  };
  /** The worker's own global scope, in which `showNotification` also notes what it was given. */
  const scope = async () => {
    const worker = context.serviceWorkers().find((one) => new URL(one.url()).origin === origin);
    if (!worker) throw new Error("there is no service worker");
    await worker.evaluate(note);
    return worker;
  };
  return {
    isActive,
    async push(data) {
      // To a worker that is not active yet, Chromium delivers nothing and says nothing.
      await isActive();
      await scope();
      const [registrationId] = registrations.keys();
      await session.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
    },
    /** The notifications that stand: a later one with the same tag has taken the place of the earlier. */
    shown: async () => (await scope()).evaluate(() => [...self.shown.values()]),
  };
}

/** Runs in the service worker, more than once. */
function note() {
  if (self.shown) return;
  self.shown = new Map();
  const { registration } = self;
  const show = registration.showNotification.bind(registration);
  registration.showNotification = async (title, options) => {
    await show(title, options);
    const { body, tag, data = null, actions = [], silent = false } = options;
    self.shown.set(tag, { title, body, tag, data, silent, actions: actions.length });
  };
}
