// What every page of the console and the portal has: times in the viewer's zone, and a way back.

// The page's language, as it is written where the viewer is.
const page = document.documentElement.lang;
export const tongue = navigator.languages.find((one) => one.split("-")[0] === page) ?? page;
const zoned = new Intl.DateTimeFormat(tongue, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(tongue, { dateStyle: "short", timeStyle: "short" });

/** Shows each time in the viewer's zone; the server's, in UTC, is a touch away. */
export function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.dateTime;
    time.dataset.local = "";
    time.textContent = (time.hasAttribute("data-short") ? short : zoned).format(at);
  }
}

localize(document);

for (const back of document.querySelectorAll("[data-back]")) {
  back.addEventListener("click", (event) => {
    if (history.length < 2) return;
    event.preventDefault();
    history.back();
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    const said = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = said; }, 2000);
  });
}
