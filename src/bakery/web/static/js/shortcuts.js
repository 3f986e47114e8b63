// Keys: links and buttons name theirs in data-key (“g d”, “n”). Ignored while typing, and where a person turned them off.
const PAUSE = 1000;
let first = "";
let timer = 0;

const isTyping = (element) => element.matches?.("input, textarea, select, [contenteditable]");
const open = (id) => document.getElementById(id).open || document.getElementById(id).showModal();

// A tab with parts stands for the part that is shown: its parts are walked instead of it.
function tab(by) {
  const tabs = [...document.querySelectorAll('.tabs a:not([aria-current="true"])')];
  tabs[tabs.findIndex((link) => link.matches("[aria-current]")) + by]?.click();
}

const keys = {
  "/": () => open("palette"),
  "?": () => open("shortcuts"),
  "[": () => tab(-1),
  "]": () => tab(1),
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open("palette");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (document.documentElement.dataset.shortcuts === "off") return;
  const combination = first ? `${first} ${event.key}` : event.key;
  const target = document.querySelector(`[data-key="${CSS.escape(combination)}"]`);
  const act = target ? () => target.click() : keys[combination];
  clearTimeout(timer);
  first = event.key === "g" && !first ? "g" : "";
  if (first) timer = setTimeout(() => (first = ""), PAUSE);
  if (!act) return;
  event.preventDefault();
  act();
});
