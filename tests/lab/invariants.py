"""What holds on a node, in the rows and in the logs, whatever happened to deployments; and what visitors noticed."""

import contextlib
import itertools
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
import psycopg
from psycopg.rows import dict_row

from tests.lab.nodes import HTTP
from tests.lab.oven import NAME, Oven
from tests.support.canaries import found_in
from tests.support.waiting import wait_until

_EVERY = 0.05  # seconds between two visits
_SETTLED_WITHIN = 60.0  # seconds
_ENDS = {"succeeded", "failed", "cancelled", "superseded", "rolled_back"}
# On the node: all that is of apps, as JSON.
_LOOK = r"""
import json, pathlib, subprocess
def told(*argv):
    return subprocess.run(argv, capture_output=True, text=True, errors="replace").stdout
def names(folder):
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
root = pathlib.Path("/var/lib/bakery/node")
homes = [home for home in sorted(root.glob("apps/*/*"))]
processes = [line.split(None, 2) for line in told("ps", "-eo", "user:40,unit:80,args").splitlines()]
ports = [int(line.split()[3].rpartition(":")[2]) for line in told("ss", "-Hltn").splitlines()]
print(json.dumps({
    "units": [line.split()[0::3][:2] for line in
              told("systemctl", "list-units", "--all", "--plain", "--no-legend", "bakery-*").splitlines()],
    "containers": [line.split() for line in
                   told("docker", "ps", "--all", "--format", "{{.Names}} {{.State}}").splitlines()],
    "images": sorted(told("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "bakery/*").split()),
    "ports": sorted({port for port in ports if 20000 <= port <= 29999}),
    "releases": {home.parent.name: names(home / "releases") for home in homes},
    "jobs": names(root / "jobs"), "uploads": names(root / "uploads"),
    "sites": {path.stem: json.loads(path.read_text()) for path in root.glob("sites/*.json")},
    "nginx": [name for name in names(pathlib.Path("/etc/nginx/bakery.d")) if name != "00-catch-all.conf"],
    "processes": [[unit, args] for user, unit, args in processes if user.startswith("bk-")],
    "words": [args for *_, args in processes], "journal": told("journalctl", "--no-pager", "--quiet", "--output=cat"),
}))
"""
_ROWS = {
    "slots": """
        SELECT apps.slug, colour, slots.state, port, releases.number, releases.runtime
        FROM slots JOIN environments ON environments.id = environment_id JOIN apps ON apps.id = app_id
        LEFT JOIN releases ON releases.id = release_id WHERE apps.deleted_at IS NULL""",
    "releases": """
        SELECT apps.slug, releases.number, build_id, releases.runtime, live_at IS NOT NULL AS was_live
        FROM releases JOIN environments ON environments.id = environment_id JOIN apps ON apps.id = app_id
        WHERE removed_at IS NULL AND apps.deleted_at IS NULL""",
    "deployments": """
        SELECT apps.slug, deployments.number, deployments.state, failure, hint, array(
            SELECT action FROM audit WHERE target_kind = 'deployment' AND target_id = deployments.id::text ORDER BY id
        ) AS audit, array(
            SELECT ARRAY[from_byte, to_byte] FROM steps
            WHERE deployment_id = deployments.id AND from_byte IS NOT NULL ORDER BY position
        ) AS steps FROM deployments JOIN apps ON apps.id = app_id WHERE apps.deleted_at IS NULL""",
    "unsealed": "SELECT count(*) AS rows FROM audit WHERE id NOT IN (SELECT audit_id FROM audit_seals)",
}


@dataclass
class Visitor:
    """Visits an app through its node's nginx, one request after another; `failed` says how each bad one ended."""

    oven: Oven
    slug: str
    visits: int = 0
    seen: str = ""
    failed: list[str] = field(default_factory=list)
    _is_excused: bool = False

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(20)
        assert self.visits > 0

    @contextlib.contextmanager
    def excused(self) -> Iterator[None]:
        """What fails meanwhile, and until it answers again, is nobody's fault."""
        self._is_excused = True
        yield
        was = self.visits
        wait_until(lambda: self.visits > was, what=f"{self.slug} answers again", seconds=90)
        self._is_excused = False

    def _visit(self) -> None:
        address = f"http://127.0.0.1:{self.oven.node.ports[HTTP]}/"
        with httpx.Client(headers={"Host": host_of(self.slug)}, trust_env=False, timeout=10) as http:
            while not self._over.wait(_EVERY):
                try:
                    answer = http.get(address, headers={"Connection": "close"})
                except httpx.HTTPError as error:
                    self._note(repr(error))
                else:
                    self.seen = answer.text
                    self._note("" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:80]}")

    def _note(self, trouble: str) -> None:
        if not trouble:
            self.visits += 1
        elif not self._is_excused:
            self.failed.append(trouble)


def host_of(slug: str) -> str:
    return f"{slug}.{NAME}.localhost"


def expect_invariants(oven: Oven, canaries: Mapping[str, str], *visitors: Visitor) -> None:
    """Within a minute all is as it should be, and no visitor was turned away."""
    wrong: list[str] = ["nobody looked"]

    def is_well() -> bool:
        wrong[:] = what_is_wrong(oven, canaries)
        return not wrong

    with contextlib.suppress(TimeoutError):
        wait_until(is_well, what="all is as it should be", seconds=_SETTLED_WITHIN)
    turned_away = {visitor.slug: visitor.failed for visitor in visitors if visitor.failed}
    assert not wrong, wrong
    assert not turned_away, turned_away


def what_is_wrong(oven: Oven, canaries: Mapping[str, str]) -> list[str]:
    """A sentence for each thing that is not as it should be."""
    try:
        rows = _rows(oven)
    except psycopg.OperationalError as error:
        return [f"the database does not answer: {error}"]
    node = json.loads(oven.node.run("python3", "-", stdin=_LOOK.encode()))
    return [
        *_about_deployments(oven, rows),
        *_about_the_node(node, rows),
        *_about_secrets(oven, node, rows, canaries),
    ]


def _rows(oven: Oven) -> dict[str, list[dict[str, Any]]]:
    socket = oven.bakery.settings.data_dir / "postgres/socket"
    with psycopg.connect(host=str(socket), user="bakery", dbname="bakery", row_factory=dict_row) as connection:
        return {name: connection.execute(query.encode()).fetchall() for name, query in _ROWS.items()}


def _about_deployments(oven: Oven, rows: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Each is over, with a cause, is in the audit once, and its log has no gap."""
    for row in rows["deployments"]:
        named = f"{row['slug']} #{row['number']}"
        if row["state"] not in _ENDS:
            yield f"{named} is {row['state']}"
            continue
        if row["state"] in {"failed", "rolled_back"} and not (row["failure"] and row["hint"]):
            yield f"{named} does not say why, or not what to do: {row['failure']!r}, {row['hint']!r}"
        told = Counter(action.partition(".")[2] for action in row["audit"])
        ends = [end for end in ("succeeded", "failed", "cancelled", "superseded") for _ in range(told[end])]
        if len(ends) != 1 or ends[0] not in {row["state"], "succeeded"}:
            yield f"{named} is {row['state']}, and the audit says {row['audit']}"
        parts = row["steps"]
        if any(to is None or after != to for (_, to), (after, _) in itertools.pairwise(parts)):
            yield f"the log of {named} has a gap: {parts}"
    if rows["unsealed"][0]["rows"]:
        yield f"{rows['unsealed'][0]['rows']} lines of the audit are not sealed"


def _about_the_node(node: Mapping[str, Any], rows: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    """There is what the rows say, and nothing else."""
    slugs = {row["slug"] for row in rows["slots"]}
    live = {slug: [row for row in rows["slots"] if row["slug"] == slug and row["state"] == "live"] for slug in slugs}
    yield from (f"{slug} has {len(slots)} live slots" for slug, slots in live.items() if len(slots) != 1)
    odd = [(row["slug"], row["colour"], row["state"]) for row in rows["slots"] if row["state"] not in {"live", "idle"}]
    yield from (f"{slug}'s {colour} slot is {state}" for slug, colour, state in odd)
    slots = [row for found in live.values() for row in found]
    named = {f"bakery-{row['slug']}-production-{row['colour']}": row["runtime"] for row in slots}
    yield from _compare(
        "units",
        sorted(map(tuple, node["units"])),
        sorted((f"{name}.service", "running") for name, runtime in named.items() if runtime == "process"),
    )
    yield from _compare(
        "containers",
        sorted(map(tuple, node["containers"])),
        sorted((name, "running") for name, runtime in named.items() if runtime == "docker"),
    )
    yield from _compare("ports", node["ports"], sorted(row["port"] for row in slots))
    yield from _compare("jobs", node["jobs"], [])
    yield from _compare("uploads", node["uploads"], [])
    yield from _compare("files of nginx", node["nginx"], sorted(f"{slug}-production.conf" for slug in slugs))
    yield from _compare(
        "sites",
        {name: (site["slot"], site["port"], site["release"]) for name, site in node["sites"].items()},
        {f"{row['slug']}-production": (row["colour"], row["port"], row["number"]) for row in slots},
    )
    yield from _compare(
        "releases",
        node["releases"],
        {
            slug: sorted(
                str(row["number"]) for row in rows["releases"] if row["slug"] == slug and row["runtime"] == "process"
            )
            for slug in slugs
        },
    )
    yield from _compare(
        "images",
        node["images"],
        sorted({f"bakery/{row['slug']}:{row['build_id']}" for row in rows["releases"] if row["runtime"] == "docker"}),
    )
    yield from (
        f"a process runs on: {args} in {unit}"
        for unit, args in node["processes"]
        if unit.removesuffix(".service") not in named
    )


def _compare(what: str, found: object, wanted: object) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: there are {found}, and there should be {wanted}"


def _about_secrets(
    oven: Oven, node: Mapping[str, Any], rows: Mapping[str, list[dict[str, Any]]], canaries: Mapping[str, str]
) -> Iterator[str]:
    """They are nowhere that people look."""
    last: dict[str, int] = {}
    for row in rows["deployments"]:
        last[row["slug"]] = max(last.get(row["slug"], 0), row["number"])
    places = {"a command line on the node": "\n".join(node["words"]), "the node's journal": node["journal"]}
    places["Bakery's own log"] = oven.bakery.said()
    for slug, number in last.items():
        answer = oven.http.get(f"/api/apps/{slug}/deployments/{number}/log")
        places[f"the log of {slug} #{number}"] = answer.text
    for place, text in places.items():
        yield from (f"{name} is in {place}" for name in found_in(text, canaries))
    yield from re.findall(r"(?m)^Traceback.*", places["Bakery's own log"])
