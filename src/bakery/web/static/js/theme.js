// Runs before the first paint: no flash of the other theme. A choice made on this device stands before the saved one.
(() => {
  const root = document.documentElement;
  const chosen = document.cookie.match(/(?:^|; )bakery_theme=(light|dark)/);
  if (chosen) root.dataset.theme = chosen[1];

  const remember = (theme, seconds) => {
    document.cookie = `bakery_theme=${theme}; path=${root.dataset.prefix}; max-age=${seconds}; samesite=lax`;
  };

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-next]")) return;
    const isDark = getComputedStyle(root).colorScheme === "dark" || (root.dataset.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = isDark ? "light" : "dark";
    remember(root.dataset.theme, 31536000);
  });

  // Whoever saves a preference wants it here too.
  document.addEventListener("submit", (event) => event.target.elements.theme && remember("", 0));
})();
