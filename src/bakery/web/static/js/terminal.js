// A command in an app's live release: its output is one long answer, what is typed goes in requests of their own. The
// answer is the command's life: when it is cut, the command ends.
const card = document.querySelector("[data-terminal]");
const pane = document.getElementById("screen");
const said = document.getElementById("said");
const form = card.querySelector("form");
const [begin, end, aloud] = ["begin", "end", "aloud"].map((id) => document.getElementById(id));
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");
const MOST_AT_ONCE = 24 * 1024; // bytes of input in a request
const TOO_MANY = 429;

let run = null; // what runs: {stop, path, typed, isTelling}
let left = false; // Esc was pressed last

// The policy of our pages forbids styles in the page's text. What the terminal writes there goes where it is allowed:
// into a sheet of its own, and into the style of an element by its properties.
function made(name) {
  if (name !== "style") return document.createElement(name);
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const instead = document.createElement("template");
  return Object.defineProperty(instead, "textContent", { set: (text) => sheet.replaceSync(text) });
}

HTMLSpanElement.prototype.setAttribute = function setAttribute(key, value) {
  if (key === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, key, value);
};

const page = new Proxy(document, {
  get(target, key) {
    if (key === "createElement") return made;
    const value = Reflect.get(target, key, target);
    return typeof value === "function" ? value.bind(target) : value;
  },
});

function theme() {
  const probe = document.createElement("i");
  pane.append(probe);
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
  const bright = (name) => `bright${name[0].toUpperCase()}${name.slice(1)}`;
  const found = {
    ...Object.fromEntries(names.map((name, at) => [name, colour(`a${at}`)])),
    ...Object.fromEntries(names.map((name, at) => [bright(name), colour(`a${at + 8}`)])),
    background: colour("sunken"),
    foreground: colour("text"),
    cursor: colour("crust"),
    cursorAccent: colour("sunken"),
    selectionBackground: colour("crust-tint"),
  };
  probe.remove();
  return found;
}

const look = getComputedStyle(pane);
const terminal = new window.Terminal({
  documentOverride: page,
  fontFamily: look.fontFamily,
  fontSize: Math.round(parseFloat(look.fontSize)),
  cursorBlink: !calm.matches,
  minimumContrastRatio: 4.5,
  scrollback: 5000,
  theme: theme(),
});
const fit = new window.FitAddon.FitAddon();
terminal.loadAddon(fit);
terminal.open(pane);
fit.fit();
terminal.textarea.setAttribute("aria-label", "Terminal. Escape and then Tab leaves it.");

const repaint = () => (terminal.options.theme = theme());
dark.addEventListener("change", repaint);
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
new ResizeObserver(() => fit.fit()).observe(pane);
aloud.addEventListener("change", () => (terminal.options.screenReaderMode = aloud.checked));

terminal.attachCustomKeyEventHandler((event) => {
  if (event.type !== "keydown") return true;
  if (event.key === "Tab" && (left || !run)) return false; // the browser's, which goes on to what comes next
  if (event.key !== "Shift") left = event.key === "Escape";
  return true;
});

function ask(path, body, signal) {
  const csrf = document.querySelector("meta[name=csrf]").content;
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": csrf };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

const size = () => ({ columns: terminal.cols, rows: terminal.rows });
const coded = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const written = (bytes) => new Promise((done) => terminal.write(bytes, done));

// In the order in which it was typed. What the command does not want to read yet is asked again.
async function tell(of) {
  if (of.isTelling || !of.path) return;
  of.isTelling = true;
  while (of.typed.length && run === of) {
    const some = of.typed.slice(0, MOST_AT_ONCE);
    try {
      const answer = await ask(of.path, { input: coded(some) }, of.stop.signal);
      if (answer.status === TOO_MANY) await new Promise((done) => setTimeout(done, 500));
      else if (answer.ok) of.typed = of.typed.slice(some.length);
      else of.typed = []; // it has ended; its answer says so
    } catch {
      of.typed = []; // likewise
    }
  }
  of.isTelling = false;
}

function type(bytes) {
  if (!run) return;
  run.typed = Uint8Array.from([...run.typed, ...bytes]);
  tell(run);
}
terminal.onData((text) => type(new TextEncoder().encode(text)));
terminal.onBinary((text) => type(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
terminal.onResize(() => {
  if (run?.path) ask(run.path, { terminal: size() }, run.stop.signal).catch(() => {}); // it has ended
});

const CUT = "The connection to Bakery ended, and the command with it. Run it again.";

function ending(told) {
  if ("error" in told) return `${told.error} ${told.hint}`.trim();
  if (!("exit_status" in told)) return "";
  if (told.exit_status < 0) return `Ended: ${told.reason || `signal ${-told.exit_status}`}.`;
  return `Ended with exit code ${told.exit_status}.`;
}

// How it ended, in a sentence.
async function hear(of, body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return CUT;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines.filter(Boolean)) {
      const told = JSON.parse(line);
      if (told.run) {
        of.path = card.dataset.run.replace(/(\?|$)/, `/${encodeURIComponent(told.run)}$1`);
        said.textContent = "It runs.";
        tell(of);
      }
      const output = told.output ?? told.errors;
      if (output) await written(decoded(output));
      const how = ending(told);
      if (how) return how;
    }
  }
}

async function refusal(answer) {
  const isOurs = answer.headers.get("content-type")?.includes("json");
  if (!isOurs) return `Bakery answered ${answer.status}, and nothing ran. Load the page again, then retry.`;
  const { detail, hint } = await answer.json();
  return `${detail} ${hint ?? ""}`.trim();
}

async function outcome(of, command) {
  const wanted = { command, terminal: size(), idle_seconds: Number(card.dataset.idle) };
  try {
    const answer = await ask(card.dataset.run, wanted, of.stop.signal);
    return answer.ok ? await hear(of, answer.body) : await refusal(answer);
  } catch {
    return of.stop.signal.aborted ? "You ended it." : of.path ? CUT : "Bakery could not be reached, and nothing ran.";
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (run) return;
  const line = form.elements.command.value.trim();
  const mine = (run = { stop: new AbortController(), path: "", typed: new Uint8Array(), isTelling: false });
  begin.disabled = true;
  end.hidden = false;
  said.textContent = "It begins…";
  terminal.reset();
  terminal.focus();
  const how = await outcome(mine, line ? ["sh", "-c", line] : ["sh"]);
  run = null;
  said.textContent = how;
  end.hidden = true;
  begin.disabled = false;
  if (pane.contains(document.activeElement) || document.activeElement === document.body) begin.focus();
});

end.addEventListener("click", () => run?.stop.abort());
addEventListener("beforeunload", (event) => run && event.preventDefault());
