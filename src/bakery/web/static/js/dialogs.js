// Dialogs open by their buttons' commandfor; this adds what the platform leaves out: older browsers, a click beside,
// a link to the open dialog, and a delete button that wakes up only when the name is typed.
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (button?.getAttribute("command") === "show-modal") dialog.showModal();
    else dialog?.close();
  });
}

function arm(input) {
  const button = document.getElementById(input.dataset.arms);
  const isTyped = input.value === input.dataset.name;
  button.disabled = !isTyped;
  button.classList.toggle("armed", isTyped);
}

document.addEventListener("input", (event) => event.target.dataset.arms && arm(event.target));
document.addEventListener("click", (event) => {
  if (event.target.matches("dialog")) event.target.close();
  for (const menu of document.querySelectorAll("details.drop[open]")) menu.contains(event.target) || (menu.open = false);
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.drop[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("toggle", (event) => {
  const { target } = event;
  if (!target.matches("dialog[id]:not(.palette)")) return;
  const hash = `#${target.id}`;
  if (event.newState === "open") history.replaceState(history.state, "", hash);
  else if (location.hash === hash) history.replaceState(history.state, "", location.pathname + location.search);
}, true);

for (const input of document.querySelectorAll("[data-arms]")) arm(input);
const linked = document.getElementById(location.hash.slice(1)) ?? document.querySelector("dialog[data-open-now]");
if (linked?.matches("dialog")) linked.showModal();
