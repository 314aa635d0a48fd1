// A file by dropping it, how far it has come, and one press of Send. All pages work without it.
const SHOWN_AFTER_MS = 2000;

for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;

function complain(form, text) {
  const problem = form.querySelector("[data-problem]");
  problem.textContent = text;
  problem.hidden = !text;
}

function showProgress(form) {
  const part = form.querySelector("[data-progress]");
  const bar = part.querySelector("progress");
  const text = part.querySelector("span");
  const timer = setTimeout(() => { part.hidden = false; }, SHOWN_AFTER_MS);
  return {
    move(sent, all) {
      bar.value = Math.floor((100 * sent) / all);
      text.textContent = sent < all ? `${bar.value}% sent` : "Sent, it is being read";
    },
    end() {
      clearTimeout(timer);
      part.hidden = true;
    },
  };
}

// What the service says of a file that it does not take stands in the page that it answers.
function reasonOf(asked) {
  const page = new DOMParser().parseFromString(asked.responseText, "text/html");
  return page.querySelector("[role=alert], .empty")?.textContent.trim() || "The file was not taken: try again.";
}

function send(form) {
  const asked = new XMLHttpRequest();
  const progress = showProgress(form);
  const button = form.querySelector("button");
  const end = (text) => {
    progress.end();
    button.disabled = false;
    complain(form, text);
  };
  asked.upload.addEventListener("progress", (event) => progress.move(event.loaded, event.total));
  asked.addEventListener("load", () => {
    if (asked.status === 201) location.assign(JSON.parse(asked.responseText).page);
    else if (asked.status === 401) location.reload(); // signed out
    else end(reasonOf(asked));
  });
  asked.addEventListener("error", () => end("The service was not reached: try again."));
  asked.open("POST", form.action);
  asked.setRequestHeader("Accept", "application/json, text/html");
  button.disabled = true;
  asked.send(new FormData(form));
}

for (const form of document.querySelectorAll("[data-upload]")) {
  const input = form.querySelector("input[type=file]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const most = Number(form.dataset.most);
    const isTooLarge = input.files[0]?.size > most;
    complain(form, isTooLarge ? `The file is larger than ${most.toLocaleString("en")} bytes: send it in parts.` : "");
    if (!isTooLarge) send(form);
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
}

for (const form of document.querySelectorAll("[data-once]")) {
  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
  addEventListener("pageshow", () => { isSent = false; });
}
