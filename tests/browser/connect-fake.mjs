// For tests of the connect page without a server: the page as the server makes it, and a server that says what a test
// wants it to say.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const SERVER = new URL("../../server/", import.meta.url);
const CURRENT = "/connect/sessions/current";
const TYPES = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
const ENTITIES = { "&": "&#38;", "<": "&#60;", ">": "&#62;", "\"": "&#34;", "'": "&#39;" };

const source = (path) => readFileSync(new URL(path, SERVER), "utf8");
const escaped = (text) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
export const ARMED = { state: "armed" };

/** The catalogue, read out of the program's source: every word by its language and name; and what the script gets. */
function catalogue() {
  const words = { en: {}, de: {} };
  const text = source("src/words/connect.rs").split("#[cfg(test)]")[0];
  for (const [, key, english, german] of text.matchAll(/^ {8}(\w+):\s+("[^"]+"),\s+("[^"]+");$/gm)) {
    words.en[key] = JSON.parse(english);
    words.de[key] = JSON.parse(german);
  }
  return { words, said: text.match(/named!\(\s*self,([\w\s]+)\)/)[1].trim().split(/\s+/) };
}

const { words: WORDS, said: SAID } = catalogue();
export { WORDS };

/** The names of words that the script asks for, and those that it gets. */
export const scriptsWords = () => ({
  asked: [...new Set([...source("src/connect/assets/connect.js").matchAll(/\bWORDS\.(\w+)/g)].map(([, key]) => key))],
  got: SAID,
});

/** The page: the template, of which this knows just what it uses of askama. */
function connectPage(language) {
  const words = WORDS[language];
  const values = {
    "language.tag()": language, site: words.site.replace("{}", "Contoso"), desktop: "/connect/desktop.rdp",
    said: JSON.stringify(Object.fromEntries(SAID.map((key) => [key, words[key]]))),
  };
  const value = (path) => {
    const found = path.startsWith("words.") ? words[path.slice("words.".length)] : values[path];
    if (found === undefined) throw new Error(`the template asks for ${path}`);
    return escaped(found);
  };
  return source("templates/connect.html")
    .replace(/\{#-?.*?-#\}\s*/gs, "")
    .replace(/\s*\{%- if let Some\(desktop\) = desktop %\}(.*?)\s*\{%- endif %\}/gs, "$1")
    .replace(/\{\{ (.+?) \}\}/g, (_, path) => value(path));
}

/** What a test tells its server. `view`: what it says of the session; `answer`: what it says to a code; `codes`: those
 * that came; `asked`: all that was asked for. */
export class Told {
  view = ARMED;
  codes = [];
  asked = [];
  streams = [];
  answer = () => [422, { code: "wrong-code" }];

  say(view) {
    this.view = view;
    for (const stream of this.streams) stream.write(`data: ${JSON.stringify(view)}\n\n`);
  }
}

/** Starts the server; `told` gives what it is told just then. */
export function startFake(told) {
  return createServer((request, response) => serve(told(), request, response)).listen(0, "127.0.0.1");
}

async function serve(server, request, response) {
  const send = (status, body, headers = {}) => {
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  };
  const path = `${request.method} ${request.url}`;
  server.asked.push(path);
  if (path === `GET ${CURRENT}`) return send(200, server.view);
  if (path === "POST /connect/sessions") return send(201, ARMED);
  if (path === `POST ${CURRENT}/passcode`) {
    let body = "";
    for await (const part of request) body += part;
    server.codes.push(JSON.parse(body).passcode);
    const [status, view, headers] = server.answer();
    if (!status) { // lost on its way; had nothing of it come, Chromium would send the question a second time
      response.writeHead(200, { "content-length": "9" }).write("{");
      return setTimeout(() => request.socket.destroy(), 50);
    }
    if (status === 200) server.say(view);
    return send(status, view ?? {}, headers);
  }
  if (path === `GET ${CURRENT}/events`) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    server.streams.push(response);
    return response.write(`data: ${JSON.stringify(server.view)}\n\n`);
  }
  if (request.url === "/connect") {
    const language = request.headers["accept-language"]?.startsWith("de") ? "de" : "en";
    return response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(connectPage(language));
  }
  const file = request.url.split("/").at(-1);
  const type = TYPES[file.split(".").at(-1)];
  if (!type) return send(404, {});
  return response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(source(`src/connect/assets/${file}`));
}
