// What the modules of the phone hand to each other. `tsc` reads it; no browser does.

/** An account on this phone: one registered device of one user. Kept in IndexedDB. */
export interface Account {
  /** The device's id, as the server gave it. */
  deviceId: string;
  /** The canonical username. */
  user: string;
  /** The issuer, compared character by character. */
  issuer: string;
  /** The company's name when the phone was enrolled. */
  company: string;
  /** What the person calls this phone. */
  deviceName: string;
  /** `unconfirmed` until somebody has typed `code` elsewhere. */
  status: "active" | "unconfirmed";
  /** Whether the server said last that it does not know this phone any more. Only the person deletes it. */
  removed: boolean;
  /** The six digits of an unconfirmed phone; they come once. */
  code: string | null;
  /** The device's key. The private half cannot be exported. */
  keys: CryptoKeyPair;
  /** The public half, as the server knows it. */
  publicJwk: { kty: "EC"; crv: "P-256"; x: string; y: string };
  /** The server's keys, pinned at enrollment; a key that is fetched later is added. */
  serverKeys: ServerKey[];
  /** Milliseconds to add to this phone's clock to get the server's. */
  clockOffset: number;
  /** Milliseconds since the epoch, of this phone. */
  enrolledAt: number;
  /** The endpoint that the server was last told, or null. */
  pushEndpoint: string | null;
  /** Whether the person turned notifications on; then a subscription that is lost is made again. */
  pushWanted: boolean;
  /** When this phone last approved something, and what; for the home screen. */
  lastSignIn: { at: number; application: string; gateway: string } | null;
  /** The ids of notices that were seen. */
  seenNotices: string[];
}

export interface ServerKey { kty: "EC"; crv: "P-256"; x: string; y: string; kid: string; alg?: string; use?: string }

/** A request that waits for an answer, after every check. */
export interface SignInRequest {
  id: string;
  account: Account;
  application: string;
  gateway: string;
  client: { name: string | null; ip: string | null; location: string | null; pageIp: string | null };
  /** Milliseconds since the epoch, on the server's clock. */
  askedAt: number;
  expiresAt: number;
  /** How many digits to type; null where none are asked for. */
  digits: number | null;
  /** Whether a fingerprint or a PIN is demanded, which this app cannot give. */
  uvRequired: boolean;
  context: Record<string, string>;
  /** The signed challenge, as it came. */
  jws: string;
}

export type Decision = "approve" | "deny" | "report";

/** What became of an answer. */
export type Outcome =
  | { kind: "approved" | "denied" | "reported" | "wrong-number" }
  /** It was over before the answer came. `state` is the server's word: approved, denied, expired, cancelled.
   *  `mine`: it was refused after this phone itself had approved it. */
  | { kind: "over"; state: string; mine?: boolean }
  | { kind: "expired" }
  /** This phone was removed. */
  | { kind: "gone" }
  | { kind: "offline" }
  /** Anything else; the code is for the helpdesk. */
  | { kind: "refused"; code: string; detail: string };

export interface Notice {
  id: string;
  kind: string;
  /** Milliseconds since the epoch. */
  at: number;
  gateway: string | null;
  client: { name: string | null; ip: string | null };
  seen: boolean;
}

/** A phone of the same user, as the server lists it. */
export interface Phone {
  id: string;
  name: string;
  platform: string | null;
  status: "active" | "unconfirmed";
  push: boolean;
  created_at: string;
  last_used_at: string | null;
  this: boolean;
}

/** Something that a person signs in with. Times are milliseconds since the epoch, on the server's clock. */
export interface Way {
  id: string;
  kind: "phone" | "totp" | "recovery_codes" | "access_pass";
  name: string | null;
  /** `unconfirmed`: not finished; `not-yet`: works from `startsAt` on; `over`: works no more. */
  status: "active" | "unconfirmed" | "not-yet" | "over" | "unreadable";
  createdAt: number;
  lastUsedAt: number | null;
  startsAt: number | null;
  expiresAt: number | null;
  /** How many uses are left; null where they are not counted. */
  left: number | null;
}

/**
 * Whether this phone rings:
 * `on`; `off` (can be turned on); `blocked` (the browser's settings say no); `install-first` (an iPhone or iPad on which
 * the app is not on the Home Screen); `unsupported`; `unreachable` (the browser's push service cannot be reached).
 */
export type PushState = "on" | "off" | "blocked" | "install-first" | "unsupported" | "unreachable";

/** What looking for requests found. */
export interface Look {
  requests: SignInRequest[];
  /** Accounts of which the server knows nothing any more. */
  gone: Account[];
  /** Whether no account could be asked. */
  offline: boolean;
  /** The greatest difference of this phone's clock to a server's, in milliseconds. */
  clockOffset: number;
  /** Challenges that were not to be believed, with the reason, for the console and the helpdesk. */
  disbelieved: string[];
}
