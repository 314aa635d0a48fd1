// A file by dropping it, and how far it has come. All pages work without it.
const SHOWN_AFTER_MS = 2000;
const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const button = form.querySelector("button");
const progress = form.querySelector("[data-progress]");

function complain(text) {
  const problem = form.querySelector("[data-problem]");
  problem.textContent = text;
  problem.hidden = !text;
}

function move(sent, all) {
  const percent = Math.floor((100 * sent) / all);
  progress.querySelector("progress").value = percent;
  progress.querySelector("span").textContent = sent < all ? `${percent}% sent` : "Sent, it is being read";
}

function send() {
  const asked = new XMLHttpRequest(); // fetch does not tell how far an upload is
  const timer = setTimeout(() => { progress.hidden = false; }, SHOWN_AFTER_MS);
  asked.upload.addEventListener("progress", (event) => move(event.loaded, event.total));
  asked.addEventListener("loadend", () => {
    if (asked.status === 201) return location.assign(JSON.parse(asked.responseText).page);
    if (asked.status === 401) return location.reload(); // signed out
    clearTimeout(timer);
    progress.hidden = true;
    button.disabled = false;
    const page = new DOMParser().parseFromString(asked.responseText, "text/html"); // it tells why
    const said = page.querySelector("[role=alert], .empty")?.textContent.trim();
    complain(said || "The service was not reached: try again.");
  });
  asked.open("POST", form.action);
  asked.setRequestHeader("Accept", "application/json, text/html");
  button.disabled = true;
  asked.send(new FormData(form));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const most = Number(form.dataset.most);
  const isTooLarge = input.files[0]?.size > most;
  complain(isTooLarge ? `The file is larger than ${most.toLocaleString("en")} bytes: send it in parts.` : "");
  if (!isTooLarge) send();
});
input.addEventListener("change", () => { if (input.files.length) form.requestSubmit(); });
for (const name of ["dragover", "dragleave", "drop"]) {
  form.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.toggle("over", name === "dragover");
    if (name !== "drop" || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
