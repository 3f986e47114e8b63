// A log that goes on: pieces of text by byte offset, appended as lines; at the end it follows, unless one scrolled up.
const MOST_LINES = 5000;
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-Z\\^-~])/g; // as terminal.py knows them

const atEnd = (pane) => pane.scrollHeight - pane.scrollTop - pane.clientHeight < 40;

function lineOf(pane, number) {
  const id = `${pane.id}-L${number}`;
  const line = document.createElement("div");
  line.className = "ln";
  line.id = id;
  const link = document.createElement("a");
  link.href = `#${id}`;
  link.tabIndex = -1;
  link.textContent = number;
  line.append(link, document.createElement("span"));
  return line;
}

// The last state of a progress bar is what its line says.
function write(line, text) {
  const words = line.lastElementChild;
  words.textContent = (words.textContent + text.replace(ESCAPES, "")).split("\r").filter(Boolean).at(-1) ?? "";
}

function append(pane, piece) {
  const following = pane.hasAttribute("data-follow") && atEnd(pane);
  const texts = piece.text.replace(/\r\n/g, "\n").split("\n");
  if (!texts.at(-1)) texts.pop(); // the next line begins with its first letter
  texts.forEach((text, index) => {
    const number = piece.line + index + 1;
    let line = document.getElementById(`${pane.id}-L${number}`);
    if (!line) pane.append((line = lineOf(pane, number)));
    write(line, text);
  });
  pane.dataset.to = piece.to;
  trim(pane);
  if (following) pane.scrollTop = pane.scrollHeight;
  showFollow(pane);
}

// Never silently: the first line then says where the whole log is.
function trim(pane) {
  const lines = pane.querySelectorAll(".ln:not(.note)");
  if (lines.length <= MOST_LINES) return;
  for (const line of [...lines].slice(0, lines.length - MOST_LINES)) line.remove();
  pane.querySelector(".ln.note").hidden = false;
}

const followButton = (pane) => pane.closest(".logbox").querySelector("[data-follow-button]");
const showFollow = (pane) => followButton(pane)?.setAttribute("aria-pressed", String(atEnd(pane)));

document.addEventListener("bakery:log", ({ detail: piece }) => {
  const pane = document.querySelector(`[data-log="${CSS.escape(piece.topic.slice(4))}"]`);
  if (!pane || pane.matches("[data-viewer]")) return; // that one is viewer.js's
  const to = Number(pane.dataset.to);
  if (piece.to <= to) return; // we have it
  if (piece.from !== to) {
    pane.dataset.gap = "";
    document.dispatchEvent(new CustomEvent("bakery:gap", { detail: pane }));
    return;
  }
  append(pane, piece);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-follow-button]");
  if (!button) return;
  const pane = button.closest(".logbox").querySelector("[data-log]");
  pane.scrollTop = pane.scrollHeight;
});

document.addEventListener("scroll", (event) => event.target.dataset?.log && showFollow(event.target), true);

function select() {
  document.querySelector(".ln.sel")?.classList.remove("sel");
  const line = document.getElementById(location.hash.slice(1));
  if (!line?.matches(".ln") || line.closest("[data-viewer]")) return;
  for (let step = line.closest("details"); step; step = step.parentElement.closest("details")) step.open = true;
  line.classList.add("sel");
  line.scrollIntoView({ block: "center" });
}

addEventListener("hashchange", select);
for (const pane of document.querySelectorAll("[data-follow]")) pane.scrollTop = pane.scrollHeight;
select();
