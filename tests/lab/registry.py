"""A registry of one name, on a node's own port 5000, which asks for a user and a password."""

from collections.abc import Mapping

from tests.lab.nodes import Node
from tests.support.waiting import wait_until

IMAGE = "127.0.0.1:5000/team/base"
USER, PASSWORD = "me", "canary-1234"
# As much of the registry's API as a pull needs. What it serves is what `docker save` wrote to stdin.
_SERVE = r"""
import base64, hashlib, http.server, io, json, sys, tarfile
saved = tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))
entries = json.load(saved.extractfile("manifest.json"))
blobs, manifests = {}, {}
def kept(name, kind):
    content = saved.extractfile(saved.getmember(name)).read()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return {"mediaType": f"application/vnd.docker.{kind}", "size": len(content), "digest": digest}
for tag, image in (word.split("=") for word in sys.argv[2:]):
    said = next(entry for entry in entries if image in entry["RepoTags"])
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": kept(said["Config"], "container.image.v1+json"),
        "layers": [kept(name, "image.rootfs.diff.tar") for name in said["Layers"]],
    }).encode()
    for name in (tag, "sha256:" + hashlib.sha256(manifest).hexdigest()):
        manifests[f"/v2/team/base/manifests/{name}"] = manifest
served = {f"/v2/team/base/blobs/{digest}": content for digest, content in blobs.items()} | manifests
allowed = "Basic " + base64.b64encode(sys.argv[1].encode()).decode()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_allowed = self.headers.get("Authorization") == allowed
        content = {"/v2/": b"{}", **served}.get(self.path) if is_allowed else b""
        self.send_response(401 if not is_allowed else 404 if content is None else 200)
        if content is None:
            content = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'
        if not is_allowed:
            self.send_header("WWW-Authenticate", 'Basic realm="lab"')
        if is_allowed and self.path in manifests:
            self.send_header("Content-Type", "application/vnd.docker.distribution.manifest.v2+json")
            self.send_header("Docker-Content-Digest", "sha256:" + hashlib.sha256(content).hexdigest())
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)
    do_HEAD = do_GET
http.server.ThreadingHTTPServer(("127.0.0.1", 5000), Handler).serve_forever()
"""


def start_registry(node: Node, images: Mapping[str, str]) -> None:
    """Serves local images under another name, by their tags there."""
    node.put("/srv/registry.py", _SERVE.encode())
    tags = " ".join(f"{tag}={image}" for tag, image in images.items())
    serve = f"docker save {' '.join(images.values())} | exec python3 /srv/registry.py {USER}:{PASSWORD} {tags}"
    node.run("systemd-run", "--quiet", "--collect", "--unit=registry", "sh", "-c", serve)

    def answers() -> bool:
        return node.attempt("curl", "--silent", "--output", "/dev/null", "http://127.0.0.1:5000/v2/").returncode == 0

    wait_until(answers, what="the registry answers", seconds=20)
