// The two tokens that are compared: chosen in the lists or by a cell of a table. All text is set as text.
const showPair = (one, other) => {
  const panel = element.querySelector(".pair");
  panel.querySelector(".one").value = String(one);
  panel.querySelector(".other").value = String(other);
  const bars = panel.querySelectorAll(".bar");
  element.querySelectorAll(".heat").forEach((table, layer) => {
    table.querySelectorAll(".chosen").forEach((cell) => cell.classList.remove("chosen"));
    const cell = table.rows[one + 1].cells[other + 1];
    cell.classList.add("chosen");
    bars[layer].querySelector(".value").textContent = cell.textContent;
    bars[layer].querySelector("i").style.width = `${Math.max(0, 100 * Number(cell.textContent))}%`;
  });
};
element.addEventListener("change", (event) => {
  const pair = event.target.closest(".pair");
  if (pair) showPair(Number(pair.querySelector(".one").value), Number(pair.querySelector(".other").value));
});
element.addEventListener("click", (event) => {
  const cell = event.target.closest(".heat td");
  if (cell && cell.parentElement.rowIndex > 0) showPair(cell.parentElement.rowIndex - 1, cell.cellIndex - 1);
});
