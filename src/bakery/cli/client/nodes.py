"""`bakery nodes`: the machines that apps run on."""

import subprocess
import time
from collections.abc import Callable
from typing import Annotated

import typer

from bakery.cli.client.api import Api, Body, connect, path
from bakery.cli.client.follow import follow_log
from bakery.cli.output import Json, print_done, print_facts, print_rows, say, warn, write_log
from bakery.cli.terminal import confirm
from bakery.model.errors import BadInput, CommandFailed
from bakery.model.sizes import shown_bytes

group = typer.Typer(help="The machines that apps run on.", no_args_is_help=True)
_Node = Annotated[str, typer.Argument(metavar="NODE", help="Its name.")]
_TakeOver = Annotated[bool, typer.Option("--take-over", help="The machine may belong to another Bakery.")]
_WithPostgres = Annotated[bool, typer.Option("--with-postgres", help="Install a PostgreSQL server too.")]
_INSTALL_TAKES = 1800
_WORKER_TAKES = 120
_NO_WORKER = "Does a worker of Bakery run? See: bakery doctor"
_PAUSE = 0.3


@group.command("list")
def list_nodes(*, json: Json = False) -> None:
    """List the nodes."""
    with connect() as api:
        nodes = list(api.every("/nodes"))
    columns = {"slug": "NODE", "name": "NAME", "state": "STATE", "is_watched": "WATCHED", "apps": "APPS"}
    print_rows(nodes, columns, as_json=json, empty="There is no node yet. Add one with: bakery nodes add NODE --host H")


@group.command()
def show(node: _Node, *, json: Json = False) -> None:
    """Show a node: how it is reached, what it can do, what was found when it was verified."""
    with connect() as api:
        found = api.get(path("nodes", node))
    titles = {"slug": "Node", "name": "Name", "state": "State", "is_watched": "Watched", "is_draining": "Draining"}
    reached = {
        "trouble": "Trouble",
        "trouble_hint": "What to do",
        "host": "Host",
        "port": "Port",
        "login": "User",
        "bastion": "Bastion",
        "host_key_fingerprint": "Host key",
        "other_host_key_fingerprint": "Shown instead",
        "handshake_at": "Handshake",
        "apps": "Apps",
        "public_address": "Address",
        "public_ipv6": "IPv6 address",
        "apps_domain": "Domain",
    }
    machine = {"cpus": "CPUs", "nginx": "nginx", "limits": "Limits"}
    facts = found.get("facts") or {}
    titles |= {key: title for key, title in reached.items() if found.get(key) is not None}
    titles |= {key: title for key, title in machine.items() if key in facts}
    print_facts(found if json else {**found, **facts}, titles, as_json=json)
    if not json:
        _print_checks(found)


@group.command()
def add(
    node: _Node,
    *,
    host: Annotated[str, typer.Option(help="Its host name or address.")],
    port: Annotated[int, typer.Option(help="Where its SSH server listens.")] = 22,
    user: Annotated[str, typer.Option(help="Who logs in there.")] = "bakery-agent",
    bastion: Annotated[str, typer.Option(metavar="U@H:P", help="The way there leads through this machine.")] = "",
    name: Annotated[str, typer.Option(help="How it is shown.")] = "",
    json: Json = False,
) -> None:
    """Add a node. It becomes one when its installer has run there."""
    wanted = {"slug": node, "host": host, "port": port, "user": user, "bastion": bastion, "name": name}
    with connect() as api:
        made = api.post("/nodes", wanted)
    print_done(made, f"{node} is added. Make the machine a node with: bakery nodes bootstrap {node}", as_json=json)


@group.command()
def edit(
    node: _Node,
    *,
    host: Annotated[str | None, typer.Option(help="Its host name or address.")] = None,
    port: Annotated[int | None, typer.Option(help="Where its SSH server listens.")] = None,
    user: Annotated[str | None, typer.Option(help="Who logs in there.")] = None,
    bastion: Annotated[str | None, typer.Option(metavar="U@H:P", help="The way there; empty: none.")] = None,
    name: Annotated[str | None, typer.Option(help="How it is shown.")] = None,
    apps_domain: Annotated[str | None, typer.Option(help="Its apps get their names below this domain.")] = None,
    public_address: Annotated[str | None, typer.Option(help="Its public IP address; empty: as it was found.")] = None,
    public_ipv6: Annotated[
        str | None,
        typer.Option("--public-ipv6", help="Its public IPv6 address, not the one found; empty: none."),
    ] = None,
    json: Json = False,
) -> None:
    """Change a node. What is not named stays."""
    named = {
        "host": host,
        "port": port,
        "user": user,
        "bastion": bastion,
        "name": name,
        "apps_domain": apps_domain,
        "public_address": public_address,
        "public_ipv6": public_ipv6,
    }
    wanted = {key: value for key, value in named.items() if value is not None}
    if not wanted:
        raise BadInput("Say what to change.", hint=f"Like: bakery nodes edit {node} --port 2222")
    with connect() as api:
        changed = api.patch(path("nodes", node), wanted)
    print_done(changed, f"{node} is changed.", as_json=json)


@group.command()
def verify(node: _Node, *, json: Json = False) -> None:
    """Look at everything that a node needs. The exit code says whether all is well."""
    with connect() as api:
        api.post(path("nodes", node, "verify"))
        found = _when(api, node, lambda now: not now["is_checking"], seconds=_WORKER_TAKES)
    if found["is_checking"]:
        raise CommandFailed(f"Nobody has looked at {node} yet: its check still waits.", exit_status=1, hint=_NO_WORKER)
    is_well = bool(found["checks"]) and all(check["is_well"] for check in found["checks"])
    if json:
        print_done(found, "", as_json=True)
    else:
        _print_checks(found)
    if not is_well:
        raise typer.Exit(1)


@group.command()
def drain(
    node: _Node,
    *,
    end: Annotated[bool, typer.Option("--end", help="Let new apps come to it again.")] = False,
    json: Json = False,
) -> None:
    """Let no new app come to a node. Those that are there stay."""
    with connect() as api:
        found = api.post(path("nodes", node, "undrain" if end else "drain"))
    print_done(found, f"New apps may come to {node}." if end else f"No new app comes to {node}.", as_json=json)


@group.command()
def prune(
    node: _Node,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    json: Json = False,
) -> None:
    """Take away what nobody needs on a node. Of what is not Bakery's nothing is touched."""
    with connect() as api:
        found = api.get(path("nodes", node, "disk")) if dry_run else api.post(path("nodes", node, "prune"))
    rows = [{**one, "size": shown_bytes(one["bytes"])} for one in found["leftovers"]]
    if json:
        print_done(found, "", as_json=True)
        return
    columns = {"kind": "KIND", "name": "NAME", "size": "SIZE", "why": "WHY"}
    print_rows(rows, columns, as_json=False, empty=f"There is nothing to take away on {node}.")
    for place in found["free"]:
        say(f"{shown_bytes(place['free_bytes'])} are free at {place['path']}.")
    for note in found["notes"]:
        warn(note)
    if rows:
        say(f"About {shown_bytes(found['bytes'])} {'would go' if dry_run else 'are being taken away'}.")


@group.command()
def drift(
    node: _Node,
    *,
    repair: Annotated[
        list[str] | None, typer.Option("--repair", metavar="WHAT", help="Put this right, as it is named in the list.")
    ] = None,
    repair_all: Annotated[bool, typer.Option("--repair-all", help="Put all right that Bakery can.")] = False,
    json: Json = False,
) -> None:
    """Show what a node has otherwise than Bakery wants it. With 1 it ends when something differs."""
    with connect() as api:
        if repair or repair_all:
            repairs = api.post(path("nodes", node, "repair"), {"what": repair or []})
            chosen = ", ".join(one["key"] for one in repairs["repairs"])
            print_done(
                repairs, f"Being put right: {chosen}." if chosen else "There is nothing to put right.", as_json=json
            )
            return
        found = api.get(path("nodes", node, "drift"))
    if json:
        print_done(found, "", as_json=True)
    else:
        _print_drift(node, found)
    if found["differences"]:
        raise typer.Exit(1)


@group.command("rotate-key")
def rotate_key(node: _Node, *, json: Json = False) -> None:
    """Change the key that Bakery enters a node with. The old one goes when the new one is proven."""
    with connect() as api:
        before = api.get(path("nodes", node)).get("key_public")
        api.post(path("nodes", node, "rotate-key"))
        found = _when(api, node, lambda now: not now["is_rotating"], seconds=_WORKER_TAKES)
    if found["is_rotating"]:
        hint = f"It comes when {node} can be reached. {_NO_WORKER}"
        raise CommandFailed(f"{node} still has its old key; the new one waits.", exit_status=1, hint=hint)
    if found["key_public"] == before:
        hint = f"See what it lacks: bakery nodes verify {node}"
        raise CommandFailed(f"{node} did not take a new key, and keeps its old one.", exit_status=1, hint=hint)
    print_done(found, f"{node} has a new key; the old one no longer works.", as_json=json)


@group.command("accept-key")
def accept_key(
    node: _Node,
    *,
    fingerprint: Annotated[str | None, typer.Option(help="The fingerprint that you compared, SHA256:…")] = None,
    json: Json = False,
) -> None:
    """Accept a changed host key, of a machine that was reinstalled."""
    with connect() as api:
        found = api.get(path("nodes", node))
        other = found.get("other_host_key_fingerprint")
        if other and fingerprint is None:
            warn(f"Pinned: {found['host_key_fingerprint']}\nNow:    {other}")
            confirm(f"Is the second one the host key of {node}?", yes=False, option="--fingerprint")
        done = api.post(path("nodes", node, "accept-key"), {"fingerprint": fingerprint or other or ""})
    print_done(done, f"{node} is entered with its new host key from now on.", as_json=json)


@group.command()
def repair(
    node: _Node, *, take_over: _TakeOver = False, with_postgres: _WithPostgres = False, json: Json = False
) -> None:
    """Print the line that puts everything in place on a node again."""
    bootstrap(node, only_print=True, take_over=take_over, with_postgres=with_postgres, json=json)


@group.command()
def bootstrap(
    node: _Node,
    *,
    only_print: Annotated[bool, typer.Option("--print", help="Only print the line to run on the machine.")] = False,
    ssh_user: Annotated[str, typer.Option("--ssh-user", help="Who may become root there.")] = "root",
    take_over: _TakeOver = False,
    with_postgres: _WithPostgres = False,
    json: Json = False,
) -> None:
    """Make a machine a node: run its installer there, over your own SSH."""
    with connect() as api:
        found = api.get(path("nodes", node))
        wanted = {"take_over": take_over, "with_postgres": with_postgres}
        made = api.post(path("nodes", node, "bootstrap"), wanted)
        if only_print:
            print_done(made, made["line"], as_json=json)
            return
        options = [*(["--take-over"] if take_over else []), *(["--with", "postgres"] if with_postgres else [])]
        _run_there(found, made["script"], ssh_user, options)
        api.post(path("nodes", node, "verify"))
        now = _when(api, node, lambda now: now["state"] == "online" and not now["is_checking"], seconds=_WORKER_TAKES)
    if now["state"] != "online":
        hint = now.get("trouble_hint") or _NO_WORKER
        said = now.get("trouble") or f"It is {now['state']}."
        raise CommandFailed(f"{node} is installed, but Bakery cannot use it yet. {said}", exit_status=1, hint=hint)
    print_done(now, f"{node} is online.", as_json=json)


@group.command()
def remove(
    node: _Node, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, json: Json = False
) -> None:
    """Forget a node. On the machine nothing changes; refused while apps live there."""
    with connect() as api:
        api.get(path("nodes", node))
        confirm(f"Remove {node}, with its jobs and their logs?", yes=yes)
        api.delete(path("nodes", node))
    print_done({"removed": node}, f"{node} is removed.", as_json=json)


@group.command("exec", context_settings={"ignore_unknown_options": True})
def execute(
    node: _Node,
    words: Annotated[list[str], typer.Argument(metavar="CMD…", help="After --: the command and its words.")],
    *,
    seconds: Annotated[int, typer.Option(help="Its time limit.")] = 3600,
    detach: Annotated[bool, typer.Option("--detach", help="Do not follow it.")] = False,
    json: Json = False,
) -> None:
    """Run a command on a node, as the user that Bakery logs in as. It goes on when this is interrupted."""
    with connect() as api:
        job = api.post(path("nodes", node, "jobs"), {"command": words, "seconds": seconds})
        if detach:
            print_done(job, f"Job {job['id']} on {node} is {job['state']}.", as_json=json)
            return
        where = path("nodes", node, "jobs", job["id"])
        try:
            ended = follow_log(api, where, (lambda text: typer.echo(text, nl=False, err=True)) if json else write_log)
        except KeyboardInterrupt:
            warn(
                f"Job {job['id']} goes on. Its page, where it can be cancelled: {api.url}/nodes/{node}/jobs/{job['id']}"
            )
            raise
    if json:
        print_done(ended, "", as_json=True)
    elif ended["state"] != "succeeded":
        warn(_how_it_ended(ended))
    if ended["state"] != "succeeded":
        raise typer.Exit(1)


def _when(api: Api, node: str, is_so: Callable[[Body], bool], *, seconds: float) -> Body:
    """The node as soon as it is so, or after that time."""
    deadline = time.monotonic() + seconds
    while True:
        found = api.get(path("nodes", node))
        if is_so(found) or time.monotonic() > deadline:
            return found
        time.sleep(_PAUSE)


def _how_it_ended(job: Body) -> str:
    """Its reason is a part of a sentence when the node gave it, and a whole one when we did."""
    reason = str(job["reason"])
    if not reason:
        return f"Job {job['id']} on {job['node']} is {job['state']}."
    return reason if reason.endswith(".") else f"Job {job['id']} on {job['node']} {reason}."


def _run_there(node: Body, script: str, ssh_user: str, options: list[str]) -> None:
    """With the caller's own SSH: their agent, their keys, their known hosts. The script goes through stdin."""
    way = ["-J", node["bastion"]] if node["bastion"] else []
    become = [] if ssh_user == "root" else ["sudo"]
    argv = [
        "ssh",
        *way,
        "-p",
        str(node["port"]),
        "-l",
        ssh_user,
        "--",
        node["host"],
        *become,
        "bash",
        "-s",
        "--",
        *options,
    ]
    try:
        done = subprocess.run(argv, input=script.encode(), check=False, timeout=_INSTALL_TAKES)
    except FileNotFoundError as error:
        raise CommandFailed("There is no ssh on this machine.", exit_status=127, hint="Use --print.") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(
            f"The installer did not end on {node['slug']} within {_INSTALL_TAKES // 60} minutes.",
            exit_status=1,
            hint="What it said stands above. It may be run again as often as needed.",
        ) from error
    if done.returncode != 0:
        raise CommandFailed(
            f"The installer did not come to its end on {node['slug']} (status {done.returncode}).",
            exit_status=done.returncode,
            hint="What it said stands above. It may be run again as often as needed.",
        )


def _print_drift(node: str, found: Body) -> None:
    for one in found["differences"]:
        say(f"✕ {one['key']}: {one['said']}")
        if one["path"]:
            say(f"    {one['path']}")
        for line in one["diff"]:
            say(f"    {line}")
        say(f"    {one['how']}")
    if not found["differences"]:
        say(f"Nothing on {node} is otherwise than Bakery wants it. Looked at: {found['looked_at']}.")
    for note in found["notes"]:
        warn(note)


def _print_checks(node: Body) -> None:
    for check in node.get("checks") or []:
        say(f"{'✓' if check['is_well'] else '✕'} {check['name']}: {check['said']}")
        if not check["is_well"] and check["fix"]:
            say(f"    {check['fix']}")
