// The pages by which people come in: waits for the phone and goes on by itself; takes an invitation from the address.

const stage = document.querySelector("[data-waiting]");
const enter = document.querySelector("[data-enter]");

/** Asks whether the phone has decided, until it has. */
async function watch(address) {
  const asked = new URL(address, location.href);
  asked.searchParams.set("wait", "20");
  for (let faults = 0; faults < 10;) {
    try {
      const answer = await fetch(asked, { headers: { accept: "application/json" }, cache: "no-store" });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const { state } = await answer.json();
      if (state === "decided") return enter.requestSubmit();
      if (state === "over") return over();
      faults = 0;
    } catch {
      faults += 1;
      await new Promise((resolve) => setTimeout(resolve, 1000 * faults));
    }
  }
}

function over() {
  document.querySelector(".waits").hidden = true;
  document.querySelector(".over").hidden = false;
  // Where something is to be proven, the button asks for a new number.
  if (!stage.dataset.waiting.includes("for=proof")) enter.hidden = true;
}

if (stage) watch(stage.dataset.waiting);

// What stands behind the # is never sent to a server, nor kept in its log; here it is put into the form and taken away.
const invited = document.querySelector("[data-invitation]");

function takeInvitation() {
  if (!location.hash.startsWith("#gmi_")) return;
  const field = invited.querySelector("input");
  field.value = location.hash.slice(1);
  for (const part of [field, ...invited.querySelectorAll("label, .quiet")]) part.hidden = true;
  history.replaceState(null, "", location.pathname);
  invited.querySelector("button").focus();
}

if (invited) {
  takeInvitation();
  // Another link of the same page does not load it anew.
  addEventListener("hashchange", takeInvitation);
}
