// The menu on small screens opens by its address (#nav) alone. This keeps it out of the history, and moves the focus.
const side = document.getElementById("nav");
const openers = document.querySelectorAll('a[href="#nav"]');

function set(open) {
  side.classList.toggle("open", open);
  if (open) side.querySelector("a, input").focus();
  else openers[0].focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href="#nav"], .side a[href="#main"], .scrim');
  if (!link) return;
  event.preventDefault();
  set(link.matches('[href="#nav"]'));
});
document.addEventListener("keydown", (event) => event.key === "Escape" && side.classList.contains("open") && set(false));
side.addEventListener("focusout", (event) => {
  if (side.classList.contains("open") && event.relatedTarget && !side.contains(event.relatedTarget)) set(false);
});
