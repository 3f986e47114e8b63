// Elements with data-live fetch themselves again when one of their topics changed – but never under a person's hands.
// What changes without an event, such as a machine that falls silent, has data-beats: every while, as long as the server
// is heard, which is every 15 s.
const PAUSE = 250;
const BEAT = 10_000;
const stale = new Set();
const handled = new WeakSet(); // <details> that a person opened or closed
let timer = 0;
let beaten = Date.now();

function isBusy(element) {
  const active = document.activeElement;
  if (active !== document.body && element.contains(active) && active.matches("input, textarea, select")) return true;
  if (element.querySelector("details.drop[open], dialog[open], form.changed")) return true;
  const selection = getSelection();
  return !selection.isCollapsed && element.contains(selection.anchorNode);
}

function refresh() {
  timer = 0;
  for (const element of stale) {
    if (element.isConnected && isBusy(element)) continue;
    stale.delete(element);
    // It does not bubble: an element around this one decides for itself.
    if (element.isConnected) element.dispatchEvent(new CustomEvent("live"));
  }
  if (stale.size) timer = setTimeout(refresh, PAUSE);
}

document.addEventListener("bakery:changed", ({ detail }) => {
  for (const element of document.querySelectorAll("[data-live]")) {
    if (element.dataset.live.split(" ").includes(detail.topic)) stale.add(element);
  }
  if (stale.size && !timer) timer = setTimeout(refresh, 20);
});

document.addEventListener("bakery:heard", () => {
  if (Date.now() - beaten < BEAT) return;
  beaten = Date.now();
  for (const element of document.querySelectorAll("[data-beats]")) stale.add(element);
  if (stale.size && !timer) timer = setTimeout(refresh, 20);
});

document.addEventListener("bakery:gap", ({ detail }) => {
  const element = detail.closest("[data-live]");
  if (element) stale.add(element);
  timer ||= setTimeout(refresh, PAUSE);
});

document.addEventListener("click", (event) => {
  const details = event.target.closest("summary")?.parentElement;
  if (details) handled.add(details);
});

// What the page knows better than the server's answer stays: a log that follows its stream, a step that a person
// opened, and where we are.
Idiomorph.defaults.callbacks.beforeNodeMorphed = (from, to) => {
  if (from instanceof Element && from.dataset.log && from.dataset.log === to.dataset?.log && !("gap" in from.dataset)) return false;
  return true;
};
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) => {
  if (name === "open" && handled.has(element)) return false;
  if (name === "aria-current" && element.closest("#side-apps")) return false;
  return true;
};
