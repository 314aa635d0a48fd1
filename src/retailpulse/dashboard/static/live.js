// Keeps what is marked data-live up to date by one stream of events from the page's own address.
// Numbers and bars change in their places; rows move only where nobody is at the page, buttons where none is at them.
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60000;
const ASK_EVERY_MS = 30000; // where the service has no stream left for this tab
const SILENT_MS = 35000; // the service says something every ten seconds
const IDLE_MS = 60000;
const line = document.querySelector("[data-live-status]");
const kept = new Map();
let stream, timer, silence, isPaused;
let wait = FIRST_WAIT_MS; // a loss is said once it is over twice that: a try or two may fail by chance
let lastAt = "";
let usedAt = 0;
const keyOf = (row) => row.dataset.row ?? row.querySelector("a[href]")?.getAttribute("href");
const isHeld = (list) => (list.dataset.rows ? performance.now() - usedAt <= IDLE_MS : list.matches(":hover, :focus-within"));

function say(text, isLost = false) {
  line.classList.toggle("lost", isLost);
  line.querySelector("[data-live-text]").textContent = text;
  const told = line.querySelector("[role=status]"); // is read aloud if it changes
  if (told.textContent !== (isLost ? text : "")) told.textContent = isLost ? text : "";
}

function close() {
  clearTimeout(timer);
  clearTimeout(silence);
  stream?.close();
  stream = null;
}

function connect() {
  close();
  if (isPaused || document.hidden) return;
  stream = new EventSource(location.pathname + location.search);
  stream.addEventListener("message", (event) => hear(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    const next = stream.readyState === EventSource.CLOSED ? ask : lose; // closed: the answer is no stream
    close();
    next();
  });
  expectNews();
}

function expectNews() {
  clearTimeout(silence);
  silence = setTimeout(() => { close(); lose(); }, SILENT_MS);
}

function lose(what = "No connection") {
  lastAt ||= new Date().toISOString().slice(11, 19);
  if (stream || wait > 2 * FIRST_WAIT_MS) say(`${what} since ${lastAt.slice(0, 5)} UTC, trying again`, true);
  if (!stream) timer = setTimeout(connect, wait * (0.5 + Math.random()));
  wait = Math.min(LONGEST_WAIT_MS, wait * 2);
}

function hear(news) {
  expectNews();
  wait = FIRST_WAIT_MS;
  if (news.away) return lose("No news from the database");
  lastAt = news.at;
  show(Object.entries(news.parts));
  say(`Live, ${lastAt} UTC`);
}

function show(parts) {
  const held = document.querySelector("main :is(.tile, tr):hover"); // stays there, whatever grows above
  const top = held?.getBoundingClientRect().top;
  for (const [id, html] of parts) {
    const part = document.getElementById(id);
    const fresh = document.createElement("template");
    if (part) fresh.innerHTML = html;
    else if (id === "title") document.title = html; // a text, with what others wrote in it: never read as HTML
    if (part) merge(part, fresh.content);
  }
  showRows((list) => !isHeld(list));
  if (held?.isConnected) scrollBy(0, held.getBoundingClientRect().top - top);
}

// The whole page by an ordinary request, which also tells why there is no stream.
async function ask() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) return location.reload(); // signed out
    if (answer.status === 404) return say("This is no longer there", true);
    if (!answer.ok) return lose();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    show([...page.querySelectorAll("[data-live][id]")].map((part) => [part.id, part.innerHTML]));
    lastAt = new Date(answer.headers.get("date")).toISOString().slice(11, 19);
    wait = FIRST_WAIT_MS;
    say(`${lastAt} UTC, every half a minute: many pages are open`);
    timer = setTimeout(connect, ASK_EVERY_MS * (0.5 + Math.random()));
  } catch {
    lose();
  }
}

function merge(old, fresh) {
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((node, place) => {
    const was = before[place];
    if (!was) old.append(node);
    else if (was.nodeName !== node.nodeName) was.replaceWith(node);
    else if (was.nodeType !== Node.ELEMENT_NODE) was.data = node.data;
    else if (!was.isEqualNode(node)) mergeElement(was, node);
  });
  before.slice(after.length).forEach((node) => node.remove());
}

function mergeElement(old, fresh) {
  for (const { name } of [...old.attributes]) {
    const isOwn = name === "open" || (name === "hidden" && old.src && old.getAttribute("src") === fresh.getAttribute("src"));
    if (!fresh.hasAttribute(name) && !isOwn) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.hasAttribute("data-rows")) mergeRows(old, fresh);
  else merge(old, fresh);
}

function mergeRows(old, fresh) {
  const known = new Map([...old.children].map((row) => [keyOf(row), row]));
  const keys = [...fresh.children].map(keyOf);
  const added = keys.filter((key, place) => !known.has(key) && !fresh.children[place].matches(".empty"));
  kept.delete(old);
  if (keys.join() === [...known.keys()].join() || !isHeld(old) || known.has(undefined)) {
    merge(old, fresh);
  } else {
    if (added.length || keys.length < known.size) kept.set(old, { fresh: fresh.cloneNode(true), added });
    for (const [key, row] of known) row.classList.toggle("gone", !keys.includes(key));
    for (const row of [...fresh.children]) {
      if (known.has(keyOf(row))) mergeElement(known.get(keyOf(row)), row);
    }
  }
}

function offerRows() {
  const lists = [...kept.keys()].filter((old) => old.isConnected && old.dataset.rows);
  const added = new Set(lists.flatMap((old) => kept.get(old).added)).size;
  const button = line.querySelector("[data-live-show]");
  button.hidden = lists.length === 0;
  const noun = `${lists[0]?.dataset.rows}${added === 1 ? "" : "s"}`;
  button.textContent = `${added ? `${added} new ${noun}` : "The list has changed"}, show`;
}

function showRows(isWanted) {
  for (const [old, { fresh }] of kept) if (isWanted(old) && kept.delete(old)) merge(old, fresh);
  offerRows();
}

if (line && document.querySelector("main [data-live]")) {
  line.hidden = false;
  line.querySelector("[data-live-pause]").addEventListener("click", (event) => {
    isPaused = !isPaused;
    event.target.textContent = isPaused ? "Go on" : "Pause";
    if (isPaused) say("Paused");
    connect();
  });
  line.querySelector("[data-live-show]").addEventListener("click", () => showRows(() => true));
  document.addEventListener("visibilitychange", connect);
  for (const kind of ["pointermove", "pointerdown", "keydown", "wheel", "touchmove"]) {
    document.addEventListener(kind, () => { usedAt = performance.now(); }, { passive: true });
  }
  connect();
}
