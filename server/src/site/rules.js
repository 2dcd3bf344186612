// The editor of the policy: the line with the fault is shown and marked.

const text = document.querySelector("textarea[data-line]");
if (text) {
  const lines = text.value.split("\n");
  const line = Math.min(Number(text.dataset.line), lines.length) - 1;
  const from = lines.slice(0, line).reduce((length, each) => length + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(from, from + lines[line].length);
  const height = text.scrollHeight / lines.length;
  text.scrollTop = Math.max(0, (line - 5) * height);
}
