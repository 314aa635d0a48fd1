// Keeps what is marked data-live up to date, asks before what cannot be undone. All pages work without it.
const EVERY_MS = 5000;
const LONGEST_MS = 60000;
const live = document.querySelector("[data-live-status]");
let isPaused = false;
let wait = EVERY_MS;
let timer = 0;

function say(text, isLost) {
  if (!live) return;
  live.hidden = false;
  live.classList.toggle("lost", isLost);
  live.querySelector("[data-live-text]").textContent = text;
}

function clock() {
  return `${new Date().toISOString().slice(11, 19)} UTC`;
}

// The same page once more, of which only the live parts are taken: rows of lists never jump.
async function refresh() {
  clearTimeout(timer);
  if (isPaused || document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) return location.reload(); // signed out
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live][id]")) {
      const fresh = page.getElementById(part.id);
      const isUsed = part.contains(document.activeElement) || part.querySelector("details[open]");
      if (fresh && !isUsed && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
    }
    wait = EVERY_MS;
    say(`Live, ${clock()}`, false);
  } catch {
    wait = Math.min(LONGEST_MS, wait * 2);
    say(`No connection since ${clock()}, trying again`, true);
  }
  timer = setTimeout(refresh, wait * (0.8 + 0.4 * Math.random()));
}

if (document.querySelector("[data-live]")) {
  timer = setTimeout(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
  say(`Live, ${clock()}`, false);
  live?.querySelector("[data-live-pause]").addEventListener("click", (event) => {
    isPaused = !isPaused;
    event.target.textContent = isPaused ? "Go on" : "Pause";
    if (isPaused) say("Paused", false);
    refresh();
  });
}

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

// A picture that cannot be had leaves the field behind it, with its size and format.
function hide(picture) {
  if (picture.matches?.("[data-picture]")) picture.hidden = true;
}

document.addEventListener("error", (event) => hide(event.target), true);
for (const picture of document.images) {
  if (picture.complete && picture.naturalWidth === 0) hide(picture);
}
