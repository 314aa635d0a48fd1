// Asks before what cannot be undone, copies texts, hides pictures that cannot be had. All pages work without it.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  getSelection().selectAllChildren(source);
  if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
  else document.execCommand("copy"); // of the selection, where the page does not come over TLS
  button.dataset.name ??= button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = button.dataset.name; }, 2000);
});

// A picture that cannot be had leaves the field behind it, with its size and format.
const hide = (picture) => { if (picture.matches?.("[data-picture]")) picture.hidden = true; };
document.addEventListener("error", (event) => hide(event.target), true);
for (const one of document.images) if (one.complete && one.naturalWidth === 0) hide(one);
