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
const AROUND = 3; // lines before and after a match that stay with it
const REQUESTS = 4; // at a time, for pages of rows
const LOOKED_AT = 300; // characters of a line, for its level

const number = (count) => count.toLocaleString("en");
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

const two = (count) => String(count).padStart(2, "0");
const tenths = (ms) => `.${Math.floor((ms % 1000) / 100)}`;

function clock(ms) {
  const at = new Date(ms);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}${tenths(ms)}`;
}

function elapsed(ms) {
  const seconds = Math.floor(ms / 1000);
  const hours = Math.floor(seconds / 3600);
  return `+${hours ? `${hours}:${two(Math.floor(seconds / 60) % 60)}` : Math.floor(seconds / 60)}:${two(seconds % 60)}${tenths(ms)}`;
}

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

// As log_levels.py has them.
const ERROR = /\b(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE|EMERG|ERR!)(?![\w-])|\b(?:[Ee]rror|[Ff]atal|panic|\w*(?:Error|Exception))(?:\[\w+\])?:|\blevel"?[=:] ?"?(?:error|fatal|critical|panic)\b|[<\[](?:error|fatal|crit|alert|emerg)[>\]]/;
const WARNING = /\b(?:WARN|WARNING)(?![\w-])|\b(?:[Ww]arn|[Ww]arning|\w+Warning)(?:\[\w+\])?:|\blevel"?[=:] ?"?warn(?:ing)?\b|[<\[]warn(?:ing)?[>\]]|\bnpm warn\b/;
const SIGNS = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#39;": "'", "&#34;": '"' };

function levelOf(html) {
  const begin = html.replace(/<[^>]*>/g, "").replace(/&(?:amp|lt|gt|#39|#34);/g, (name) => SIGNS[name]).slice(0, LOOKED_AT);
  if (ERROR.test(begin)) return " lv-error";
  return WARNING.test(begin) ? " lv-warning" : "";
}

const rowOf = (line, html, level = "") => `<div class="ln${level}" id="L${line}"><a href="#L${line}" tabindex="-1">${line}</a><span>${html}</span></div>`;

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
  keep(lines) {
    const needed = new Set(lines.map((line) => Math.floor((line - 1) / PAGE)));
    for (const at of needed) {
      const page = this.pages.get(at);
      if (page && this.pages.delete(at)) this.pages.set(at, page);
    }
    for (const at of this.pages.keys()) {
      if (this.pages.size <= MOST_PAGES) break;
      this.pages.delete(at);
    }
    for (const [at, request] of this.asked) if (!needed.has(at)) request.stop.abort();
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

// ——— When lines were written down: by pages of lines, asked for while times are shown ———

class Times {
  constructor(url) {
    this.url = url;
    this.pages = new Map(); // by number: until which line it is known, and what came when
    this.began = 0;
  }

  of(line) {
    const page = this.pages.get(Math.floor((line - 1) / PAGE));
    if (!page || line > page.until) return undefined;
    let [low, high] = [0, page.times.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (page.times[middle][0] <= line) low = middle;
      else high = middle - 1;
    }
    return page.times[low]?.[1];
  }

  async load(line, lines) {
    const at = Math.floor((line - 1) / PAGE);
    const answer = await fetch(`${this.url}?${new URLSearchParams({ from: at * PAGE + 1, count: PAGE })}`);
    if (!answer.ok) throw new TypeError(`${answer.status}`);
    const { began, times } = await answer.json();
    this.began = began;
    this.pages.set(at, { times, until: Math.min(lines, (at + 1) * PAGE) });
    for (const old of this.pages.keys()) if (this.pages.size > MOST_PAGES) this.pages.delete(old);
  }
}

// ——— The pane ———

class Viewer {
  constructor(root) {
    const part = (name) => root.querySelector(`[data-${name}]`);
    const { lines, to, linesUrl, timesUrl, searchUrl, topic } = root.dataset;
    Object.assign(this, { root, part, topic, searchUrl, pane: part("pane"), lines: Number(lines), to: Number(to) });
    this.pages = new Pages(linesUrl);
    this.times = new Times(timesUrl);
    this.kept = null; // while only matches are shown: their lines, and those around them
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
    if (innerWidth < 640 && this.count < MOST_WRAPPED) this.wrap(true);
    if (!this.goToAddress()) this.toEnd(this.isGrowing);
    this.draw();
    this.takeQuery();
  }

  takeFirstRows(first) {
    const rows = this.pane.textContent.split("\n").filter((row) => /^<div class="ln[^"]*" id=/.test(row));
    rows.forEach((row, index) => this.pages.put(first + index, row));
    this.space = document.createElement("div");
    this.box = document.createElement("div");
    this.space.className = "log-space";
    this.box.className = "log-rows";
    this.space.append(this.box);
    this.pane.replaceChildren(this.space);
  }

  listen() {
    const { pane, part, root } = this;
    const press = (name, act) => part(name).addEventListener("click", act);
    pane.addEventListener("scroll", () => this.scrolled(), { passive: true });
    pane.addEventListener("wheel", (event) => event.deltaY < 0 && this.follow(false), { passive: true });
    pane.addEventListener("mousedown", (event) => event.shiftKey && event.target.matches(".ln > a") && event.preventDefault());
    pane.addEventListener("click", (event) => this.clicked(event));
    pane.addEventListener("keydown", (event) => this.keyed(event));
    press("follow-log", () => (this.isFollowing ? this.follow(false) : this.toEnd(true)));
    press("news", () => this.toEnd(true) || pane.focus({ preventScroll: true }));
    press("wrap", () => this.wrap(!this.tops));
    press("only", () => this.keepOnly(!this.isOnly));
    press("full", () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()));
    part("full").hidden = !document.fullscreenEnabled;
    document.addEventListener("fullscreenchange", () => this.part("full").setAttribute("aria-pressed", String(!!document.fullscreenElement)));
    part("level").addEventListener("change", () => this.changeLevel());
    part("times").addEventListener("change", () => this.redraw() || this.tellAddress());
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

  get count() {
    return this.kept ? this.kept.length : this.lines;
  }

  // Places are counted from 1; without a filter they are the lines. That of a line which is not shown is the next one's.
  lineIn(place) {
    return this.kept ? this.kept[place - 1] : place;
  }

  placeOf(line) {
    if (!this.kept) return line;
    let [low, high] = [0, this.kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.kept[middle] < line) low = middle + 1;
      else high = middle;
    }
    return Math.max(1, Math.min(low + 1, this.kept.length));
  }

  get height() {
    return this.tops ? this.tops[this.count] : this.count * ROW;
  }

  topIn(place) {
    return this.tops ? this.tops[place - 1] : (place - 1) * ROW;
  }

  topOf(line) {
    return this.topIn(this.placeOf(line));
  }

  placeAt(top) {
    if (!this.tops) return Math.floor(top / ROW) + 1;
    let [low, high] = [1, this.count];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle - 1] <= top) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  lineAt(top) {
    return this.lineIn(Math.max(1, Math.min(this.placeAt(top), this.count))) ?? 1;
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
    const from = Math.max(1, Math.min(this.placeAt(top) - MARGIN, this.count - shown + 1));
    const to = Math.min(this.count, from + shown - 1);
    this.shown = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => this.lineIn(from + index));
    this.place(this.shown);
    this.box.style.top = `${this.last.top + this.topIn(from) - top}px`;
    if (this.tops && this.measureRows()) this.schedule();
    this.showNews();
    if (this.found) this.drawMarks();
  }

  // Only what changed is touched. Rows stay in order, for who selects text or hears them.
  place(lines) {
    this.pages.keep(lines);
    const wanted = new Set(lines);
    for (const [line, { element }] of this.rows) {
      if (wanted.has(line)) continue;
      element.remove();
      this.rows.delete(line);
    }
    let after = null;
    for (const line of lines.toReversed()) {
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
    if (lines.some((line) => this.pages.get(line) === undefined)) this.loadSoon();
    if (this.showsTimes) this.placeTimes(lines);
  }

  build(line, made) {
    const template = document.createElement("template");
    template.innerHTML = made ?? rowOf(line, "");
    const element = template.content.firstElementChild;
    if (!this.isLoaded) element.removeAttribute("id");
    if (this.found?.set.has(line)) {
      element.classList.add("hit");
      if (this.found.text && !this.found.isRegex) mark(element.lastElementChild, this.found);
    }
    if (this.kept && line > 1 && !this.keptSet.has(line - 1) && line !== this.kept[0]) element.classList.add("after-gap");
    if (this.showsTimes) element.lastElementChild.before(this.timeElement(line));
    this.dress(line, element);
    return element;
  }

  // ——— Times ———

  get showsTimes() {
    return this.part("times").value;
  }

  timeElement(line) {
    const element = document.createElement("time");
    element.textContent = this.timeWords(line);
    return element;
  }

  timeWords(line) {
    const at = this.times.of(line);
    if (at === undefined) return "";
    return this.showsTimes === "clock" ? clock(at) : elapsed(at - this.times.began);
  }

  // A page that we have asked for already has grown since: no need to ask more often than people read.
  placeTimes(lines) {
    if (this.timing) return;
    const missing = new Map(); // of each page the first line
    for (const line of lines) {
      const page = Math.floor((line - 1) / PAGE);
      if (this.times.of(line) === undefined && !missing.has(page)) missing.set(page, line);
    }
    if (!missing.size) return;
    const isKnown = [...missing.keys()].every((page) => this.times.pages.has(page));
    this.timing = setTimeout(() => this.loadTimes([...missing.values()].slice(0, REQUESTS)), isKnown ? 300 : 0);
  }

  async loadTimes(lines) {
    try {
      await Promise.all(lines.map((line) => this.times.load(line, this.lines)));
      for (const [shown, { element }] of this.rows) {
        const time = element.querySelector("time");
        if (time && !time.textContent) time.textContent = this.timeWords(shown);
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    } finally {
      this.timing = 0;
    }
    this.schedule();
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
    const wanted = new Map(); // of each page the first line that is missing
    for (const line of this.shown) {
      const page = Math.floor((line - 1) / PAGE);
      if (this.pages.get(line) === undefined && !wanted.has(page)) wanted.set(page, line);
    }
    await Promise.all([...wanted.values()].slice(0, REQUESTS).map((line) => this.loadPage(line)));
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
    if (this.count >= MOST_WRAPPED) return this.wrap(false);
    let top = 0;
    for (let place = 1; place <= this.count; place += 1) {
      this.tops[place - 1] = top;
      top += this.heights[this.lineIn(place)] ?? ROW;
    }
    this.tops[this.count] = top;
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
    this.showNone();
    this.schedule();
  }

  takeLine(line, text, { isFirst, hasEnded }) {
    const isKnown = !isFirst || this.rest !== null;
    const whole = isFirst ? `${this.rest ?? ""}${text}` : text;
    const [html, look] = drawn(whole.slice(0, LONGEST), this.look);
    if (isKnown && (whole || hasEnded)) {
      const more = whole.length > LONGEST ? '<i class="cut-note"> … this line is longer: the raw log has all of it</i>' : "";
      this.pages.put(line, rowOf(line, html + more, levelOf(html)));
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
    if (on && (!this.isGrowing || this.kept)) on = false;
    if (on === this.isFollowing) return;
    this.isFollowing = on;
    this.seen = this.lines;
    this.part("follow-log").setAttribute("aria-pressed", String(on));
    if (this.isGrowing) this.say(on ? "Following." : "Not following any more.");
    this.schedule();
  }

  toEnd(on) {
    if (on) this.keepOnly(false);
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
    if (this.kept && !this.keptSet.has(one)) this.keepOnly(false);
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
    else if (event.key === "End") this.toEnd(!this.kept);
    else if (event.key === "Home") this.follow(false) || this.scrollTo(0);
    else if (event.key === "Escape" && this.chosen) this.unselect();
    else {
      if (event.key === "PageUp") this.follow(false);
      return;
    }
    event.preventDefault();
  }

  moveChosen(by, extend) {
    if (!this.count) return;
    const first = this.placeAt(this.top + ROW - 1);
    const { count, chosen } = this;
    const from = chosen ? this.placeOf(chosen.end) : by > 0 ? first - 1 : Math.min(count, this.placeAt(this.top + this.view - ROW)) + 1;
    const line = this.lineIn(Math.max(1, Math.min(count, from + by)));
    this.choose(line, extend);
    this.reveal(line);
  }

  // ——— Searching ———

  switchWay(button) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    this.find();
  }

  // Choosing a level is asking for its lines only.
  changeLevel() {
    const { level, text } = this.wanted;
    if (level) this.isOnly = true;
    else if (!text) this.isOnly = false;
    this.find();
  }

  keepOnly(on) {
    if (on === this.isOnly) return;
    this.isOnly = on;
    this.filter();
    this.tellAddress();
  }

  get isOnly() {
    return this.part("only").getAttribute("aria-pressed") === "true";
  }

  set isOnly(on) {
    this.part("only").setAttribute("aria-pressed", String(on));
  }

  // Shows what is to be shown: all lines, or those that were found and what stands around them. The place stays.
  filter() {
    const { found } = this;
    const line = this.chosen?.from ?? found?.lines[found.at] ?? this.lineAt(this.top);
    const was = this.kept;
    this.kept = null;
    if (this.isOnly && found) {
      this.keptSet = new Set();
      for (const match of found.lines) {
        for (let n = Math.max(1, match - AROUND); n <= Math.min(this.lines, match + AROUND); n += 1) this.keptSet.add(n);
      }
      this.kept = [...this.keptSet];
      this.follow(false);
    }
    this.showNone();
    if (!was && !this.kept) return;
    if (this.tops) {
      this.tops = [];
      this.measure();
    }
    this.redraw();
    if (!this.isFollowing) this.center(line);
  }

  showNone() {
    const none = this.part("none");
    none.dataset.words ??= none.textContent;
    none.hidden = this.count > 0;
    none.textContent = this.lines ? "No line matches." : none.dataset.words;
  }

  // What the address says of the search and of times, so that a link shows the same; and the other way round.
  takeQuery() {
    const query = new URLSearchParams(location.search);
    this.part("search").value = query.get("q") ?? "";
    for (const name of ["case", "regex", "only"]) this.part(name).setAttribute("aria-pressed", String(query.has(name)));
    for (const name of ["level", "times"]) this.part(name).value = query.get(name) ?? "";
    for (const name of ["level", "times"]) if (this.part(name).selectedIndex < 0) this.part(name).value = "";
    if (this.wanted.text || this.wanted.level) this.find();
    if (this.showsTimes) this.redraw();
  }

  tellAddress() {
    const query = new URLSearchParams(location.search);
    const { text, level, isRegex, matchesCase } = this.wanted;
    const said = { q: text, level, times: this.showsTimes, case: matchesCase, regex: isRegex, only: this.isOnly };
    for (const [name, value] of Object.entries(said)) {
      if (value) query.set(name, value === true ? "" : value);
      else query.delete(name);
    }
    const words = query.toString().replace(/=(?=&|$)/g, "");
    history.replaceState(history.state, "", `${location.pathname}${words && `?${words}`}${location.hash}`);
    if (this.chosen) this.part("copy-link").dataset.copy = location.href;
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
    return { text: this.part("search").value, isRegex: isOn("regex"), matchesCase: isOn("case"), level: this.part("level").value };
  }

  isSearched() {
    const { wanted, found } = this;
    return found !== null && Object.keys(wanted).every((name) => found[name] === wanted[name]);
  }

  findSoon(after) {
    clearTimeout(this.finding);
    this.finding = setTimeout(() => this.isSearched() || this.find(), after);
  }

  async find() {
    clearTimeout(this.finding);
    this.searching?.abort();
    const { wanted } = this;
    const from = this.chosen?.from ?? this.lineAt(this.top);
    this.found = null;
    this.complain("");
    this.tellAddress();
    if (!wanted.text && !wanted.level) return this.showFound();
    this.part("hits").textContent = "…";
    this.searching = new AbortController();
    const query = new URLSearchParams({ q: wanted.text, regex: Number(wanted.isRegex), case: Number(wanted.matchesCase), level: wanted.level });
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
    this.filter();
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
    const { found, count } = this;
    this.marks?.remove();
    this.marks = null;
    if (!found?.lines.length) return;
    const made = (name, values) => {
      const element = document.createElementNS("http:" + "//www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
      return element;
    };
    this.marks = made("svg", { class: "log-marks", viewBox: "0 0 4 300", preserveAspectRatio: "none", "aria-hidden": "true" });
    const at = (line) => Math.round(((this.placeOf(line) - 1) / count) * 298);
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
