// A folder, or an archive of one, is uploaded and deployed. The folder is packed here, as a tar.gz: what is the
// repository's own business, or is installed anew anyway, stays behind.
const BLOCK = 512;
const LONGEST_NAME = 100;
const MOST = 500 * 1024 * 1024;
const LEFT_BEHIND = /(^|\/)(\.git|\.hg|\.svn|node_modules|__pycache__|\.venv)\/|(^|\/)\.DS_Store$/;
const bytes = (text) => new TextEncoder().encode(text);
const padding = (size) => new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);

function header(name, size, mode, type) {
  const block = new Uint8Array(BLOCK);
  const put = (at, text) => block.set(bytes(text), at);
  const number = (at, width, value) => put(at, value.toString(8).padStart(width - 1, "0"));
  put(0, name);
  number(100, 8, mode);
  number(108, 8, 0);
  number(116, 8, 0);
  number(124, 12, size);
  number(136, 12, 0);
  put(148, "        ");
  put(156, type);
  put(257, "ustar");
  put(263, "00");
  number(148, 7, block.reduce((sum, byte) => sum + byte, 0));
  return block;
}

// “LENGTH path=NAME\n”, where the length counts itself.
function longName(name) {
  const rest = bytes(` path=${name}\n`).length;
  let length = rest + 1;
  while (rest + String(length).length !== length) length = rest + String(length).length;
  return bytes(`${length} path=${name}\n`);
}

async function entry(file, name) {
  const isProgram = (await file.slice(0, 2).text()) === "#!"; // browsers do not tell what may be started
  const parts = [];
  if (bytes(name).length > LONGEST_NAME || bytes(name).length !== name.length) {
    const told = longName(name);
    parts.push(header("long-name", told.length, 0o644, "x"), told, padding(told.length));
  }
  const short = name.replace(/[^\x20-\x7e]/g, "_").slice(-LONGEST_NAME);
  parts.push(header(short, file.size, isProgram ? 0o755 : 0o644, "0"), file, padding(file.size));
  return parts;
}

async function packed(files) {
  const parts = [];
  for (const file of files) {
    const name = file.webkitRelativePath.split("/").slice(1).join("/");
    if (name && !LEFT_BEHIND.test(name)) parts.push(...(await entry(file, name)));
  }
  if (!parts.length) throw new Error("There is nothing to send in this folder.");
  parts.push(new Uint8Array(2 * BLOCK));
  return new Response(new Blob(parts).stream().pipeThrough(new CompressionStream("gzip"))).blob();
}

async function ask(address, body, type) {
  const csrf = document.querySelector("meta[name=csrf]").content;
  const headers = { "X-CSRF-Token": csrf, "Content-Type": type, Accept: "application/json" };
  const answer = await fetch(address, { method: "POST", headers, body });
  const told = await answer.json();
  if (!answer.ok) throw new Error([told.detail ?? told.title, told.hint].filter(Boolean).join(" "));
  return told;
}

async function upload(form, say) {
  const folder = [...form.elements.folder.files];
  const archive = form.elements.archive.files[0];
  if (!folder.length && !archive) throw new Error("Choose a folder, or an archive of one.");
  say("Packing…");
  const body = folder.length ? await packed(folder) : archive;
  if (body.size > MOST) throw new Error("An upload has at most 500 MB. Leave out what is built or installed anew.");
  say(`Uploading ${Math.ceil(body.size / 1024).toLocaleString("en")} kB…`);
  const title = folder.length ? folder[0].webkitRelativePath.split("/")[0] : archive.name;
  const { sources, deployments, page } = form.dataset;
  const joint = sources.includes("?") ? "&" : "?";
  const source = await ask(`${sources}${joint}title=${encodeURIComponent(title.slice(0, 200))}`, body, "application/gzip");
  say("Queuing…");
  const asked = await ask(deployments, JSON.stringify({ source: source.id }), "application/json");
  location.assign(page.replace("NUMBER", asked.number));
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-sources]")) return;
  event.preventDefault();
  const [said, wrong, button] = ["[role=status]", "[role=alert]", "[type=submit]"].map((one) => form.querySelector(one));
  wrong.hidden = true;
  button.disabled = true;
  try {
    await upload(form, (text) => (said.textContent = text));
  } catch (error) {
    said.textContent = "";
    wrong.lastElementChild.textContent = error instanceof TypeError ? "Bakery could not be reached. Check the connection, then retry." : error.message;
    wrong.hidden = false;
    button.disabled = false;
  }
});
