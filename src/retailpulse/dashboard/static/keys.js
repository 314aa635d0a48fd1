// Keys for what has data-key, and both ways to look at a pair. All pages work without it.
const OFF = "retailpulse-keys-off";
let isLeaving = false;
const isOff = () => localStorage.getItem(OFF) === "1";

// Flip: the pair in one place, the other photo with each press. Zoom: pixels as they are.
function toggle(button) {
  const pictures = document.getElementById("compare");
  if (button.dataset.toggle === "zoom") pictures.classList.toggle("zoom");
  else if (pictures.dataset.flip === "earlier") delete pictures.dataset.flip;
  else pictures.dataset.flip = "flip" in pictures.dataset ? "earlier" : "this";
  const isOn = button.dataset.toggle === "zoom" ? pictures.matches(".zoom") : "flip" in pictures.dataset;
  button.setAttribute("aria-pressed", String(isOn));
}

function say(button) {
  button.setAttribute("aria-pressed", String(isOff()));
  button.textContent = isOff() ? "Switch the keys on" : "Switch the keys off";
}

for (const button of document.querySelectorAll("[data-toggle]")) {
  button.addEventListener("click", () => toggle(button));
}
for (const button of document.querySelectorAll("[data-keys-switch]")) {
  say(button);
  button.addEventListener("click", () => {
    localStorage.setItem(OFF, isOff() ? "0" : "1");
    say(button);
  });
}

document.addEventListener("submit", () => { isLeaving = true; });
addEventListener("pageshow", () => { isLeaving = false; });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isLeaving || isOff()) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!/^[\w?]+$/.test(key)) return;
  const found = document.querySelector(`[data-key~="${key}"]`);
  if (!found) return;
  event.preventDefault();
  if (found.href) isLeaving = true;
  found.click();
});

// The next pictures, so that they are there before they are looked at.
for (const next of document.querySelectorAll(".strip li:nth-child(2) [data-picture]")) {
  new Image().src = `${next.src}?size=review`;
}
