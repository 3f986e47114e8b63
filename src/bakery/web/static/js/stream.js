// The one connection through which changes arrive: open while the tab is seen, closed after it was hidden for 30 s, or
// as soon as another tab wants one: browsers keep six to a host over HTTP/1.1, and with all taken no page would load.
// It tells the rest of the page by the events bakery:changed and bakery:log, and with any word of the server
// by bakery:heard.
const HIDDEN_FOR = 30_000;
const FIRST_RETRY = 1_000;
const LONGEST_RETRY = 30_000;

const body = document.body;
const tabs = new BroadcastChannel(`bakery:${body.dataset.events}`);
const indicator = document.getElementById("live");
const news = document.getElementById("live-news");

let source = null;
let position = body.dataset.position;
let subscribed = "";
let retryAfter = FIRST_RETRY;
let retryTimer = 0;
let hiddenTimer = 0;
let lostAt = 0;

const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`bakery:${name}`, { detail }));

// Without topics of its own the page may not listen at all.
function topics() {
  if (!body.dataset.topics) return "";
  const found = new Set();
  for (const element of document.querySelectorAll("[data-topics], [data-live], [data-log]")) {
    const { topics = "", live = "", log } = element.dataset;
    for (const topic of `${topics} ${live}`.split(" ")) if (topic) found.add(topic);
    if (log) found.add(`log:${log}`);
  }
  return [...found].sort().join(",");
}

// Where the logs on the page stand, for streams that the last event id does not know yet.
function whereWeAre() {
  const known = new URLSearchParams(position);
  for (const { dataset } of document.querySelectorAll("[data-log]")) known.set(dataset.log, dataset.to);
  return known.toString();
}

function open() {
  close();
  subscribed = topics();
  if (!subscribed) return;
  const query = new URLSearchParams({ topics: subscribed });
  if (position) query.set("after", whereWeAre());
  tabs.postMessage("opens");
  source = new EventSource(`${body.dataset.events}?${query}`);
  source.addEventListener("hello", (event) => received(event, welcomed));
  source.addEventListener("beat", (event) => received(event, () => {}));
  source.addEventListener("changed", (event) => received(event, (data) => tell("changed", data)));
  source.addEventListener("log", (event) => received(event, (data) => tell("log", data)));
  source.onerror = lose;
}

function close() {
  clearTimeout(retryTimer);
  source?.close();
  source = null;
}

function received(event, handle) {
  if (event.lastEventId) position = event.lastEventId;
  handle(JSON.parse(event.data));
  tell("heard");
}

function welcomed() {
  retryAfter = FIRST_RETRY;
  if (lostAt) news.textContent = "Live updates are back.";
  lostAt = 0;
  show();
}

// We reconnect by hand: the browser would ask again for where this connection began, not for where it ended.
function lose() {
  close();
  if (!lostAt) news.textContent = "Live updates are lost, reconnecting.";
  lostAt ||= Date.now();
  retryTimer = setTimeout(open, retryAfter);
  retryAfter = Math.min(retryAfter * 2, LONGEST_RETRY);
  show();
}

function show() {
  const seconds = Math.round((Date.now() - lostAt) / 1000);
  indicator.dataset.state = lostAt ? "lost" : "live";
  indicator.classList.toggle("lost", lostAt > 0);
  indicator.textContent = lostAt ? `Reconnecting… last update ${seconds} s ago` : "Live";
}

tabs.onmessage = () => document.hidden && close();
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) hiddenTimer = setTimeout(close, HIDDEN_FOR);
  else if (!source) open(); // also when it was lost: whoever looks need not wait for the next attempt
});
document.addEventListener("htmx:afterSettle", () => source && topics() !== subscribed && open());
addEventListener("offline", () => source && lose());
addEventListener("online", () => document.hidden || open());
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());
setInterval(() => lostAt && show(), 1000);
if (!document.hidden) open(); // else it was opened behind another: once it is seen
