// Forms post without this. With it a button says at once that it was heard, a save bar knows whether there is
// something to save, and leaving with unsaved changes asks first.
const guarded = (form) => form?.matches("form[data-guard]");
const content = (form) => new URLSearchParams(new FormData(form)).toString();
const saved = new WeakMap();

function show(form) {
  const changed = content(form) !== saved.get(form);
  form.classList.toggle("changed", changed);
  for (const button of form.querySelectorAll(".save-bar .btn")) button.disabled = !changed;
  form.querySelector("[data-changes]").textContent = changed ? "Not saved yet" : "No changes";
}

function hear(button) {
  if (!button?.dataset.busy) return;
  button.dataset.words = button.textContent;
  button.lastChild.textContent = button.dataset.busy;
  button.disabled = true;
}

for (const form of document.querySelectorAll("form[data-guard]")) {
  saved.set(form, form.querySelector("[aria-invalid], [data-unsaved]") ? "" : content(form)); // what came back with errors is not saved
  show(form);
}

document.addEventListener("input", (event) => guarded(event.target.form) && show(event.target.form));
document.addEventListener("reset", (event) => guarded(event.target) && setTimeout(() => show(event.target)));
document.addEventListener("submit", (event) => {
  event.target.classList.remove("changed");
  event.target.dataset.sent = "";
  setTimeout(() => hear(event.submitter)); // after the browser has read the form: a disabled button is not sent
});

// Loading the page again shows the draft, and does not send once more what was refused.
if (document.querySelector("[data-draft]")) history.replaceState(history.state, "", location.href);

// A draft that is saved by itself while its form is sent would be there again after the form has used it up.
document.addEventListener("htmx:beforeRequest", (event) => event.target.matches("[data-draft][data-sent]") && event.preventDefault());

addEventListener("beforeunload", (event) => document.querySelector("form.changed") && event.preventDefault());
addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // back from the browser's cache: nothing is under way any more
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[data-words]")) {
    button.lastChild.textContent = button.dataset.words;
    button.disabled = false;
  }
});
