"""`docker build` in its one form, run by Docker's client with no more power than it needs.

The client reads files that an account of Bakery's owns and may change meanwhile, so it runs as that account: what it
is led to by a link, the account may read anyway. The group of Docker's socket is its only group, and no other process
of the account has that: so none may look into it, for the kernel compares groups too before one may trace another.
What the client itself reads, secrets among it, lies on a tmpfs that no other process sees, and that is gone with the
last that does. (An ordinary user has no mounts: there it lies in a folder that only that user enters.)
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import pwd
import re
import resource
import signal
import stat
import sys
from pathlib import Path

from bakery.helper.accounts import become
from bakery.helper.build_steps import mark_of
from bakery.helper.children import words_of_child
from bakery.helper.docker_api import SOCKET, socket_group
from bakery.helper.files import make_folder, write_over
from bakery.helper.libc import LIBC, PR_SET_NO_NEW_PRIVS
from bakery.helper.processes import PATHS
from bakery.helper.programs import call, find_program
from bakery.helper.words import hinted, sentence, write_all

PRIVATE = Path("/run/bakery/build")
MARKED = ("no_proxy", "NO_PROXY")
CACHES = "BUILDKIT_CACHE_MOUNT_NS"  # only we say arguments that are orders to the builder
PREVIEW = re.compile("pr[0-9]{1,14}")  # the environment of a pull request
OWN, DOCKERFILES = "buildx", "dockerfile"
LARGEST_DOCKERFILE = 1024 * 1024
LARGEST_ANSWER = 16 * LARGEST_DOCKERFILE  # of two files, as JSON writes them
CLONE_NEWNS, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 0x20000, 2, 4, 8, 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
LAST_WITHOUT_PLUGIN = 22  # the client's last version that speaks to BuildKit itself
WITHOUT_PLUGIN = "Docker's client on this machine lacks its plugin buildx, without which it builds nothing."
PLUGIN_HINT = "Install it: apt-get install docker-buildx (Debian, Ubuntu) or docker-buildx-plugin (Docker's packages)"
PLUGINS = ("/usr/libexec", "/usr/lib", "/usr/local/libexec", "/usr/local/lib")


def build_argv(told: dict[str, object], labels: dict[str, str], key: str, files: Path = PRIVATE) -> list[str]:
    """Secrets are named, never shown: the client finds each in a file."""
    argv = ["docker", "build", "--progress", "plain", "--network", str(told["network"])]
    if told["output"] is None:
        argv += ["--tag", f"bakery/{told['app']}:{told['build']}"]
    else:
        argv += ["--output", "type=tar,dest=-"]  # it writes no file itself: see bakery.helper.built_files
    argv += ["--file", str(files / DOCKERFILES / "Dockerfile")]
    for name, value in labels.items():
        argv += ["--label", f"{name}={value}"]
    args = mapping(told["args"])
    args = {**args, **{name: f"{args[name]},{mark_of(key)}" if args.get(name) else mark_of(key) for name in MARKED}}
    if PREVIEW.fullmatch(str(told["environment"])):  # else it shares with all builds what they mount to keep
        args = {**args, CACHES: f"{told['app']}-{told['environment']}"}
    for name, value in args.items():
        argv += ["--build-arg", f"{name}={value}"]
    for number, name in enumerate(mapping(told["secrets"])):
        argv += ["--secret", f"id={name},src={files / secret_file(number)}"]
    if told["target"]:
        argv += ["--target", str(told["target"])]
    if told["no_cache"]:
        argv += ["--no-cache"]
    return [*argv, "."]


def client_environment(key: str, files: Path) -> dict[str, str]:
    """The job's key is how the client is found if we are killed. What only newer clients know, others ignore."""
    return {
        "PATH": PATHS, "LANG": "C.UTF-8", "HOME": "/nonexistent", "DOCKER_BUILDKIT": "1",
        "DOCKER_HOST": f"unix://{SOCKET}", "DOCKER_CONFIG": str(files), "BAKERY_JOB": key,
        "BUILDX_CONFIG": str(files / OWN), "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    }  # fmt: skip


def secret_file(number: int) -> str:
    return f"secret-{number}"


def mapping(value: object) -> dict[str, str]:
    """Checked before."""
    return value if isinstance(value, dict) else {}


# What the client reads.


def read_dockerfile(account: pwd.struct_passwd, home: Path, folder: str, dockerfile: str) -> tuple[str, str | None]:
    """Its text, and that of its own list of what to ignore, as the account may read them: neither leads out."""

    def tell_files() -> str:
        become(account)
        enter(home, folder)
        text = text_of(dockerfile)
        if text is None:
            sys.exit(hinted(f"There is no {dockerfile} in this folder.", "Set [build] dockerfile in bakery.toml."))
        return json.dumps([text, text_of(f"{dockerfile}.dockerignore")])

    told = words_of_child(tell_files, most=LARGEST_ANSWER, otherwise="What read the Dockerfile was ended from outside.")
    text, ignored = json.loads(told)
    return text, ignored


def enter(home: Path, folder: str) -> None:
    """As the account, and never to a place outside its home, whatever links it laid."""
    os.chdir(folder)
    if Path(home).resolve() not in Path.cwd().parents:
        sys.exit(f"The folder to build has to be below {home}, and leads elsewhere.")


def text_of(path: str) -> str | None:
    """None when there is none."""
    found = Path(path).resolve()
    if Path.cwd() not in found.parents:
        sys.exit(f"{path} leads out of the folder that is built.")
    try:
        file = os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        sys.exit(f"{path} is not a file.")
    with os.fdopen(file, "rb") as opened:
        content = opened.read(LARGEST_DOCKERFILE + 1)
    if len(content) > LARGEST_DOCKERFILE:
        sys.exit(f"{path} is longer than {LARGEST_DOCKERFILE // 1024**2} MB.")
    return content.decode(errors="replace")


def place_files(folder: Path, files: dict[str, str], group: int) -> None:
    """The client looks into the folder of the Dockerfile, so nothing else lies there; and it may write into one."""
    for name, mode in ((OWN, 0o770), (DOCKERFILES, 0o750)):
        (folder / name).mkdir()
        give(folder / name, group, mode)
    for name, content in files.items():
        write_over(folder / name, content.encode())
        give(folder / name, group, 0o440)


def give(path: Path, group: int, mode: int) -> None:
    if os.geteuid() == 0:
        os.chown(path, 0, group)
        path.chmod(mode)


def client_files(text: str, ignored: str | None, told: dict[str, object]) -> dict[str, str]:
    files = {f"{DOCKERFILES}/Dockerfile": text, "config.json": client_config(told["registries"])}
    for number, value in enumerate(mapping(told["secrets"]).values()):
        files[secret_file(number)] = value
    return files if ignored is None else {**files, f"{DOCKERFILES}/Dockerfile.dockerignore": ignored}


def client_config(registries: object) -> str:
    auths = {}
    for one in registries if isinstance(registries, list) else []:
        auths[one["host"]] = {"auth": base64.b64encode(f"{one['username']}:{one['password']}".encode()).decode()}
    return json.dumps({"auths": auths})


def make_private_folder(group: int) -> Path:
    """For us and our children alone: in a mount namespace of our own."""
    make_folder(PRIVATE.parent, 0o755)
    make_folder(PRIVATE, 0o700)
    if LIBC.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "the kernel gives no mounts of our own")
    mount("none", "/", None, MS_REC | MS_PRIVATE, "")
    mount("tmpfs", str(PRIVATE), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, f"mode=0710,gid={group},size=16m")
    return PRIVATE


def mount(source: str, target: str, kind: str | None, flags: int, options: str) -> None:
    words = (source.encode(), target.encode(), kind and kind.encode(), flags, options.encode())
    if LIBC.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[4]):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)


# The client.


def expect_client() -> str:
    """Its path."""
    program = find_program("docker")
    if program is None:
        sys.exit(hinted("There is no client of Docker on this machine.", "Install it: apt-get install docker.io"))
    return program


def expect_buildkit(program: str) -> None:
    """Asked when a build failed, for the client takes a while to tell its version: from 23 on it needs a plugin to
    speak to BuildKit, and builds nothing without."""
    found = re.search(r"(\d+)\.", call(program, "--version").output)
    has_plugin = any(os.access(f"{folder}/docker/cli-plugins/docker-buildx", os.X_OK) for folder in PLUGINS)
    if found and int(found[1]) > LAST_WITHOUT_PLUGIN and not has_plugin:
        sys.exit(hinted(WITHOUT_PLUGIN, PLUGIN_HINT))


def expect_group() -> int:
    group = socket_group()
    if os.geteuid() == 0 and group == 0:
        hint = (
            "Make the group, and start Docker anew: groupadd --system docker && systemctl restart docker.socket docker"
        )
        sys.exit(hinted("Docker's socket belongs to the group root, which gives its client too much power.", hint))
    return group


def start_client(
    program: str,
    argv: list[str],
    environment: dict[str, str],
    *,
    account: pwd.struct_passwd,
    group: int,
    home: Path,
    folder: str,
    output: int | None = None,
) -> int:
    """Its process. It speaks to our own output, but for what it puts into another one."""
    ours = os.getpid()
    client = os.fork()
    if client:
        return client
    try:
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if os.geteuid() == 0:
            os.setgroups([group])
            os.setresgid(group, group, group)
            os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
        LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != ours:
            os._exit(127)
        enter(home, folder)
        if output is not None:
            os.dup2(output, 1)
        os.execve(program, argv, environment)  # noqa: S606 - no shell, as it should be
    except (OSError, SystemExit) as error:
        write_all(2, f"{sentence(error)}\n".encode())
    finally:
        os._exit(127)
