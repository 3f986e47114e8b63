// Ctrl K: a combobox over what the server finds.
const palette = document.getElementById("palette");
const input = palette.querySelector("[role=combobox]");
const list = palette.querySelector("[role=listbox]");
const WAIT = 80;

// Where the person was, newest first; of whoever else uses this browser, nothing.
const MOST_RECENT = 6;
const KEY = `bakery-recent ${palette.dataset.person}`;
const here = location.pathname + location.search;

function visited() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return []; // no storage, or not what this page wrote
  }
}

function remember() {
  const title = document.title.replace(/ · Bakery$/, "");
  const others = visited().filter((place) => place.href !== here && place.title !== title);
  try {
    localStorage.setItem(KEY, JSON.stringify([{ href: here, title }, ...others].slice(0, MOST_RECENT + 1)));
  } catch {
    // Without storage there is nothing recent.
  }
}

// Whoever signs out leaves nothing for the next person at this machine.
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-signs-out]")) localStorage.removeItem(KEY);
});

function recent() {
  const places = visited().filter((place) => place.href !== here);
  if (!places.length) return [];
  const group = document.getElementById("palette-recent").content.cloneNode(true);
  const row = group.querySelector("[role=option]");
  for (const place of places.slice(0, MOST_RECENT)) {
    const option = row.cloneNode(true);
    option.dataset.href = place.href;
    option.querySelector("span").textContent = place.title;
    row.before(option);
  }
  row.remove();
  return [group];
}

let timer = 0;
let asking = null;

const options = () => [...list.querySelectorAll("[role=option]")];
const current = () => list.querySelector("[aria-selected=true]");

function choose(option) {
  current()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) input.setAttribute("aria-activedescendant", option.id);
  else input.removeAttribute("aria-activedescendant");
}

async function find() {
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(`${palette.dataset.source}?q=${encodeURIComponent(input.value)}`, { signal: asking.signal });
    if (!answer.ok) throw new TypeError(`Bakery answered ${answer.status}.`);
    list.innerHTML = await answer.text();
    if (!input.value) list.prepend(...recent());
  } catch (error) {
    if (error.name === "AbortError") return;
    list.textContent = "Bakery could not be reached. Type again to retry.";
  }
  options().forEach((option, index) => (option.id = `palette-${index}`));
  choose(options()[0]);
}

function move(by) {
  const all = options();
  if (all.length) choose(all[(all.indexOf(current()) + by + all.length) % all.length]);
}

function go(option) {
  if (!option) return;
  palette.close();
  location.assign(option.dataset.href);
}

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(find, WAIT);
});
input.addEventListener("keydown", (event) => {
  const act = { ArrowDown: () => move(1), ArrowUp: () => move(-1), Enter: () => go(current()) }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
list.addEventListener("click", (event) => go(event.target.closest("[role=option]")));
palette.addEventListener("toggle", (event) => {
  if (event.newState !== "open") return;
  input.select();
  find();
});
if (document.querySelector("main h1")) remember();
