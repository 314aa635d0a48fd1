// Keys: each presses what names it in data-key ("gj": G, then J), or goes through the links of a list, data-item.
const FIELDS = "input:not([type=checkbox]), textarea, select, [contenteditable]";
let isLeaving = false;
let begun = ""; // G, until the next key

// What a key leads to in a list: up and down go by the lines of a grid, and arrows act in a list alone.
function itemAt(key) {
  const items = [...document.querySelectorAll("[data-item]")].filter((item) => item.checkVisibility());
  const at = items.findIndex((item) => (item.closest("tr") ?? item).contains(document.activeElement));
  const tops = items.map((item) => Math.round(item.getBoundingClientRect().top));
  const line = tops.filter((top) => top === tops[0]).length;
  const steps = { j: 1, k: -1, ArrowRight: 1, ArrowLeft: -1, ArrowDown: line, ArrowUp: -line };
  return at < 0 ? { j: items[0] }[key] : items[at + steps[key]];
}

// What a key presses; X chooses the row that has the focus, or goes where it can be chosen.
function pressedBy(key) {
  const found = document.querySelector(`[data-key~="${CSS.escape(key)}"]`);
  if (key === "Escape") return document.querySelector("details[open] > summary") ?? found;
  const row = key === "x" ? document.activeElement.closest("tr") : null;
  if (row && found) found.href += `&job=${row.querySelector("[data-item]").pathname.split("/").pop()}`;
  return row?.querySelector("[type=checkbox]") ?? found;
}

document.addEventListener("submit", () => { isLeaving = true; });
addEventListener("pageshow", () => { isLeaving = false; });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || isLeaving || document.documentElement.dataset.keys === "off") return;
  if (event.target.closest(FIELDS)) return event.key === "Escape" ? event.target.blur() : undefined;
  const key = begun + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
  begun = key === "g" ? key : "";
  const item = itemAt(key);
  const found = item ?? (event.repeat ? null : pressedBy(key));
  if (!found) return;
  event.preventDefault();
  if (item || found.matches(FIELDS)) return found.focus();
  isLeaving = Boolean(found.href);
  found.click();
});

// Goes on to the next of the values that a button has for the pair of photos, after the last one to none.
for (const button of document.querySelectorAll("[data-turn]")) {
  button.addEventListener("click", () => {
    const [name, ...values] = button.dataset.turn.split(" ");
    const pair = document.getElementById("compare").dataset;
    pair[name] = values[values.indexOf(pair[name]) + 1] ?? "";
    button.setAttribute("aria-pressed", String(pair[name] !== ""));
  });
}

// The next picture, so that it is there before it is looked at.
const next = document.querySelector(".strip li:nth-child(2) [data-picture]");
if (next) new Image().src = `${next.src}?size=review`;
