"use strict";
// Sends the text and shows the answer, which the server has made of escaped text; then lets people choose two tokens.
const [form, text, second, tokenised, answer, status] = ["ask", "text", "second", "tokenised", "answer", "status"].map(
  (id) => document.getElementById(id), // there is a second text only if a run compares two
);
let latest = null;

const ask = async () => {
  latest?.abort(); // only the answer to the latest text is shown
  const mine = (latest = new AbortController());
  answer.setAttribute("aria-busy", "true");
  try {
    const got = await fetch("answer", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: text.value, second: second?.value ?? "", tokenised: tokenised.checked }),
      signal: mine.signal,
    });
    const said = await got.text();
    if (mine !== latest) return;
    status.className = got.ok ? "" : "note";
    status.textContent = got.ok ? "The answer has been updated." : said;
    if (got.ok) answer.innerHTML = said;
  } catch {
    if (mine !== latest) return;
    status.className = "note";
    status.textContent = "The server does not answer. Is elmo-tasks demo still running?";
  }
  answer.removeAttribute("aria-busy");
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
for (const box of [text, second]) {
  box?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    ask();
  });
}
tokenised.addEventListener("change", ask);
document.querySelectorAll(".examples button").forEach((button) =>
  button.addEventListener("click", () => {
    text.value = button.textContent;
    if (second) second.value = button.dataset.second ?? "";
    tokenised.checked = false;
    ask();
  }),
);

const compare = (one, other) => {
  answer.querySelector(".pair .one").value = String(one);
  answer.querySelector(".pair .other").value = String(other);
  const bars = answer.querySelectorAll(".pair .bar");
  answer.querySelectorAll(".heat").forEach((table, layer) => {
    table.querySelectorAll(".chosen").forEach((cell) => cell.classList.remove("chosen"));
    const cell = table.rows[one + 1].cells[other + 1];
    cell.classList.add("chosen");
    bars[layer].querySelector(".value").textContent = cell.textContent;
    bars[layer].querySelector("i").style.width = `${Math.max(0, 100 * Number(cell.textContent))}%`;
  });
};
answer.addEventListener("change", (event) => {
  const pair = event.target.closest(".pair");
  if (pair) compare(Number(pair.querySelector(".one").value), Number(pair.querySelector(".other").value));
});
answer.addEventListener("click", (event) => {
  const cell = event.target.closest(".heat td");
  if (cell && cell.parentElement.rowIndex > 0) compare(cell.parentElement.rowIndex - 1, cell.cellIndex - 1);
});
