// Copies the text that a button names. Without scripts the text can be selected.
for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const name = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(source);
    if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
    else document.execCommand("copy"); // of the selection, where the page does not come over TLS
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = name; }, 2000);
  });
}
