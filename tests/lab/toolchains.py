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
_SECONDS = 900


@dataclass(frozen=True)
class Toolchain:
    """`name`: what a Dockerfile calls it. `rest`: lines of its own Dockerfile, for what the usual image sets.

    `npm`: what npm has of it, for the lab's processors, below /opt/npm in the image.
    `known_to_npm`, `known_to_pip`: packages that these can install, with all that they need, though they reach no
    registry.
    """

    name: str
    packages: tuple[str, ...] = ()
    rest: str = ""
    npm: tuple[str, ...] = ()
    known_to_npm: tuple[str, ...] = ()
    known_to_pip: tuple[str, ...] = ()

    @property
    def kept_as(self) -> str:
        """A name that changes with the recipe."""
        recipe = f"{self}{inspect.getsource(_make)}{inspect.getsource(_make_debian)}"
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
    ("ruby", "bundler", "ruby-sinatra", "puma"),
    """\
ENV LANG=C.UTF-8 GEM_HOME=/usr/local/bundle BUNDLE_APP_CONFIG=/usr/local/bundle BUNDLE_SILENCE_ROOT_WARNING=1
ENV PATH="/usr/local/bundle/bin:$PATH"
RUN mkdir -m 1777 -p /usr/local/bundle
""",
)
RUBY = Toolchain("ruby:3.1", RUBY_SLIM.packages, RUBY_SLIM.rest)
PHP = Toolchain(
    "php:8.2-apache",
    ("apache2", "libapache2-mod-php", "php-cli"),
    r"""
ENV APACHE_CONFDIR=/etc/apache2 PHP_INI_DIR=/usr/local/etc/php
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
WORKDIR /home/bun/app
""",
    npm=("@oven/bun-linux-x64-baseline@1.4.5",),
)
DENO = Toolchain(
    "denoland/deno:2.9.6",
    rest="""\
ENV DENO_DIR=/deno-dir
RUN useradd --create-home --uid 1993 deno && mkdir /deno-dir && chown deno:deno /deno-dir \\
 && ln -s /opt/npm/@deno/linux-x64-glibc/deno /usr/local/bin/deno
""",
    npm=("@deno/linux-x64-glibc@2.9.6",),
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
        known, wheels = Path(context) / "known", Path(context) / "wheels"
        known.mkdir()
        wheels.mkdir()
        if one.known_to_pip:
            _call(sys.executable, "-m", "pip", "download", "--dest", str(wheels), *one.known_to_pip)
        if one.known_to_npm:
            project = ("--prefix", f"{context}/project", "--cache", str(known))
            _call("npm", "install", *project, "--no-save", "--ignore-scripts", *one.known_to_npm)
        copied = "COPY node_modules /opt/npm\nCOPY known /opt/known-to-npm\nCOPY wheels /opt/known-to-pip\n"
        recipe = f"FROM {DEBIAN.kept_as}\n{packages}{copied}{one.rest}"
        done = build(docker, recipe.encode(), "--network=host", f"--tag={one.kept_as}", "--file=-", context)
    if done.returncode != 0:
        raise LabError(f"The lab's {one.name} cannot be made:\n{done.stdout.decode(errors='replace')[-2000:]}")


def build(docker: Docker, stdin: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["env", "DOCKER_BUILDKIT=1", docker.client, "--host", SOCKET, "build", "--progress=plain", *arguments],
        input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_SECONDS, check=False,
    )  # fmt: skip


def _call(*argv: str) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode != 0:
        raise LabError(f"{argv[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
