/* Shows the rows of the ledger that hold every word of the search. */
(function () {
  const most = 60;
  const field = document.getElementById("ledger-search");
  const body = document.querySelector("#ledger-table tbody");
  const count = document.getElementById("ledger-count");
  if (!field || !body || !window.LEDGER) return;
  const texts = window.LEDGER.map((row) => row.join(" ").toLowerCase());
  function show() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (let i = 0; i < texts.length; i++) if (words.every((word) => texts[i].includes(word))) found.push(i);
    count.textContent = found.length + " rows" + (found.length > most ? ", the first " + most + " shown" : "");
    body.replaceChildren(
      ...found.slice(0, most).map((i) => {
        const line = document.createElement("tr");
        for (const value of window.LEDGER[i]) {
          const cell = document.createElement("td");
          cell.textContent = value === null ? "" : value;
          line.appendChild(cell);
        }
        return line;
      })
    );
  }
  field.addEventListener("input", show);
  show();
})();
