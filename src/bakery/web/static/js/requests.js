// Every request of htmx carries the CSRF token; one that fails says so, unless it only refreshed something.
document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf]").content;
});

const say = (text) => document.dispatchEvent(new CustomEvent("bakery:toast", { detail: { kind: "bad", text } }));
const isRefresh = (event) => event.detail.requestConfig?.triggeringEvent?.type === "live";

document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if (status === 401) location.reload();
  else if (!isRefresh(event)) say(`Bakery answered ${status}, and nothing was changed. Load the page again, then retry.`);
});

document.addEventListener("htmx:sendError", (event) => {
  if (!isRefresh(event)) say("Bakery could not be reached, and nothing was changed. Check the connection, then retry.");
});
