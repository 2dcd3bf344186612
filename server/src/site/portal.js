// The page by which a phone is added: goes on by itself once the phone is there.

const page = document.querySelector("[data-phones]");

/** Asks how many phones there are, until there are more; the link of the page is over after ten minutes. */
async function watch(before) {
  page.querySelector(".waits").hidden = false;
  const end = Date.now() + 600_000;
  while (Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 2500));
    if (document.hidden) continue;
    try {
      const answer = await fetch("/portal/phones", { headers: { accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401) break;
      if (answer.ok && (await answer.json()).phones > before) return location.assign("/portal?done=phone");
    } catch {
      // The server or the network is away for a moment; the button is there all the same.
    }
  }
  page.querySelector(".waits").hidden = true;
}

if (page) watch(Number(page.dataset.phones));
