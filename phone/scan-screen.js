// Scanning the code that adds a phone.

import { go, goBack } from "./app.js";
import { button, h } from "./dom.js";
import { useLink } from "./enroll-screen.js";
import { NoReader, readCamera, readPicture } from "./qr.js";
import { setState, show } from "./stage.js";
import { t } from "./words.js";

/** Shows what the camera sees, until it sees a code. */
export function scanScreen() {
  const end = new AbortController();
  const video = h("video", { id: "video", playsinline: true, muted: true, "aria-label": t("scan.video") });
  video.muted = true;
  const words = h("p", { id: "scan-state", role: "status" }, t("scan.starting"));
  /** @param {string} state @param {import("./words.js").Sentence} key */
  const tell = (state, key) => {
    setState(state);
    if (words.textContent !== t(key)) words.textContent = t(key);
  };
  /** @param {string} text */
  const use = (text) => useLink(text, () => tell("other", "scan.other"));
  const file = h("input", { id: "picture", type: "file", accept: "image/*", class: "spoken", change: async () => {
    const [picture] = file.files ?? [];
    const text = picture && await readPicture(picture).catch(() => "");
    if (end.signal.aborted) return;
    if (text) use(text);
    else if (text === "") tell("unread", "scan.unread");
    else tell("nothing", "scan.nothing");
  } });
  show({
    name: "scan",
    state: "starting",
    title: [t("scan.title")],
    body: [h("div", { class: "camera" }, video), words],
    actions: [
      h("div", { class: "file" }, file, h("label", { for: "picture", class: "second" }, t("scan.picture"))),
      button("paste", "second", t("scan.paste"), () => go("paste")),
      button("back", "plain", t("back"), () => goBack("home")),
    ],
    leave: () => end.abort(),
  });
  startCamera(video, use, end.signal, tell);
}

/**
 * @param {HTMLVideoElement} video
 * @param {(text: string) => void} use
 * @param {AbortSignal} end
 * @param {(state: string, key: import("./words.js").Sentence) => void} tell
 */
async function startCamera(video, use, end, tell) {
  try {
    await readCamera(video, use, end);
    if (!end.aborted) tell("scanning", "scan.text");
  } catch (error) {
    if (end.aborted) return;
    const isRefused = error instanceof DOMException && error.name === "NotAllowedError";
    video.closest(".camera")?.remove();
    if (isRefused) tell("refused", "scan.refused");
    else if (error instanceof NoReader) tell("unread", "scan.unread");
    else tell("absent", "scan.absent");
  }
}
