"""The three ways in which nginx stands on a machine, as data: where its files are and how it is told."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from bakery.commands import nginx
from bakery.commands.command import Command, command
from bakery.commands.nginx import Listen
from bakery.model.names import Port
from bakery.nodes.folders import NodeFolders

SYSTEM_PORT = Port(80)
OWN_PORT = Port(8080)


@dataclass(frozen=True, slots=True)
class NginxLayout:
    """`files` are written before nginx starts. `settings` is the one among them by which nginx reads the sites."""

    listen: Listen
    sites: PurePosixPath
    logs: PurePosixPath
    settings: PurePosixPath
    pid_file: PurePosixPath
    folders: tuple[PurePosixPath, ...]
    files: tuple[tuple[PurePosixPath, str], ...]
    test: Command
    dump: Command
    start: Command
    reload: Command


def system_nginx(program: str, main_file: PurePosixPath, folders: NodeFolders, *, on_ipv6: bool) -> NginxLayout:
    """The machine's nginx as its package runs it, by systemd."""
    return _machines_nginx(
        program,
        main_file,
        folders,
        listen=Listen(SYSTEM_PORT, on_ipv6=on_ipv6),
        start=command("systemctl", "enable", "--now", "nginx.service"),
        reload=command("systemctl", "reload", "nginx.service"),
    )


def daemon_nginx(program: str, main_file: PurePosixPath, folders: NodeFolders, *, on_ipv6: bool) -> NginxLayout:
    """The machine's nginx where no systemd runs it: started by us, told by signals."""
    return _machines_nginx(
        program,
        main_file,
        folders,
        listen=Listen(SYSTEM_PORT, on_ipv6=on_ipv6),
        start=command(program),
        reload=command(program, "-s", "reload"),
    )


def own_nginx(program: str, main_file: PurePosixPath, folders: NodeFolders, listen: Listen) -> NginxLayout:
    """An nginx of our own for an ordinary user, who may neither write to /etc nor listen on port 80."""
    home = folders.nginx
    own_main_file = home / "nginx.conf"
    settings = home / "bakery.conf"
    sites = home / "bakery.d"
    text = nginx.render_own_nginx(home, settings=settings, mime_types=main_file.parent / "mime.types")
    mine = (program, "-p", home, "-c", own_main_file)
    return NginxLayout(
        listen=listen,
        sites=sites,
        logs=folders.logs,
        settings=settings,
        pid_file=home / "nginx.pid",
        folders=(home, home / "temp", sites),
        files=((settings, nginx.render_settings(sites)), (own_main_file, text)),
        test=command(*mine, "-t", "-q"),
        dump=command(*mine, "-T"),
        start=command(*mine),
        reload=command(*mine, "-s", "reload"),
    )


def _machines_nginx(
    program: str, main_file: PurePosixPath, folders: NodeFolders, *, listen: Listen, start: Command, reload: Command
) -> NginxLayout:
    sites = main_file.parent / "bakery.d"
    settings = main_file.parent / "conf.d/bakery.conf"
    return NginxLayout(
        listen=listen,
        sites=sites,
        logs=folders.logs,
        settings=settings,
        pid_file=PurePosixPath("/run/nginx.pid"),
        folders=(settings.parent, sites),
        files=((settings, nginx.render_settings(sites)),),
        test=command(program, "-t", "-q"),
        dump=command(program, "-T"),
        start=start,
        reload=reload,
    )
