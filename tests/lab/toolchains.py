"""The images that generated Dockerfiles begin with, under their usual names: made once, of Debian's packages and npm's.

No registry can be reached. What a toolchain is here is what those two have of it, so samples ask for these versions.
"""

import hashlib
import inspect
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tests.lab.docker import SOCKET, Docker
from tests.lab.errors import LabError
from tests.lab.image import RELEASE

REPOSITORY = "bakery-lab-toolchains"
_BUN, _DENO = "@oven/bun-linux-x64-baseline", "@deno/linux-x64-glibc"
_SECONDS = 900
_KNOWN_TO = ("npm", "pip", "bun", "deno")


@dataclass(frozen=True)
class Toolchain:
    """`name`: what a Dockerfile calls it. `rest`: lines of its own Dockerfile, for what the usual image sets.

    `npm`: what npm has of it, for the lab's processors, below /opt/npm in the image.
    `known_to_npm`, `known_to_bun` and the like: packages that these can install, with all that they need, though they
    reach no registry; below /opt/known-to-npm and the like.
    """

    name: str
    packages: tuple[str, ...] = ()
    rest: str = ""
    npm: tuple[str, ...] = ()
    known_to_npm: tuple[str, ...] = ()
    known_to_bun: tuple[str, ...] = ()
    known_to_deno: tuple[str, ...] = ()
    known_to_pip: tuple[str, ...] = ()

    @property
    def kept_as(self) -> str:
        """A name that changes with the recipe."""
        makers = "".join(inspect.getsource(one) for one in (_make, _fetch_what_is_known, _make_debian))
        recipe = f"{self}{makers}"
        kind = hashlib.sha256(recipe.encode()).hexdigest()[:16]
        return f"{REPOSITORY}:{self.name.replace(':', '-').replace('/', '-')}-{kind}"


DEBIAN = Toolchain(f"debian:{RELEASE}-slim")
PYTHON = Toolchain(
    "python:3.11-slim",
    ("python3", "python3-venv", "python3-pip"),
    """\
RUN rm /usr/lib/python3*/EXTERNALLY-MANAGED
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/known-to-pip
""",
    known_to_pip=("mkdocs==1.6.1",),
)
GO = Toolchain(
    f"golang:1.19-{RELEASE}",
    ("golang-go", "ca-certificates", "git"),
    'ENV GOPATH=/go PATH="/go/bin:$PATH"\nWORKDIR /go\n',
)
RUBY_SLIM = Toolchain(
    "ruby:3.1-slim",
    ("ruby", "bundler", "ruby-sinatra", "puma", "ruby-pg"),
    """\
ENV LANG=C.UTF-8 GEM_HOME=/usr/local/bundle BUNDLE_APP_CONFIG=/usr/local/bundle BUNDLE_SILENCE_ROOT_WARNING=1
ENV PATH="/usr/local/bundle/bin:$PATH"
RUN mkdir -m 1777 -p /usr/local/bundle
""",
)
RUBY = Toolchain("ruby:3.1", RUBY_SLIM.packages, RUBY_SLIM.rest)
PHP = Toolchain(
    "php:8.2-apache",
    ("apache2", "libapache2-mod-php", "php-cli", "composer"),
    r"""
ENV APACHE_CONFDIR=/etc/apache2 PHP_INI_DIR=/usr/local/etc/php
RUN ln -s /usr/share/php /usr/local/share/php
RUN mkdir -p "$PHP_INI_DIR" && touch "$PHP_INI_DIR/php.ini-production"
RUN printf '%s\n' '#!/bin/sh' '. /etc/apache2/envvars' 'exec apache2 -DFOREGROUND' >/usr/local/bin/apache2-foreground
RUN chmod +x /usr/local/bin/apache2-foreground && rm -rf /var/www/html/* && mkdir -p /var/lock/apache2 \
 && chmod 1777 /var/run/apache2 /var/lock/apache2
RUN ln -sf /dev/stderr /var/log/apache2/error.log && ln -sf /dev/stdout /var/log/apache2/access.log \
 && ln -sf /dev/stdout /var/log/apache2/other_vhosts_access.log
RUN chown --recursive --no-dereference www-data:www-data /var/log/apache2
STOPSIGNAL SIGWINCH
WORKDIR /var/www/html
CMD ["apache2-foreground"]
""",
)
# The program itself; what it needs is in the image for PHP.
COMPOSER = Toolchain("composer:2", ("composer",))
RUST = Toolchain(
    f"rust:1.63-slim-{RELEASE}",
    ("cargo", "rustc", "gcc", "libc6-dev"),
    'ENV CARGO_HOME=/usr/local/cargo PATH="/usr/local/cargo/bin:$PATH"\n',
)
NODE = Toolchain(
    "node:18-slim",
    ("nodejs", "ca-certificates"),
    """\
RUN useradd --create-home --uid 1000 node && ln -s /opt/npm/npm/bin/npm-cli.js /usr/local/bin/npm
ENV npm_config_cache=/opt/known-to-npm npm_config_offline=true
CMD ["node"]
""",
    npm=("npm@10.9.9",),
    known_to_npm=("@11ty/eleventy@3.1.2",),
)
BUN = Toolchain(
    "oven/bun:1",
    rest="""\
RUN useradd --create-home --uid 1000 bun && ln -s /opt/npm/@oven/bun-linux-x64-baseline/bin/bun /usr/local/bin/bun
ENV BUN_INSTALL_CACHE_DIR=/opt/known-to-bun
WORKDIR /home/bun/app
""",
    npm=(f"{_BUN}@1.4.5",),
    known_to_bun=(  # as bun.lock has them
        "simple-git@3.27.0",
        "@kwsites/file-exists@1.1.1",
        "@kwsites/promise-deferred@1.1.1",
        "debug@4.4.3",
        "ms@2.1.3",
    ),
)
DENO = Toolchain(
    "denoland/deno:2.9.6",
    rest="""\
ENV DENO_DIR=/deno-dir
RUN useradd --create-home --uid 1993 deno && mv /opt/known-to-deno /deno-dir \\
 && chown --recursive deno:deno /deno-dir \\
 && ln -s /opt/npm/@deno/linux-x64-glibc/deno /usr/local/bin/deno
""",
    npm=(f"{_DENO}@2.9.6",),
    known_to_deno=("npm:simple-git@3.27.0",),
)

MAVEN = Toolchain(
    "maven:3-eclipse-temurin-17",
    (
        *("default-jdk-headless", "maven", "libsurefire-java"),
        *(f"libmaven-{name}-plugin-java" for name in ("clean", "compiler", "dependency", "deploy", "install")),
        *(f"libmaven-{name}-plugin-java" for name in ("jar", "resources", "site")),
    ),
    """\
RUN echo '<settings><mirrors><mirror><id>debian</id><mirrorOf>*</mirrorOf><url>file:///usr/share/maven-repo</url>\
</mirror></mirrors></settings>' >/etc/maven/settings.xml
""",
)
GRADLE = Toolchain("gradle:4-jdk17", ("default-jdk-headless", "gradle"))
JAVA = Toolchain("eclipse-temurin:17-jre", ("default-jre-headless",))
NGINX = Toolchain(
    "nginx:1",
    ("nginx-light",),
    """\
RUN echo 'server { listen 80; root /usr/share/nginx/html; }' >/etc/nginx/sites-enabled/default
CMD ["nginx", "-g", "daemon off; error_log stderr;"]
""",
)


def ensure_toolchains(docker: Docker, wanted: Collection[Toolchain]) -> None:
    """Make what is missing, and call each by its usual name."""
    if not _is_there(docker, DEBIAN):
        _make_debian(docker)
    for one in wanted:
        if not _is_there(docker, one):
            _make(docker, one)
    for one in {DEBIAN, *wanted}:
        docker.run("tag", one.kept_as, one.name)


def _is_there(docker: Docker, one: Toolchain) -> bool:
    return docker.attempt("image", "inspect", one.kept_as).returncode == 0


def _make_debian(docker: Docker) -> None:
    with tempfile.TemporaryDirectory() as work:
        root, archive = f"{work}/root", f"{work}/root.tar"
        _call("unshare", "--mount", "debootstrap", "--variant=minbase", RELEASE, root)
        _call("tar", "-C", root, "--exclude=./var/cache/apt/archives/*.deb", "-cf", archive, ".")
        docker.run("import", archive, DEBIAN.kept_as, timeout=_SECONDS)


def _make(docker: Docker, one: Toolchain) -> None:
    apt = "DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends"
    packages = f"RUN apt-get update && {apt} {' '.join(one.packages)} && apt-get clean\n" if one.packages else ""
    with tempfile.TemporaryDirectory() as context:
        modules = Path(context) / "node_modules"
        modules.mkdir()
        if one.npm:
            # By this machine's npm, which knows the way out: there are no certificates in the image.
            _call("npm", "install", "--prefix", context, "--no-save", "--ignore-scripts", *one.npm)
        _fetch_what_is_known(one, Path(context))
        copied = "COPY node_modules /opt/npm\n"
        copied += "".join(f"COPY known-to-{name} /opt/known-to-{name}\n" for name in _KNOWN_TO)
        recipe = f"FROM {DEBIAN.kept_as}\n{packages}{copied}{one.rest}"
        done = build(docker, recipe.encode(), "--network=host", f"--tag={one.kept_as}", "--file=-", context)
    if done.returncode != 0:
        raise LabError(f"The lab's {one.name} cannot be made:\n{done.stdout.decode(errors='replace')[-2000:]}")


def _fetch_what_is_known(one: Toolchain, context: Path) -> None:
    """Each by its own tool, into a folder that is there in any case."""
    known = {name: context / f"known-to-{name}" for name in _KNOWN_TO}
    for folder in known.values():
        folder.mkdir()
    project, programs = str(context / "project"), context / "node_modules"
    if one.known_to_pip:
        _call(sys.executable, "-m", "pip", "download", "--dest", str(known["pip"]), *one.known_to_pip)
    if one.known_to_npm:
        options = ("--prefix", project, "--cache", str(known["npm"]), "--no-save", "--ignore-scripts")
        _call("npm", "install", *options, *one.known_to_npm)
    if one.known_to_bun:
        Path(project).mkdir()
        here = f"BUN_INSTALL_CACHE_DIR={known['bun']}"
        _call("env", here, str(programs / _BUN / "bin/bun"), "add", "--cwd", project, *one.known_to_bun)
    if one.known_to_deno:
        program = context / "needs.ts"
        program.write_text("".join(f'import "{name}";\n' for name in one.known_to_deno))
        _call("env", f"DENO_DIR={known['deno']}", str(programs / _DENO / "deno"), "cache", str(program))


def build(docker: Docker, stdin: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["env", "DOCKER_BUILDKIT=1", docker.client, "--host", SOCKET, "build", "--progress=plain", *arguments],
        input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_SECONDS, check=False,
    )  # fmt: skip


def _call(*argv: str) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        raise LabError(f"{argv[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
