// Copy buttons. On plain http there is no clipboard API: then the text is selected and copied the old way.
async function copy(text, beside) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "vh";
  beside.after(area); // inside an open dialog only its own content may have the focus
  area.focus();
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  beside.focus();
  if (!done) throw new DOMException("The browser did not copy.", "NotAllowedError");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const words = button.querySelector("span");
  const before = (button.dataset.before ??= words.textContent);
  words.setAttribute("aria-live", "polite");
  try {
    await copy(button.dataset.copy, button);
    words.textContent = "Copied";
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    words.textContent = "Select it and copy by hand";
  }
  setTimeout(() => (words.textContent = before), 2000);
});
