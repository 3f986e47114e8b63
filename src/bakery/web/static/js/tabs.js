// Tabs scroll sideways on small screens: the current one is in view from the beginning, also when the window changes,
// and what goes on beyond an edge fades there.
for (const tabs of document.querySelectorAll(".tabs")) {
  const current = tabs.querySelector("[aria-current]");
  const bring = () => {
    if (current) tabs.scrollLeft = current.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
  };
  const show = () => {
    const rest = tabs.scrollWidth - tabs.clientWidth - tabs.scrollLeft;
    tabs.dataset.beyond = `${tabs.scrollLeft > 1 ? "start" : ""} ${rest > 1 ? "end" : ""}`.trim();
  };
  tabs.addEventListener("scroll", show, { passive: true });
  new ResizeObserver(() => {
    bring();
    show();
  }).observe(tabs);
}
