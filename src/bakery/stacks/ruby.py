"""Ruby: Rails, Sinatra, anything with a config.ru, or a program."""

import re
from collections.abc import Mapping

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks.image_text import ImageText
from bakery.stacks.listening import WORKER, started
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, ProposedVariable, Said, ToolVersion
from bakery.stacks.proposals import for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.system_packages import needed_packages
from bakery.stacks.tree import Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

GEMFILE, LOCK, RACK = "Gemfile", "Gemfile.lock", "config.ru"
RAILS = "config/application.rb"
PROGRAMS = ("app.rb", "main.rb", "server.rb", "bot.rb", "index.rb", "hello.rb")
PORT = Port(3000)
_USUAL = "3.4"
_KNOWN = ("2.7", "3.0", "3.1", "3.2", "3.3", "3.4", "4.0")
_MOST_LINES = 5000
_LISTENS_AT = ("${HOST:-127.0.0.1}", f"${{PORT:-{PORT}}}")
# What a lock file brings for a program to run with, however far down; the image that builds has what is to build with.
_SYSTEM: Mapping[str, tuple[str, ...]] = {
    "pg": ("libpq5",),
    "mysql2": ("libmariadb3",),
    "ruby-vips": ("libvips42",),
    "mini_magick": ("imagemagick",),
    "rmagick": ("imagemagick",),
    "charlock_holmes": ("libicu-dev",),
    "execjs": ("nodejs",),
    "grover": ("chromium",),
    "ferrum": ("chromium",),
    "streamio-ffmpeg": ("ffmpeg",),
    "rugged": ("git",),
}
_CLIENTS: Mapping[str, tuple[str, str]] = {
    "pg": ("DATABASE_URL", "PostgreSQL"),
    "mysql2": ("DATABASE_URL", "MySQL"),
    "trilogy": ("DATABASE_URL", "MySQL"),
    "mongoid": ("MONGODB_URI", "MongoDB"),
    "redis": ("REDIS_URL", "Redis"),
    "sidekiq": ("REDIS_URL", "Redis"),
    "bunny": ("AMQP_URL", "RabbitMQ"),
}
_FRAMEWORKS: Mapping[str, str] = {
    "rails": "Rails",
    "hanami": "Hanami",
    "sinatra": "Sinatra",
    "roda": "Roda",
    "grape": "Grape",
    "padrino": "Padrino",
}
_BOTS = ("discordrb", "telegram-bot-ruby", "slack-ruby-bot")


class _Project(Struct, frozen=True):
    """`needs`: the gems that the Gemfile names; `all_needs`: those of the lock too, with the versions that it has."""

    folder: Folder
    needs: frozenset[str]
    all_needs: Mapping[str, str]
    ruby: ToolVersion
    packages: tuple[str, ...]
    port: Port | None

    @property
    def is_rails(self) -> bool:
        return self.folder.has(RAILS) and "rails" in self.all_needs


class _Start(Struct, frozen=True):
    command: AppCommand
    why: str


def find_ruby_app(folder: Folder, said: Said) -> Found | None:
    mark = folder.first(GEMFILE, RACK, *PROGRAMS)
    if mark is None:
        return None
    gems = _gems(folder.text(GEMFILE) or "")
    locked = _locked(folder.text(LOCK) or "")
    all_needs = {**dict.fromkeys(gems, ""), **locked}
    version, asked = ruby_version(folder)
    source = folder.shown(LOCK if locked else GEMFILE)
    packages, needed = needed_packages(all_needs, _SYSTEM, source=source)
    is_bot = not gems.isdisjoint(_BOTS) and gems.isdisjoint(_FRAMEWORKS) and not folder.has(RACK)
    project = _Project(folder, gems, all_needs, version, packages, None if is_bot else PORT)
    start, missing = _start(project)
    if not folder.has(GEMFILE) and start is None and not said.starts:
        return None
    command = start.command if start else None
    return Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(
            install=_install(folder),
            build=_assets(project),
            start=None if is_bot else command,
            processes={WORKER: command} if is_bot and command else {},
            release=_migrations(project),
        ),
        why=(
            f"{folder.shown(mark)} is Ruby's.",
            *asked,
            *([start.why] if start else []),
            *needed,
            *(
                [f"{folder.shown(GEMFILE)} needs a client for chats and no server: a worker without a port."]
                if is_bot
                else []
            ),
            *_told_of_assets(project),
        ),
        missing=() if start else (missing,),
        framework=next(
            (name for gem, name in _FRAMEWORKS.items() if gem in gems), "Rack" if folder.has(RACK) else None
        ),
        versions=(version, *_bundler(folder)),
        variables=(*_secrets(project), *for_clients(all_needs, _CLIENTS, source=source)),
        system_packages=packages,
        port=project.port,
        write_dockerfile=lambda final, names: _write_dockerfile(project, final, names),
    )


def _gems(text: str) -> frozenset[str]:
    lines = text.splitlines()[:_MOST_LINES]
    found = (re.match(r"""\s*gem[ (]\s*["']([\w.-]{1,80})["']""", line[:300]) for line in lines)
    return frozenset(one[1] for one in found if one)


def _locked(text: str) -> dict[str, str]:
    """The gems with their versions: four spaces before each, while what it needs itself has six."""
    lines = text.splitlines()[:_MOST_LINES]
    found = (re.fullmatch(r" {4}([\w.-]{1,80}) \(([\w.-]{1,40})\)", line) for line in lines)
    return {one[1]: one[2] for one in found if one}


def _install(folder: Folder) -> AppCommand | None:
    """On a machine the gems lie with the app, and so does what Bundler has to know."""
    if not folder.has(GEMFILE):
        return None
    return ShellText(
        "bundle config set --local path vendor/bundle && bundle config set --local without development:test"
        " && bundle install"
    )


def _start(project: _Project) -> tuple[_Start | None, str]:
    """How it starts; or the sentence that says what is missing."""
    folder, (host, port) = project.folder, _LISTENS_AT
    if project.is_rails:
        rails = 'exec env RAILS_ENV="${RAILS_ENV:-production}" bundle exec rails server'
        return _Start(ShellText(f'{rails} --binding "{host}" --port "{port}"'), f"{folder.shown(RAILS)} is Rails'."), ""
    if folder.has(RACK):
        return _start_rack(project)
    if "functions_framework" in project.needs and (function := _function(folder)):
        called = f'functions-framework-ruby --target {function} --bind "{host}" --port "{port}"'
        return _Start(
            ShellText(f"exec bundle exec {called}"),
            f"{folder.shown(PROGRAMS[0])} has the function “{function}”, which functions_framework serves.",
        ), ""
    begin = "exec bundle exec ruby" if folder.has(GEMFILE) else "exec ruby"
    if program := folder.first(*PROGRAMS):
        is_sinatra = re.search(r"""^[ \t]*require[ \t]*\(?["']sinatra["']""", folder.text(program) or "", re.MULTILINE)
        if is_sinatra:
            return _Start(
                ShellText(f'{begin} {program} -o "{host}" -p "{port}"'),
                f"{folder.shown(program)} is a program of Sinatra, which brings its server.",
            ), ""
        return _Start(
            ShellText(f"{begin} {program}"), f"{folder.shown(program)} is where Ruby programs usually begin."
        ), ""
    return None, f"Nothing says how this is started: no {RAILS}, no {RACK}, and none of {', '.join(PROGRAMS)}."


def _function(folder: Folder) -> str | None:
    """The only one that answers something, in Google's way."""
    text = folder.text(PROGRAMS[0]) or ""
    found = re.findall(r"""\bFunctionsFramework\.(?:http|cloud_event|typed)[ (]+["']([\w-]{1,60})["']""", text)
    return found[0] if len(found) == 1 else None


def _start_rack(project: _Project) -> tuple[_Start | None, str]:
    host, port = _LISTENS_AT
    servers = {
        "puma": f'puma --bind "tcp://{host}:{port}"',
        "falcon": f'falcon serve --bind "http://{host}:{port}"',
        "unicorn": f'unicorn --listen "{host}:{port}"',
        "thin": f'thin start --address "{host}" --port "{port}"',
        "passenger": f'passenger start --address "{host}" --port "{port}"',
        "rackup": f'rackup --host "{host}" --port "{port}"',
    }
    shown = project.folder.shown(RACK)
    needs = set(project.all_needs) | ({"rackup"} if re.match(r"[12]\.", project.all_needs.get("rack", "")) else set())
    for gem, command in servers.items():
        if gem in needs:
            return _Start(
                ShellText(f"exec bundle exec {command}"),
                f"{shown} is for a server of Rack, and {gem} is among what it needs.",
            ), ""
    return (
        None,
        f"{shown} is for a server of Rack, but none is among what it needs: add puma, or say how it is started.",
    )


def _assets(project: _Project) -> AppCommand | None:
    """Rails takes no secret for that; before 7.1 it has to be told one, which counts for nothing else."""
    if not project.is_rails or not {"sprockets", "sprockets-rails", "propshaft"} & set(project.all_needs):
        return None
    version = series(project.all_needs.get("rails", ""), 2)
    is_old = version is not None and tuple(map(int, version.split("."))) < (7, 1)
    dummy = "SECRET_KEY_BASE=only-for-assets" if is_old else "SECRET_KEY_BASE_DUMMY=1"
    return words("env", "RAILS_ENV=production", dummy, "bundle", "exec", "rails", "assets:precompile")


def _told_of_assets(project: _Project) -> list[str]:
    found = (
        [f"{project.folder.shown('config/database.yml')} is here, so its migrations run before a release."]
        if _migrations(project)
        else []
    )
    return [*found, *(["Its assets are compiled with the image."] if _assets(project) else [])]


def _migrations(project: _Project) -> AppCommand | None:
    if not project.is_rails or not project.folder.has("config/database.yml"):
        return None
    return words("env", "RAILS_ENV=production", "bundle", "exec", "rails", "db:prepare")


def _secrets(project: _Project) -> tuple[ProposedVariable, ...]:
    if not project.is_rails:
        return ()
    if project.folder.has("config/credentials.yml.enc"):
        shown = project.folder.shown("config/credentials.yml.enc")
        return (ProposedVariable(VariableName("RAILS_MASTER_KEY"), f"{shown} is read with it."),)
    return (
        ProposedVariable(
            VariableName("SECRET_KEY_BASE"), f"{project.folder.shown(RAILS)} is Rails', which signs with it."
        ),
    )


def ruby_version(folder: Folder) -> tuple[ToolVersion, tuple[str, ...]]:
    gemfile = _ruby_of_gemfile(folder.text(GEMFILE) or "")
    lock = re.search(r"^RUBY VERSION\n[ \t]+ruby ([0-9][\w.]{0,20})", folder.text(LOCK) or "", re.MULTILINE)
    asked = [
        line_in(folder, ".ruby-version"),
        # What Bundler chose of a range comes before the range.
        Asked(lock[1], folder.shown(LOCK)) if lock and re.match(r"[~<>=!]", gemfile) else None,
        Asked(gemfile, folder.shown(GEMFILE)) if gemfile else None,
        in_tool_versions(folder, "ruby"),
        in_mise(folder, "ruby"),
        Asked(lock[1], folder.shown(LOCK)) if lock else None,
    ]
    return chosen_version("Ruby", asked, read=_series, usual=_USUAL)


def _ruby_of_gemfile(text: str) -> str:
    """One version, or several that narrow each other: `ruby ">= 3.1", "< 3.4"`."""
    text_of_one = r"""["'][^"'\n]{1,60}["']"""
    found = re.search(rf"^[ \t]*ruby[ (][ \t]*({text_of_one}(?:[ \t]*,[ \t]*{text_of_one}){{0,3}})", text, re.MULTILINE)
    return re.sub(r"[\"']", "", found[1]) if found else ""


def _series(written: str) -> str | None:
    text = re.sub(r"p[0-9]+$", "", written)
    found = series(text, 2, prefixes="ruby-") or nearest_allowed(text, _KNOWN, usual=_USUAL)
    return found if found and re.fullmatch(r"2\.[4-7]|3\.[0-9]|4\.[0-9]", found) else None


def _bundler(folder: Folder) -> tuple[ToolVersion, ...]:
    found = re.search(r"^BUNDLED WITH\n[ \t]+([0-9]+(?:\.[0-9]+){1,2})[ \t]*$", folder.text(LOCK) or "", re.MULTILINE)
    return (ToolVersion("Bundler", found[1], folder.shown(LOCK)),) if found else ()


def _write_dockerfile(project: _Project, commands: Commands, names: tuple[VariableName, ...]) -> GeneratedDockerfile:
    folder, image = project.folder, f"ruby:{project.ruby.version}"
    caches = ("/usr/local/bundle/cache",)
    production = {"RAILS_ENV": "production"} if project.is_rails else {}
    text = ImageText(folder.present(GEMFILE, LOCK) or ("its files",), ignores=("vendor/bundle", "log/*", "tmp/*"))
    text.comment(
        "The whole image builds, with the compilers and libraries that gems are made with; the small one runs."
    )
    text.stage("build", image)
    text.arguments(names)
    runs_scripts = ["nodejs"] if "execjs" in project.all_needs else []
    text.packages(*(["nodejs", "npm"] if _needs_node(project) else runs_scripts))
    frozen = {"BUNDLE_FROZEN": "true"} if folder.has(LOCK) else {}
    text.env(**production, BUNDLE_WITHOUT="development:test", **frozen)
    if _needs_node(project) and folder.has("yarn.lock"):
        text.run(words("npm", "install", "--global", "yarn"))
    if commands.install == _install(folder) and commands.install:
        if is_alone := not re.search(r"\b(?:path|gemspec|eval_gemfile)\b", folder.text(GEMFILE) or ""):
            first = folder.present(GEMFILE, LOCK, ".ruby-version")
            text.copy(*first, comment="Before the sources: installed anew only when these files change.")
        else:
            text.copy(".")
        text.run(words("bundle", "install"), caches=caches)
        if is_alone:
            text.copy(".")
    else:
        text.copy(".")
        text.run(commands.install)
    text.build(commands.build)
    text.test(commands.test)
    text.stage("", f"{image}-slim")
    text.packages(*project.packages)
    text.new_user()
    text.copy_built("/usr/local/bundle", "/usr/local/bundle")
    text.copy_built("/app", owner="app")
    logged = {"RAILS_LOG_TO_STDOUT": "1", "RAILS_SERVE_STATIC_FILES": "1"} if project.is_rails else {}
    text.env(**production, **logged, BUNDLE_WITHOUT="development:test")
    text.serve(started(commands), port=project.port, user="app")
    return text.done()


def _needs_node(project: _Project) -> bool:
    return project.folder.has("package.json") and bool(
        {"jsbundling-rails", "cssbundling-rails", "webpacker", "shakapacker", "vite_rails"} & set(project.all_needs)
    )


STACK = Stack(
    "ruby",
    find_ruby_app,
    marks=(GEMFILE, RACK),
    reads=(GEMFILE, LOCK, *PROGRAMS, RAILS),
    reads_above=(".ruby-version",),
    looks_for=(GEMFILE, RACK, *PROGRAMS[:3]),
)
