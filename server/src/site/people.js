// On the pages about people: a time is typed in the zone of whoever types it, and asked for only where it counts.

for (const moment of document.querySelectorAll("input[type=datetime-local][data-local]")) {
  const form = moment.form;
  const label = form.querySelector(`label[for="${moment.id}"]`);
  label.textContent = moment.dataset.local;
  const offset = document.createElement("input");
  offset.type = "hidden";
  offset.name = "offset";
  form.append(offset);
  form.addEventListener("submit", () => {
    const at = new Date(moment.value);
    offset.value = Number.isNaN(at.getTime()) ? "0" : String(at.getTimezoneOffset());
  });

  const life = form.elements.namedItem("life");
  const field = moment.closest("div");
  const follow = () => {
    const counts = life.value === moment.name;
    field.hidden = !counts;
    moment.required = counts;
  };
  life.addEventListener("change", follow);
  follow();
}
