"""Small real apps that say “one”, as Bakery finds, builds and starts them: with the Dockerfile that it writes.

Most are servers; a site is files that nginx hands out, and a program without a port says it and ends.
"""

import io
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bakery.stacks.plan import BuildPlan, GeneratedDockerfile
from tests.lab import toolchains
from tests.lab.docker import Docker
from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.toolchains import Toolchain
from tests.stacks.trees import Files, plan_of
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Sample:
    """`source`: the file that says “one”. `locks`: what its own tool writes before the app is found, by its command.
    The name of a sample begins with its stack's.
    """

    needs: tuple[Toolchain, ...]
    files: Files
    source: str
    locks: tuple[str, ...] = ()


def _wheel() -> bytes:
    """A package to install that needs no index of packages."""
    content = io.BytesIO()
    info = "greeting-1.0.dist-info"
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("greeting.py", "def greet(name):\n    return name\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return content.getvalue()


PYTHON = """\
import http.server, os
from greeting import greet

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(greet(b"one"))

if __name__ == "__main__":
    http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
GO = """\
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "one") })
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
"""
RUST = """\
use std::io::{Read, Write};

fn main() {
    let port = std::env::var("PORT").unwrap();
    let listener = std::net::TcpListener::bind(format!("0.0.0.0:{port}")).unwrap();
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\none");
    }
}
"""
NODE = """\
const http = require("node:http");
const server = http.createServer((request, response) => response.end("one"));
server.listen(process.env.PORT, process.env.HOST);
"""
NODE_PACKAGE = '{"name": "shop", "version": "1.0.0", "private": true, "scripts": {"start": "node server.js"}}\n'
NODE_LOCK = """\
{
  "name": "shop",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "packages": {"": {"name": "shop", "version": "1.0.0"}}
}
"""
BUN_PACKAGE = """\
{
  "name": "shop",
  "private": true,
  "scripts": {"start": "bun server.ts"},
  "workspaces": ["greeting"],
  "dependencies": {"greeting": "workspace:*", "simple-git": "3.27.0"}
}
"""
# What Bun itself made of that: minutes after it read which versions there are, it would ask anew.
BUN_LOCK = Path(__file__).with_name("bun.lock").read_text()
BUN = """\
import { greet } from "greeting";
import { simpleGit } from "simple-git";

const { installed } = await simpleGit().version();
const answer = installed ? greet("one") : "there is no Git";
Bun.serve({ hostname: process.env.HOST, port: process.env.PORT, fetch: () => new Response(answer) });
process.on("SIGTERM", () => process.exit(0));
"""
DENO = """\
import { simpleGit } from "simple-git";

const { installed } = await simpleGit().version();
Deno.serve(() => new Response(installed ? "one" : "there is no Git"));
"""
DENO_JSON = """\
{
  "tasks": {"start": "deno run -A main.ts"},
  "imports": {"simple-git": "npm:simple-git@3.27.0"}
}
"""
RUBY = """\
require "pg"
require "sinatra"

set :environment, :production
get("/") { PG.library_version.positive? ? "one" : "there is no PostgreSQL" }
"""
COMPOSER = """\
{
  "name": "shop/shop",
  "require": {"shop/greeting": "*"},
  "repositories": [{"type": "path", "url": "packages/greeting"}, {"packagist.org": false}]
}
"""
GREETING_OF_PHP = """\
{"name": "shop/greeting", "version": "1.0.0", "autoload": {"files": ["greet.php"]}}
"""
CPP = """\
#include <cstdlib>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

int main() {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(std::atoi(std::getenv("PORT")));
    if (bind(listener, reinterpret_cast<sockaddr *>(&place), sizeof place) != 0 || listen(listener, 16) != 0) return 1;
    const std::string answer = "HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\none";
    for (;;) {
        char asked[4096];
        int client = accept(listener, nullptr, nullptr);
        if (read(client, asked, sizeof asked) > 0 && write(client, answer.data(), answer.size()) < 0) return 1;
        close(client);
    }
}
"""
SCHEME = """\
(use-modules (web server))

(define (answer request body)
  (values '((content-type . (text/plain))) "one"))

(run-server answer 'http
  (list #:addr INADDR_ANY #:port (string->number (getenv "PORT"))))
"""
JAVA = """\
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class Shop {
    public static void main(String[] arguments) throws Exception {
        var port = Integer.parseInt(System.getenv("PORT"));
        var server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 3);
            exchange.getResponseBody().write("one".getBytes());
            exchange.close();
        });
        server.start();
    }
}
"""
# Which of its plugins Debian has is known for all but the one for sites.
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>shop</artifactId>
  <version>1.0</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <build>
    <pluginManagement>
      <plugins>
        <plugin><artifactId>maven-site-plugin</artifactId><version>3.12.1</version></plugin>
      </plugins>
    </pluginManagement>
    <plugins>
      <plugin>
        <artifactId>maven-jar-plugin</artifactId>
        <configuration><archive><manifest><mainClass>Shop</mainClass></manifest></archive></configuration>
      </plugin>
    </plugins>
  </build>
</project>
"""
COBOL = """\
       IDENTIFICATION DIVISION.
       PROGRAM-ID. SHOP.
       PROCEDURE DIVISION.
           DISPLAY "one".
           STOP RUN.
"""
ELEVENTY_PACKAGE = """\
{"name": "site", "private": true, "scripts": {"build": "eleventy"}, "devDependencies": {"@11ty/eleventy": "3.1.2"}}
"""
SAMPLES: Mapping[str, Sample] = {
    "python": Sample(
        (toolchains.PYTHON,),
        {
            ".python-version": "3.11\n",
            "requirements.txt": "./wheels/greeting-1.0-py3-none-any.whl\n",
            "wheels/greeting-1.0-py3-none-any.whl": _wheel(),
            "app.py": PYTHON,
        },
        "app.py",
    ),
    "go": Sample((toolchains.GO,), {"go.mod": "module example.com/shop\n\ngo 1.19\n", "main.go": GO}, "main.go"),
    "ruby": Sample(
        (toolchains.RUBY, toolchains.RUBY_SLIM),
        {
            ".ruby-version": "3.1\n",
            "Gemfile": 'source "https://rubygems.org"\ngem "sinatra"\ngem "puma"\ngem "pg"\n',
            "app.rb": RUBY,
        },
        "app.rb",
        locks=("bundle", "lock", "--local"),
    ),
    "php": Sample(
        (toolchains.PHP, toolchains.COMPOSER),
        {
            ".php-version": "8.2\n",
            "composer.json": COMPOSER,
            "packages/greeting/composer.json": GREETING_OF_PHP,
            "packages/greeting/greet.php": "<?php\nfunction greet($name) { return $name; }\n",
            "public/index.php": "<?php\nrequire '../vendor/autoload.php';\necho greet('one');\n",
        },
        "public/index.php",
    ),
    "rust": Sample(
        (toolchains.RUST,),
        {
            "rust-toolchain": "1.63\n",
            "Cargo.toml": '[package]\nname = "shop"\nversion = "1.0.0"\nedition = "2021"\n',
            "Cargo.lock": 'version = 3\n\n[[package]]\nname = "shop"\nversion = "1.0.0"\n',
            "src/main.rs": RUST,
        },
        "src/main.rs",
    ),
    "node": Sample(
        (toolchains.NODE,),
        {".nvmrc": "18\n", "package.json": NODE_PACKAGE, "package-lock.json": NODE_LOCK, "server.js": NODE},
        "server.js",
    ),
    "node-program": Sample(
        (toolchains.NODE,), {".nvmrc": "18\n", "package.json": "{}\n", "server.js": NODE}, "server.js"
    ),
    "bun": Sample(
        (toolchains.BUN,),
        {
            "package.json": BUN_PACKAGE,
            "greeting/package.json": '{"name": "greeting", "version": "1.0.0", "module": "index.ts"}\n',
            "greeting/index.ts": "export const greet = (name: string) => name;\n",
            "server.ts": BUN,
            "bun.lock": BUN_LOCK,
        },
        "server.ts",
    ),
    "deno": Sample(
        (toolchains.DENO,),
        {
            ".deno-version": "2.9.6\n",
            "deno.json": DENO_JSON,
            "main.ts": DENO,
        },
        "main.ts",
        locks=("deno", "install"),
    ),
    "node-site": Sample(
        (toolchains.NODE, toolchains.NGINX),
        {
            ".nvmrc": "18\n",
            "package.json": ELEVENTY_PACKAGE,
            "_data/shop.json": '{"greeting": "one"}\n',
            "index.njk": "{{ shop.greeting }}",
        },
        "_data/shop.json",
        locks=("npm", "install", "--package-lock-only"),
    ),
    "mkdocs": Sample(
        (toolchains.PYTHON, toolchains.NGINX),
        {
            ".python-version": "3.11\n",
            "mkdocs.yml": "site_name: shop\ntheme:\n  name: null\n  custom_dir: theme\n",
            "theme/main.html": "{{ page.content | striptags }}",
            "requirements.txt": "mkdocs==1.6.1\n",
            "docs/index.md": "one\n",
        },
        "docs/index.md",
    ),
    "java": Sample(
        (toolchains.MAVEN, toolchains.JAVA),
        {"pom.xml": POM, "src/main/java/Shop.java": JAVA},
        "src/main/java/Shop.java",
    ),
    "java-gradle": Sample(
        (toolchains.GRADLE, toolchains.JAVA),
        {
            ".java-version": "17\n",
            "settings.gradle": "rootProject.name = 'shop'\n",
            "build.gradle": "plugins {\n    id 'application'\n}\n\nmainClassName = 'Shop'\n",
            "gradle/wrapper/gradle-wrapper.properties": "distributionUrl=https\\://example.com/gradle-4.4.1-bin.zip\n",
            "src/main/java/Shop.java": JAVA,
        },
        "src/main/java/Shop.java",
    ),
    "cpp": Sample(
        (),
        {
            "CMakeLists.txt": (
                "cmake_minimum_required(VERSION 3.16)\nproject(shop CXX)\nadd_executable(shop main.cpp)\n"
            ),
            "main.cpp": CPP,
        },
        "main.cpp",
    ),
    "scheme": Sample((), {"server.scm": SCHEME}, "server.scm"),
    "cobol": Sample((), {"shop.cbl": COBOL}, "shop.cbl"),
}
SITES = frozenset({"node-site", "mkdocs"})
PROGRAMS = frozenset({"cobol"})
# The toolchain of one is large, and in the lab for it alone: `scripts/test --all`.
NOW_AND_THEN = frozenset({"rust"})


@dataclass(frozen=True)
class Prepared:
    """A sample in a folder, with the Dockerfile that was written for it."""

    docker: Docker
    name: str
    folder: Path
    source: Path
    plan: BuildPlan
    image: str

    @property
    def files(self) -> Path:
        """Where the build of a site leaves what is handed out."""
        return self.folder.with_name(f"{self.folder.name}-files")

    def build(self) -> None:
        result = f"--tag={self.image}"
        if self.name in SITES:
            # Else the client makes a folder that nginx cannot read.
            self.files.mkdir(exist_ok=True)
            result = f"--output={self.files}"
        done = toolchains.build(self.docker, b"", "--network=host", result, str(self.folder))
        if done.returncode != 0:
            raise LabError(f"{self.image} cannot be built:\n{done.stdout.decode(errors='replace')[-4000:]}")

    def change(self, before: str, after: str) -> None:
        text = self.source.read_text()
        assert before in text
        self.source.write_text(text.replace(before, after))

    @contextmanager
    def running(self) -> Iterator["Running"]:
        with self._listening(self.plan.port or 0, self.image) as app:
            yield app

    @contextmanager
    def served(self) -> Iterator["Running"]:
        """A site's files, by nginx."""
        with self._listening(80, f"--volume={self.files}:/usr/share/nginx/html:ro", toolchains.NGINX.name) as app:
            yield app

    def printed(self) -> str:
        """What a program says that ends by itself."""
        return self.docker.run("run", "--rm", self.image)

    @contextmanager
    def _listening(self, listens: int, *what: str) -> Iterator["Running"]:
        port = free_port()
        name = f"{self.image}-app"
        publish = f"127.0.0.1:{port}:{listens}"
        self.docker.run("run", "--detach", f"--name={name}", f"--publish={publish}", *what)
        try:
            yield Running(self.docker, name, f"http://127.0.0.1:{port}/")
        finally:
            self.docker.run("rm", "--force", name)


@dataclass(frozen=True)
class Running:
    docker: Docker
    name: str
    address: str

    def says(self) -> str:
        """What it answers once it does."""

        def answers() -> bool:
            try:
                return httpx.get(self.address, trust_env=False, timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        try:
            wait_until(answers, what=f"{self.name} answers", seconds=30)
        except TimeoutError as error:
            raise LabError(f"{error}\n{self.log()}") from error
        return httpx.get(self.address, trust_env=False, timeout=5).text

    def log(self) -> str:
        done = self.docker.attempt("logs", self.name)
        return (done.stdout + done.stderr).decode(errors="replace")[-2000:]

    def user(self) -> str:
        return self.docker.run("exec", self.name, "id", "--user")

    def ends_when_told(self) -> bool:
        """Before the engine loses patience."""
        self.docker.run("stop", "--time=10", self.name)
        return self.docker.run("inspect", "--format={{.State.ExitCode}}", self.name) != "137"


def prepare(docker: Docker, folder: Path, name: str) -> Prepared:
    sample = SAMPLES[name]
    toolchains.ensure_toolchains(docker, sample.needs)
    files = dict(sample.files)
    _write(folder, files)
    if sample.locks:
        mounts = (f"--volume={folder}:/app", "--workdir=/app")
        docker.run("run", "--rm", *mounts, sample.needs[0].name, *sample.locks)
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    plan = plan_of(files)
    own = plan.dockerfile
    assert isinstance(own, GeneratedDockerfile)
    _write(folder, {"Dockerfile": own.text, ".dockerignore": own.ignore})
    return Prepared(docker, name, folder, folder / sample.source, plan, f"bakery-sample-{name}")


def remove_image(docker: Docker, image: str) -> subprocess.CompletedProcess[bytes]:
    return docker.attempt("image", "rm", "--force", image)


def _write(folder: Path, files: Files) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
