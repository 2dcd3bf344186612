// Who, where and when of a request, in words.

import { serverNow } from "./app.js";
import { h, say } from "./dom.js";
import { ago, clock, moment, t } from "./words.js";

/** @typedef {import("./types").SignInRequest} SignInRequest */

/** Who wants what. @param {SignInRequest} request */
export function who({ client, application }) {
  if (client.name === null) return say("request.someone", { application });
  return say("request.who", { client: client.name, application });
}

/** Where and when, as of now. @param {SignInRequest} request */
export function where({ account, askedAt, gateway }) {
  return say("request.where", { gateway, when: ago(askedAt, serverNow(account)) });
}

/** For whom, where and when. @param {SignInRequest} request */
export function facts(request) {
  const { account, client } = request;
  const place = [client.location, client.ip ?? client.pageIp].filter((text) => text !== null);
  return h("div", { class: "where" },
    h("p", { id: "for" }, say("request.account", { user: account.user })),
    h("p", { id: "where" }, where(request)),
    h("p", { class: "spoken" }, t("request.until", { time: clock(request.expiresAt - account.clockOffset) })),
    details(request, place));
}

/** The rest, under a fold whose line is the place. @param {SignInRequest} request @param {string[]} place */
function details(request, place) {
  const more = h("span", { class: "more", "aria-hidden": "true" }, t("request.more"));
  const words = place.map((text) => h("bdi", {}, text));
  return h("details", { id: "details" },
    h("summary", {}, h("span", { id: "place", class: "quiet" }, words),
      h("span", { class: "spoken" }, t("request.more-label")), more),
    h("dl", {}, rows(request).flatMap(row)));
}

/** @param {[string, string, string?]} row */
const row = ([name, value, kind]) => [h("dt", {}, name), h("dd", { class: kind }, h("bdi", {}, value))];

/** @param {SignInRequest} request @returns {Array<[string, string, string?]>} */
function rows({ account, application, askedAt, client, context, gateway, id }) {
  /** @type {Array<[string, string|null, string?]>} */
  const known = [
    [t("field.application"), application],
    [t("field.account"), `${account.user}, ${account.company}`],
    [t("field.client"), client.name],
    [t("field.gateway"), gateway],
    [t("field.place"), client.location],
    [t("field.ip"), client.ip, "mono"],
    [t("field.page-ip"), client.pageIp, "mono"],
    [t("field.at"), moment(askedAt - account.clockOffset)],
    ...Object.entries(context),
    [t("field.id"), id, "mono"],
  ];
  return /** @type {Array<[string, string, string?]>} */ (known.filter(([, value]) => value !== null));
}
