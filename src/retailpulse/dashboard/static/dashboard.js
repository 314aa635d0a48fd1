// Asks before what cannot be undone, and hides pictures that cannot be had. All pages work without it.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;

// A picture that cannot be had leaves the field behind it, with its size and format.
function hide(picture) {
  if (picture.matches?.("[data-picture]")) picture.hidden = true;
}

document.addEventListener("error", (event) => hide(event.target), true);
for (const one of document.images) if (one.complete && one.naturalWidth === 0) hide(one);
