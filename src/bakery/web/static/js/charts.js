// A line through all charts of a page at the step that is pointed at, touched, or gone to by arrow keys. Each then says
// its value there. What is drawn is the server's, and may be replaced at any time: nothing of it is kept here.
let at = null; // the step, by its number

const two = (number) => String(number).padStart(2, "0");

function moment(card, step) {
  const when = new Date(Date.parse(card.dataset.begins) + step * card.dataset.step * 1000);
  const clock = `${two(when.getUTCHours())}:${two(when.getUTCMinutes())}`;
  return card.dataset.step < 300 ? clock : `${two(when.getUTCMonth() + 1)}-${two(when.getUTCDate())} ${clock}`;
}

function show() {
  for (const card of document.querySelectorAll("[data-charts]")) {
    for (const chart of card.querySelectorAll("[data-values]")) {
      const values = chart.dataset.values.split(" ");
      const here = chart.querySelector("[data-here]");
      here.hidden = at === null;
      const value = values[at];
      const words = value === "-" ? "nothing was heard" : `${value}${chart.dataset.unit}`;
      chart.querySelector("[data-said]").textContent = at === null ? "" : `${moment(card, at)}: ${words}`;
      if (at !== null) here.style.left = `${(100 * at) / (values.length - 1)}%`;
    }
  }
}

function goTo(step) {
  if (step === at) return;
  at = step;
  show();
}

const last = (plot) => plot.closest("[data-values]").dataset.values.split(" ").length - 1;

function pointed(event) {
  const plot = event.target.closest?.("[data-plot]");
  if (!plot) return event.type === "pointermove" && !document.activeElement.matches("[data-plot]") && goTo(null);
  const { left, width } = plot.getBoundingClientRect();
  const share = (event.clientX - left) / width;
  goTo(Math.round(Math.max(0, Math.min(1, share)) * last(plot)));
}

document.addEventListener("pointermove", pointed);
document.addEventListener("pointerdown", pointed);
document.addEventListener("focusout", (event) => event.target.matches("[data-plot]") && goTo(null));
document.addEventListener("keydown", (event) => {
  if (!event.target.matches("[data-plot]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const end = last(event.target);
  const now = at ?? end + 1;
  const steps = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: end };
  if (!(event.key in steps)) return;
  event.preventDefault();
  goTo(Math.max(0, Math.min(end, steps[event.key])));
});

document.addEventListener("htmx:afterSettle", () => at === null || show()); // a drawing that has just come
