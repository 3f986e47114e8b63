// A log of any length. The page holds the rows in view; the rest is an empty space of their height, and pages of rows
// that the server made, asked for by line number. What arrives live changes the count of lines, and rows at the end.
const ROW = 20; // px, as --log-row
const PAGE = 500; // lines, as the server sends them
const MOST_PAGES = 40;
const MOST_ROWS = 200; // in the page
const MARGIN = 30; // rows above and below those in view
const TALLEST = 14_000_000; // px; a browser cuts an element at 33 million, or earlier
const MOST_WRAPPED = 5000;
const LONGEST = 20_000; // characters of a line that grows
const MOST_COPIED = 2000;
const MOST_MATCHES = 10_000;

const number = (count) => count.toLocaleString("en");
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

// ——— What a program wrote, as the rows of terminal.py and log_pages.py; a test compares ———

const COLOURS = /\u001b\[([0-9;:]*)m/;
const OTHER_CONTROL =
  /\u001b\[(?![0-9;:]*m)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-Z\\^-~]|[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f]/g;
const ADDRESS = /https?:\/\/(?:[^\s<>&]|&amp;)*(?:[^\s<>&.,;:!?)\]}]|&amp;)/g;
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;" };
const SWITCHES = {
  1: { bold: true }, 2: { dim: true }, 3: { it: true }, 4: { ul: true }, 7: { inv: true },
  22: { bold: false, dim: false }, 23: { it: false }, 24: { ul: false }, 27: { inv: false }, 39: { ink: null }, 49: { ground: null },
};
const PLAIN = { bold: false, dim: false, it: false, ul: false, inv: false, ink: null, ground: null };

const escaped = (text) => text.replace(/[&<>'"]/g, (sign) => ENTITIES[sign]);

function classesOf({ ink, ground, ...flags }) {
  const found = Object.keys(flags).filter((name) => flags[name]);
  if (ink !== null) found.push(`a${ink}`);
  if (ground >= 1 && ground <= 4) found.push(`b${ground}`);
  return found.join(" ");
}

function spanOf(text, look) {
  const words = text.replaceAll("\u001b", "");
  const classes = words && classesOf(look);
  return classes ? `<span class="${classes}">${escaped(words)}</span>` : escaped(words);
}

function nearest(...parts) {
  const strongest = Math.max(...parts);
  const bits = parts.map((part) => part > 0.3 && part > strongest * 0.6);
  return bits[0] + 2 * bits[1] + 4 * bits[2] + (strongest > 0.9 ? 8 : 0);
}

function nearestOf256(code) {
  if (code < 16) return code;
  if (code > 231) return code < 244 ? 8 : 7;
  const cube = code - 16;
  return nearest(Math.floor(cube / 36) / 5, (Math.floor(cube / 6) % 6) / 5, (cube % 6) / 5);
}

function extended(codes) {
  const kind = codes.shift();
  if (kind === 5) return nearestOf256(codes.shift() ?? 0);
  if (kind !== 2) return null;
  return nearest(...[0, 0, 0].map(() => (codes.shift() ?? 0) / 255));
}

function lookAfter(text, look) {
  const codes = text.replaceAll(":", ";").split(";").filter((code) => code.length < 4).map(Number);
  while (codes.length) {
    const code = codes.shift();
    if (code === 0) look = PLAIN;
    else if (SWITCHES[code]) look = { ...look, ...SWITCHES[code] };
    else if (code === 38) look = { ...look, ink: extended(codes) };
    else if (code === 48) look = { ...look, ground: extended(codes) };
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) look = { ...look, ink: code - (code < 90 ? 30 : 82) };
    else if (code >= 40 && code <= 47) look = { ...look, ground: code - 40 };
  }
  return look;
}

// The HTML of a line, and the look in which the next one begins.
function drawn(text, look) {
  let shown = "";
  for (const state of text.replace(OTHER_CONTROL, "").split("\r")) {
    const [first, ...pieces] = state.split(COLOURS);
    let html = spanOf(first, look);
    for (let at = 0; at < pieces.length; at += 2) {
      look = lookAfter(pieces[at], look);
      html += spanOf(pieces[at + 1], look);
    }
    shown = html || shown;
  }
  return [shown.replace(ADDRESS, '<a href="$&" rel="noreferrer" target="_blank">$&</a>'), look];
}

const rowOf = (line, html) => `<div class="ln" id="L${line}"><a href="#L${line}" tabindex="-1">${line}</a><span>${html}</span></div>`;

// ——— Rows by line number: those of the pages that were looked at last ———

class Pages {
  constructor(url) {
    this.url = url;
    this.pages = new Map(); // by number, the one used last at the end
    this.asked = new Map(); // requests under way, by page
  }

  get(line) {
    return this.pages.get(Math.floor((line - 1) / PAGE))?.[(line - 1) % PAGE];
  }

  put(line, row) {
    const at = Math.floor((line - 1) / PAGE);
    let page = this.pages.get(at);
    if (!page) this.pages.set(at, (page = new Array(PAGE)));
    page[(line - 1) % PAGE] = row;
  }

  // What is known from this line on is not true any more, nor what was asked and has not come.
  forget(line, until = Infinity) {
    for (const [at, page] of this.pages) {
      for (let n = Math.max(line, at * PAGE + 1); n <= Math.min(until, at * PAGE + PAGE); n += 1) page[n - 1 - at * PAGE] = undefined;
    }
    for (const request of this.asked.values()) request.until = Math.min(request.until, line - 1);
  }

  // These lines are in view: their pages stay, what is asked for others is not needed any more.
  keep(from, to) {
    const [first, last] = [Math.floor((from - 1) / PAGE), Math.floor((to - 1) / PAGE)];
    for (let at = first; at <= last; at += 1) {
      const page = this.pages.get(at);
      if (page && this.pages.delete(at)) this.pages.set(at, page);
    }
    for (const at of this.pages.keys()) {
      if (this.pages.size <= MOST_PAGES) break;
      this.pages.delete(at);
    }
    for (const [at, request] of this.asked) if (at < first || at > last) request.stop.abort();
  }

  // Asks for the lines around this one that are missing in its page. Null if they are on their way.
  async load(line) {
    const at = Math.floor((line - 1) / PAGE);
    if (this.asked.has(at)) return null;
    let from = line;
    while (from > at * PAGE + 1 && this.get(from - 1) === undefined) from -= 1;
    const request = { until: Infinity, stop: new AbortController() };
    this.asked.set(at, request);
    try {
      const query = new URLSearchParams({ from, count: (at + 1) * PAGE - from + 1 });
      const answer = await fetch(`${this.url}?${query}`, { signal: request.stop.signal });
      if (answer.status === 401) location.reload();
      if (!answer.ok) throw new TypeError(`${answer.status}`);
      const rows = (await answer.text()).split("\n");
      rows.forEach((row, index) => {
        if (row && from + index <= request.until && this.get(from + index) === undefined) this.put(from + index, row);
      });
      return { lines: Number(answer.headers.get("x-log-lines")), isGrowing: answer.headers.get("x-log-growing") === "1" };
    } finally {
      this.asked.delete(at);
    }
  }
}

// ——— The pane ———

class Viewer {
  constructor(root) {
    const part = (name) => root.querySelector(`[data-${name}]`);
    const { lines, to, linesUrl, searchUrl, topic } = root.dataset;
    Object.assign(this, { root, part, topic, searchUrl, pane: part("pane"), lines: Number(lines), to: Number(to) });
    this.pages = new Pages(linesUrl);
    this.isGrowing = "log" in root.dataset;
    this.isFollowing = false;
    this.seen = this.lines; // when following ended
    this.rest = null; // the line without an end, if we know how it began; and the look it began in
    this.look = PLAIN;
    this.rows = new Map(); // in the page: by line, its element and what it was made of
    this.chosen = null;
    this.found = null;
    this.tops = null; // while lines are wrapped: where each begins
    this.heights = [];
    this.placed = -1; // where we scrolled to ourselves
    this.view = this.pane.clientHeight; // measured anew when it changes only: asking makes the browser lay out the page
    this.tall = 0; // px of the space
    this.last = { top: 0, tall: 0, view: 0 };
    this.takeFirstRows(Number(root.dataset.first));
    this.listen();
    if (innerWidth < 640 && this.lines < MOST_WRAPPED) this.wrap(true);
    if (!this.goToAddress()) this.toEnd(this.isGrowing);
    this.draw();
  }

  takeFirstRows(first) {
    const rows = this.pane.textContent.split("\n").filter((row) => row.startsWith('<div class="ln" id='));
    rows.forEach((row, index) => this.pages.put(first + index, row));
    this.space = document.createElement("div");
    this.box = document.createElement("div");
    this.space.className = "log-space";
    this.box.className = "log-rows";
    this.space.append(this.box);
    this.pane.replaceChildren(this.space);
  }

  listen() {
    const { pane, part } = this;
    const press = (name, act) => part(name).addEventListener("click", act);
    pane.addEventListener("scroll", () => this.scrolled(), { passive: true });
    pane.addEventListener("wheel", (event) => event.deltaY < 0 && this.follow(false), { passive: true });
    pane.addEventListener("mousedown", (event) => event.shiftKey && event.target.matches(".ln > a") && event.preventDefault());
    pane.addEventListener("click", (event) => this.clicked(event));
    pane.addEventListener("keydown", (event) => this.keyed(event));
    press("follow-log", () => (this.isFollowing ? this.follow(false) : this.toEnd(true)));
    press("news", () => this.toEnd(true) || pane.focus({ preventScroll: true }));
    press("wrap", () => this.wrap(!this.tops));
    for (const name of ["case", "regex"]) press(name, (event) => this.switchWay(event.currentTarget));
    press("next", () => this.step(1));
    press("previous", () => this.step(-1));
    part("search").addEventListener("input", () => this.findSoon(250));
    part("search").addEventListener("keydown", (event) => this.searchKeyed(event));
    document.addEventListener("selectionchange", () => {
      const selection = getSelection();
      if (!selection.isCollapsed && pane.contains(selection.anchorNode)) this.follow(false);
    });
    document.addEventListener("bakery:log", ({ detail }) => detail.topic === `log:${this.root.dataset.log}` && this.take(detail));
    document.addEventListener("bakery:changed", ({ detail }) => detail.topic === this.topic && this.isGrowing && this.askWhetherItEnded());
    addEventListener("hashchange", () => this.goToAddress());
    if (document.readyState === "complete") this.isLoaded = true;
    else addEventListener("load", () => setTimeout(() => this.giveIds()));
    new ResizeObserver(() => this.resized()).observe(pane);
    new ResizeObserver(() => this.widen()).observe(this.box);
  }

  say(text) {
    this.part("say").textContent = text;
  }

  // ——— Where lines are ———

  get height() {
    return this.tops ? this.tops[this.lines] : this.lines * ROW;
  }

  topOf(line) {
    return this.tops ? this.tops[line - 1] : (line - 1) * ROW;
  }

  lineAt(top) {
    if (!this.tops) return Math.floor(top / ROW) + 1;
    let [low, high] = [1, this.lines];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle - 1] <= top) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // Of the pane's scroll position; a log that is taller than an element can be is scrolled at a larger scale.
  get scale() {
    return this.height > TALLEST ? (this.height - this.view) / (TALLEST - this.view) : 1;
  }

  get top() {
    return this.last.top * this.scale;
  }

  scrollTo(top) {
    this.centered = 0;
    this.resize();
    this.placed = Math.round(Math.max(0, Math.min(top / this.scale, this.tall - this.view)));
    if (this.placed !== this.last.top || this.tall !== this.last.tall) this.pane.scrollTop = this.placed;
    this.remember(this.placed);
    this.schedule();
  }

  remember(top) {
    this.last = { top, tall: this.tall, view: this.view };
  }

  center(line) {
    this.scrollTo(this.topOf(line) - (this.view - ROW) / 2);
    this.centered = line; // until somebody scrolls: the heights of wrapped lines are not known yet
  }

  reveal(line) {
    const top = this.topOf(line);
    if (top < this.top) this.scrollTo(top);
    else if (top + ROW > this.top + this.view) this.scrollTo(top + ROW - this.view);
  }

  resize() {
    const tall = Math.min(this.height, TALLEST);
    if (tall !== this.tall) this.space.style.height = `${(this.tall = tall)}px`;
  }

  // As wide as the widest row so far, so that nothing moves sideways while rows come and go.
  widen() {
    const width = this.tops ? 0 : this.box.offsetWidth;
    if (width > (this.widest ?? 0)) this.space.style.minWidth = `${(this.widest = width)}px`;
  }

  resized() {
    this.view = this.pane.clientHeight;
    if (this.tops) this.heights = [];
    this.schedule();
  }

  scrolled() {
    const { top, tall, view } = this.last;
    const now = this.pane.scrollTop;
    const isOurs = Math.abs(now - this.placed) < 2 || tall !== this.tall || view !== this.pane.clientHeight;
    if (!isOurs) {
      this.placed = -1;
      this.centered = 0;
      if (now < top - 1) this.follow(false);
      else if (this.isGrowing && !this.chosen && now > top && now + view >= tall - 1) this.follow(true);
    }
    this.remember(now);
    this.schedule();
  }

  // ——— Drawing ———

  schedule() {
    if (this.isDue) return;
    this.isDue = true;
    if (document.hidden) setTimeout(() => this.draw(), 250);
    else requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.isDue = false;
    if (this.tops) this.measure();
    this.resize();
    if (this.isFollowing) this.scrollToEnd();
    const { top } = this;
    const shown = Math.min(MOST_ROWS, Math.ceil(this.view / ROW) + 2 * MARGIN);
    const from = Math.max(1, Math.min(this.lineAt(top) - MARGIN, this.lines - shown + 1));
    const to = Math.min(this.lines, from + shown - 1);
    this.place(from, to);
    this.box.style.top = `${this.last.top + this.topOf(from) - top}px`;
    if (this.tops && this.measureRows()) this.schedule();
    this.showNews();
    if (this.found) this.drawMarks();
  }

  // Only what changed is touched. Rows stay in order, for who selects text or hears them.
  place(from, to) {
    this.pages.keep(from, Math.max(from, to));
    for (const [line, { element }] of this.rows) {
      if (line >= from && line <= to) continue;
      element.remove();
      this.rows.delete(line);
    }
    let after = null;
    for (let line = to; line >= from; line -= 1) {
      const made = this.pages.get(line);
      const old = this.rows.get(line);
      if (old && (old.made === made || made === undefined)) {
        after = old.element;
        continue;
      }
      const element = this.build(line, made);
      if (old) old.element.replaceWith(element);
      else this.box.insertBefore(element, after);
      this.rows.set(line, { element, made });
      after = element;
    }
    if (to >= from && this.missingIn(from, to)) this.loadSoon();
  }

  missingIn(from, to) {
    for (let line = from; line <= to; line += 1) if (this.pages.get(line) === undefined) return line;
    return 0;
  }

  build(line, made) {
    const template = document.createElement("template");
    template.innerHTML = made ?? rowOf(line, "");
    const element = template.content.firstElementChild;
    if (!this.isLoaded) element.removeAttribute("id");
    if (this.found?.set.has(line)) {
      element.classList.add("hit");
      if (!this.found.isRegex) mark(element.lastElementChild, this.found);
    }
    this.dress(line, element);
    return element;
  }

  // Not before the page is loaded: the browser would move the page to the row that its address names.
  giveIds() {
    this.isLoaded = true;
    for (const [line, { element }] of this.rows) element.id = `L${line}`;
  }

  dress(line, element) {
    element.classList.toggle("sel", this.chosen !== null && line >= this.chosen.from && line <= this.chosen.to);
    element.classList.toggle("now", this.found?.lines[this.found.at] === line);
  }

  dressAll() {
    for (const [line, { element }] of this.rows) this.dress(line, element);
  }

  redraw() {
    for (const { element } of this.rows.values()) element.remove();
    this.rows.clear();
    this.schedule();
  }

  loadSoon() {
    this.loading ||= setTimeout(() => this.load(), this.rows.size && this.hasLoaded ? 40 : 0);
  }

  async load() {
    this.loading = 0;
    this.hasLoaded = true;
    const shown = [...this.rows.keys()];
    const line = this.missingIn(Math.min(...shown), Math.max(...shown));
    const last = this.missingIn((Math.floor(Math.max(...shown) / PAGE)) * PAGE + 1, Math.max(...shown));
    const wanted = [line, last].filter((one, index, all) => one && all.indexOf(one) === index);
    await Promise.all(wanted.map((one) => this.loadPage(one)));
  }

  async loadPage(line) {
    try {
      if (!(await this.pages.load(line))) return;
      this.complain("");
      if (this.pages.get(line) === undefined) await new Promise((resolve) => setTimeout(resolve, 250)); // it is growing
      this.schedule();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof TypeError)) throw error;
      this.complain("These lines could not be loaded. Bakery tries again.");
      setTimeout(() => this.schedule(), 2000);
    }
  }

  complain(text) {
    const problem = this.part("problem");
    if (problem.textContent !== text) problem.textContent = text;
    problem.hidden = !text;
  }

  // ——— Wrapping: heights are what they are seen to be ———

  wrap(on) {
    const line = this.lineAt(this.top);
    const isAtEnd = this.isFollowing;
    this.tops = on ? [] : null;
    this.heights = [];
    this.space.style.minWidth = "";
    this.widest = 0;
    this.pane.classList.toggle("wrap", on);
    this.part("wrap").setAttribute("aria-pressed", String(on));
    if (on) this.measure();
    if (!isAtEnd) this.scrollTo(this.topOf(Math.min(line, Math.max(1, this.lines))));
    this.redraw();
  }

  measure() {
    if (this.lines >= MOST_WRAPPED) return this.wrap(false);
    let top = 0;
    for (let line = 1; line <= this.lines; line += 1) {
      this.tops[line - 1] = top;
      top += this.heights[line] ?? ROW;
    }
    this.tops[this.lines] = top;
  }

  measureRows() {
    const line = this.lineAt(this.top);
    const before = this.topOf(line);
    let isChanged = false;
    for (const [n, { element, made }] of this.rows) {
      const height = element.offsetHeight;
      if (made === undefined || height === (this.heights[n] ?? ROW)) continue;
      this.heights[n] = height;
      isChanged = true;
    }
    if (!isChanged) return false;
    this.measure();
    if (this.centered) this.center(this.centered);
    else if (!this.isFollowing) this.scrollTo(this.top + this.topOf(line) - before);
    return true;
  }

  // ——— Following ———

  take(piece) {
    if (piece.to <= this.to) return; // we have it
    if (piece.from !== this.to) {
      this.pages.forget(Math.min(this.lines, piece.line + 1));
      this.rest = null;
    } else if (piece.line >= this.lines) this.rest ??= "";
    else if (this.rest === null) this.pages.forget(piece.line + 1);
    this.to = piece.to;
    this.root.dataset.to = piece.to;
    const texts = piece.text.split("\n");
    const first = Math.max(0, texts.length - 2 * PAGE); // earlier ones are asked for when they are looked at
    if (first && this.rest !== null) this.pages.forget(piece.line + 1, piece.line + 1);
    for (let index = first; index < texts.length; index += 1) {
      this.takeLine(piece.line + 1 + index, texts[index], { isFirst: index === 0, hasEnded: index < texts.length - 1 });
    }
    this.lines = Math.max(this.lines, piece.line + texts.length - (texts.at(-1) || this.rest ? 0 : 1));
    this.part("none").hidden = this.lines > 0;
    this.schedule();
  }

  takeLine(line, text, { isFirst, hasEnded }) {
    const isKnown = !isFirst || this.rest !== null;
    const whole = isFirst ? `${this.rest ?? ""}${text}` : text;
    const [html, look] = drawn(whole.slice(0, LONGEST), this.look);
    if (isKnown && (whole || hasEnded)) {
      const more = whole.length > LONGEST ? '<i class="cut-note"> … this line is longer: the raw log has all of it</i>' : "";
      this.pages.put(line, rowOf(line, html + more));
    }
    if (hasEnded) {
      this.rest = "";
      this.look = look;
    } else if (isKnown) {
      const state = whole.lastIndexOf("\r", whole.length - 2) + 1; // what was written over is not needed
      this.rest = whole.length > LONGEST && state ? whole.slice(state) : whole.slice(0, LONGEST + 1);
    }
  }

  async askWhetherItEnded() {
    const answer = await fetch(`${this.pages.url}?${new URLSearchParams({ from: 1, count: 0 })}`);
    if (!answer.ok || answer.headers.get("x-log-growing") === "1" || !this.isGrowing) return;
    this.isGrowing = false;
    const lines = Number(answer.headers.get("x-log-lines"));
    if (lines > this.lines) this.lines = lines;
    this.part("follow-log").hidden = true;
    this.follow(false);
    this.say(`The log is complete: ${plural(this.lines, "line")}.`);
  }

  follow(on) {
    if (on && !this.isGrowing) on = false;
    if (on === this.isFollowing) return;
    this.isFollowing = on;
    this.seen = this.lines;
    this.part("follow-log").setAttribute("aria-pressed", String(on));
    if (this.isGrowing) this.say(on ? "Following." : "Not following any more.");
    this.schedule();
  }

  toEnd(on) {
    this.follow(on);
    this.scrollToEnd();
    this.schedule();
  }

  scrollToEnd() {
    this.scrollTo(this.height - this.view);
  }

  showNews() {
    const news = this.isFollowing ? 0 : this.lines - this.seen;
    const pill = this.part("news");
    pill.hidden = !this.isGrowing || news < 1;
    if (!pill.hidden) pill.querySelector("span").textContent = plural(news, "new line");
  }

  // ——— Choosing lines ———

  clicked(event) {
    if (!event.target.matches(".ln > a") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.choose(Number(event.target.textContent), event.shiftKey);
  }

  choose(line, extend = false) {
    const start = extend && this.chosen ? this.chosen.start : line;
    this.select({ start, end: line, from: Math.min(start, line), to: Math.max(start, line) });
    history.replaceState(history.state, "", this.hash);
    this.say(this.chosenWords);
  }

  get hash() {
    const { from, to } = this.chosen;
    return from === to ? `#L${from}` : `#L${from}-L${to}`;
  }

  get chosenWords() {
    const { from, to } = this.chosen;
    return from === to ? `Line ${number(from)}` : `Lines ${number(from)}–${number(to)}`;
  }

  select(chosen) {
    this.chosen = chosen;
    this.dressAll();
    this.part("chosen").hidden = !chosen;
    if (!chosen) return;
    this.follow(false);
    this.part("chosen-lines").textContent = this.chosenWords;
    this.part("copy-link").dataset.copy = `${location.origin}${location.pathname}${location.search}${this.hash}`;
    this.readChosen(chosen);
  }

  unselect() {
    this.select(null);
    history.replaceState(history.state, "", location.pathname + location.search);
  }

  async readChosen(chosen) {
    const button = this.part("copy-text");
    button.disabled = true;
    if (chosen.to - chosen.from >= MOST_COPIED) return;
    const texts = [];
    for (let line = chosen.from; line <= chosen.to && this.chosen === chosen; line += 1) {
      if (this.pages.get(line) === undefined) await this.loadPage(line);
      if (this.pages.get(line) === undefined) return;
      const template = document.createElement("template");
      template.innerHTML = this.pages.get(line);
      texts.push(template.content.firstElementChild.lastElementChild.textContent);
    }
    if (this.chosen !== chosen) return;
    button.dataset.copy = texts.join("\n");
    button.disabled = false;
  }

  // True if the address names lines of this log.
  goToAddress() {
    const found = /^#L(\d{1,12})(?:-L(\d{1,12}))?$/.exec(location.hash);
    if (!found) return false;
    const [one, other] = [Number(found[1]), Number(found[2] ?? found[1])].map((line) => Math.max(1, Math.min(line, this.lines)));
    if (!this.lines) return false;
    this.select({ start: one, end: other, from: Math.min(one, other), to: Math.max(one, other) });
    this.center(this.chosen.from);
    return true;
  }

  keyed(event) {
    const isSearch = event.key === "/" || ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "f");
    if (isSearch && !event.altKey) {
      event.preventDefault();
      event.stopPropagation(); // the page has a search of its own
      this.part("search").focus();
      this.part("search").select();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) this.moveChosen(by, event.shiftKey);
    else if (event.key === "End") this.toEnd(true);
    else if (event.key === "Home") this.follow(false) || this.scrollTo(0);
    else if (event.key === "Escape" && this.chosen) this.unselect();
    else {
      if (event.key === "PageUp") this.follow(false);
      return;
    }
    event.preventDefault();
  }

  moveChosen(by, extend) {
    if (!this.lines) return;
    const first = this.lineAt(this.top + ROW - 1);
    const from = this.chosen?.end ?? (by > 0 ? first - 1 : Math.min(this.lines, this.lineAt(this.top + this.view - ROW)) + 1);
    const line = Math.max(1, Math.min(this.lines, from + by));
    this.choose(line, extend);
    this.reveal(line);
  }

  // ——— Searching ———

  switchWay(button) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    this.find();
  }

  searchKeyed(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      if (this.isSearched()) this.step(event.shiftKey ? -1 : 1);
      else this.find();
    } else if (event.key === "Escape") {
      event.preventDefault();
      this.part("search").value = "";
      this.find();
      this.pane.focus({ preventScroll: true });
    }
  }

  get wanted() {
    const isOn = (name) => this.part(name).getAttribute("aria-pressed") === "true";
    return { text: this.part("search").value, isRegex: isOn("regex"), matchesCase: isOn("case") };
  }

  isSearched() {
    const { text, isRegex, matchesCase } = this.wanted;
    const { found } = this;
    return found?.text === text && found.isRegex === isRegex && found.matchesCase === matchesCase;
  }

  findSoon(after) {
    clearTimeout(this.finding);
    this.finding = setTimeout(() => this.isSearched() || this.find(), after);
  }

  async find() {
    clearTimeout(this.finding);
    this.searching?.abort();
    const { wanted } = this;
    this.found = null;
    this.complain("");
    if (!wanted.text) return this.showFound();
    this.part("hits").textContent = "…";
    this.searching = new AbortController();
    const query = new URLSearchParams({ q: wanted.text, regex: Number(wanted.isRegex), case: Number(wanted.matchesCase) });
    try {
      const options = { headers: { accept: "application/json" }, signal: this.searching.signal };
      const answer = await fetch(`${this.searchUrl}?${query}`, options);
      const said = await answer.json();
      if (!answer.ok) {
        this.showFound();
        this.complain(said.detail ?? said.title);
        return;
      }
      this.found = { ...wanted, lines: said.lines, set: new Set(said.lines), searched: said.searched, isComplete: said.is_complete, at: 0 };
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof TypeError)) throw error;
      this.showFound();
      this.complain("Bakery could not be reached. Press Enter to search again.");
      return;
    }
    const from = this.chosen?.from ?? this.lineAt(this.top);
    this.found.at = Math.max(0, this.found.lines.findIndex((line) => line >= from));
    this.showFound();
    this.step(0);
  }

  step(by) {
    const count = this.found?.lines.length;
    if (!count) return;
    this.found.at = (this.found.at + by + count) % count;
    this.follow(false);
    this.center(this.found.lines[this.found.at]);
    this.dressAll();
    this.showHits();
  }

  showFound() {
    this.redraw();
    this.showHits();
    this.drawMarks();
    const { found } = this;
    if (found && !found.isComplete && found.lines.length < MOST_MATCHES) {
      this.complain(`The search took too long and ended at line ${number(found.searched)}.`);
    }
  }

  showHits() {
    const { found } = this;
    const count = found?.lines.length;
    let text = "";
    if (found) text = count ? `${number(found.at + 1)} of ${number(count)}${found.isComplete ? "" : "+"}` : "No match";
    this.part("hits").textContent = text;
    if (found) this.say(text);
  }

  drawMarks() {
    const { found, lines } = this;
    this.marks?.remove();
    this.marks = null;
    if (!found?.lines.length) return;
    const made = (name, values) => {
      const element = document.createElementNS("http:" + "//www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
      return element;
    };
    this.marks = made("svg", { class: "log-marks", viewBox: "0 0 4 300", preserveAspectRatio: "none", "aria-hidden": "true" });
    const at = (line) => Math.round(((line - 1) / lines) * 298);
    for (const y of new Set(found.lines.map(at))) this.marks.append(made("rect", { y, width: 4, height: 1.5 }));
    this.marks.append(made("rect", { class: "now", y: at(found.lines[found.at]), width: 4, height: 2 }));
    this.pane.after(this.marks);
  }
}

// Marks a text wherever it is, also across colours.
function mark(element, { text, matchesCase }) {
  const fold = (words) => (matchesCase ? words : words.toLowerCase());
  const whole = fold(element.textContent);
  const wanted = fold(text);
  if (whole.length !== element.textContent.length) return; // some letters are longer in lower case
  const places = [];
  for (let at = whole.indexOf(wanted); at >= 0 && places.length < 100; at = whole.indexOf(wanted, at + wanted.length)) places.unshift(at);
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.unshift(walker.currentNode);
  let end = whole.length;
  for (const node of nodes) {
    const start = end - node.data.length;
    for (const place of places) {
      const from = Math.max(place, start) - start;
      const to = Math.min(place + wanted.length, end) - start;
      if (from >= to) continue;
      const middle = node.splitText(from);
      middle.splitText(to - from);
      const made = document.createElement("mark");
      middle.replaceWith(made);
      made.append(middle);
    }
    end = start;
  }
}

for (const root of document.querySelectorAll("[data-viewer]")) new Viewer(root);
