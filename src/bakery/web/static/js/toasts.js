// Short messages. Good news leaves by itself, unless somebody is reading it; an error stays until it is closed.
const SHOWN_FOR = 8000;
const region = document.getElementById("toasts");

function watch(toast) {
  if (toast.dataset.toast !== "ok") return;
  let timer = setTimeout(() => toast.remove(), SHOWN_FOR);
  const stay = () => clearTimeout(timer);
  const leave = () => {
    stay();
    timer = setTimeout(() => toast.remove(), SHOWN_FOR / 2);
  };
  toast.addEventListener("pointerenter", stay);
  toast.addEventListener("pointerleave", leave);
  toast.addEventListener("focusin", stay);
  toast.addEventListener("focusout", leave);
}

region.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast").remove());

document.addEventListener("bakery:toast", ({ detail }) => {
  const toast = document.getElementById("toast").content.firstElementChild.cloneNode(true);
  toast.dataset.toast = detail.kind;
  toast.classList.replace("ok", detail.kind);
  toast.querySelector("use").setAttribute("href", detail.kind === "ok" ? "#s-ok" : "#s-bad");
  toast.querySelector("[data-text]").textContent = detail.text;
  region.append(toast);
  watch(toast);
});

for (const toast of region.children) watch(toast);
