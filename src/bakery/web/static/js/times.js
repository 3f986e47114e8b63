// Keeps “2 min ago” true, and counts what is running. The rules are those of moments.py.
const MINUTE = 60, HOUR = 3600, DAY = 86400;

function words(seconds, at) {
  const distance = Math.abs(seconds);
  const past = seconds >= 0;
  if (distance < MINUTE) return past ? "just now" : "in a moment";
  let text;
  if (distance < HOUR) text = `${Math.floor(distance / MINUTE)} min`;
  else if (distance < DAY) text = `${Math.floor(distance / HOUR)} h`;
  else if (distance < 2 * DAY) return past ? "yesterday" : "tomorrow";
  else if (distance < 30 * DAY) text = `${past ? Math.floor(distance / DAY) : Math.round(distance / DAY)} days`;
  else return at.toISOString().slice(0, 10);
  return past ? `${text} ago` : `in ${text}`;
}

function clock(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / HOUR), Math.floor((seconds % HOUR) / MINUTE), seconds % MINUTE];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

const until = (text) => clock(Math.max(0, -since(text)));
const since = (text) => Math.round((Date.now() - new Date(text)) / 1000);
const put = (element, text) => element.textContent === text || (element.textContent = text);

function refresh() {
  for (const time of document.querySelectorAll("time[data-relative]")) put(time, words(since(time.dateTime), new Date(time.dateTime)));
}

function count() {
  for (const element of document.querySelectorAll("[data-since]")) put(element, clock(Math.max(0, since(element.dataset.since))));
}

function countDown() {
  for (const element of document.querySelectorAll("[data-until]")) put(element, until(element.dataset.until));
}

setInterval(refresh, 15_000);
setInterval(() => { count(); countDown(); }, 1000);
