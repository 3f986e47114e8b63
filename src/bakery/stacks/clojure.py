"""Clojure, by Leiningen or the tools of Clojure itself."""

import re

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.stacks.compiled import Image
from bakery.stacks.jvm import IGNORES, READS_ABOVE, RUN_VARIABLES, JvmBuild, java_version, jvm_app
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path

LEIN = "project.clj"
DEPS = "deps.edn"
BUILD = "build.clj"
READS = (LEIN, DEPS, BUILD, ".java-version", ".sdkmanrc", "system.properties")
# Where they are found again by whoever starts it.
_WITH_ITS_LIBRARIES = {"JAVA_TOOL_OPTIONS": "-Duser.home=/app", "GITLIBS": "/app/.gitlibs"}
_COMMENT = r";[^\n]*"
_WORD = r"([A-Za-z0-9_.*+!?-]{1,80})"


class _Way(Struct, frozen=True):
    """How it is built and started by one of the two. `start` is None where `missing` says why."""

    install: AppCommand
    build: AppCommand | None
    test: AppCommand
    start: AppCommand | None
    results: tuple[str, ...]
    why: tuple[str, ...]
    missing: str
    image: str
    cache: str
    first: str
    framework: str | None = None


def find_clojure_app(folder: Folder, _: Said) -> Found | None:
    file = folder.first(LEIN, DEPS)
    if file is None:
        return None
    text = re.sub(_COMMENT, "", folder.text(file) or "")
    way = _by_lein(folder, text) if file == LEIN else _by_tools(folder, text)
    java, asked = java_version(folder)
    image = Image(
        sources=(file,),
        build_from=f"clojure:temurin-{java.version}-{way.image}",
        # Without a jar of its own it is started from its sources, by the tools.
        run_from=f"eclipse-temurin:{java.version}-jre"
        if way.results
        else f"clojure:temurin-{java.version}-{way.image}",
        first=(way.first,),
        caches=(way.cache,) if way.results else (),
        build_variables={} if way.results else _WITH_ITS_LIBRARIES,
        run_variables=RUN_VARIABLES if way.results else _WITH_ITS_LIBRARIES,
        results=way.results,
        ignores=(*IGNORES, ".cpcache"),
    )
    build = JvmBuild(
        shown=folder.shown(file),
        java=java,
        commands=Commands(
            install=way.install,
            build=way.build,
            test=way.test if folder.holds_any("test/") else None,
            start=way.start,
        ),
        image=image,
        why=(*way.why, *asked),
        missing=way.missing,
        framework=way.framework,
        needs=frozenset(name.rpartition("/")[2] for name in re.findall(r"\[\s*([\w./-]{1,80})\s+\"", text)),
    )
    return jvm_app(build)


def _by_lein(folder: Folder, text: str) -> _Way:
    shown = folder.shown(LEIN)
    named = re.search(rf"\(\s*defproject\s+(?:[\w.-]{{1,80}}/)?{_WORD}\s+\"([\w.-]{{1,60}})\"", text)
    own = re.search(r":uberjar-name\s+\"([A-Za-z0-9_.-]{1,100})\"", text)
    inside = "target/uberjar" if re.search(r":target-path\s+\"target/%s", text) else "target"
    jar = own[1] if own else f"{named[1]}-{named[2]}-standalone.jar" if named else None
    is_ring = "lein-ring" in text and re.search(r":ring\s*\{", text) is not None
    has_main = re.search(r":main\b", text) is not None
    starts = (has_main or is_ring) and jar is not None and is_plain_path(jar)
    path = f"{inside}/{jar}"
    return _Way(
        install=words("lein", "deps"),
        build=words("lein", "ring", "uberjar") if is_ring else words("lein", "uberjar"),
        test=words("lein", "test"),
        start=words("java", "-jar", path) if starts else None,
        results=(path,) if starts else (),
        why=(f"{shown} is Leiningen's.", *([f"{shown} says what starts it: its uberjar is {path}."] if starts else [])),
        missing="" if starts else f"{shown} names no :main, so nothing says how it is started.",
        image="lein",
        cache="/root/.m2",
        first=LEIN,
        framework="Ring" if is_ring else None,
    )


def _by_tools(folder: Folder, text: str) -> _Way:
    shown = folder.shown(DEPS)
    why = (f"{shown} is that of Clojure's own tools.",)
    install, test = words("clojure", "-P"), words("clojure", "-X:test")
    if re.search(r":build\s*\{", text) and folder.has(BUILD):
        task = re.search(r"\(defn\s+(uber(?:jar)?|ci)\b", folder.text(BUILD) or "")
        if task:
            sentence = f"{folder.shown(BUILD)} has a function “{task[1]}”, which makes a jar that starts by itself."
            return _Way(
                install,
                words("clojure", "-T:build", task[1]),
                test,
                ShellText('set -- target/*.jar; exec java -jar "$1"'),
                ("target/*.jar",),
                (*why, sentence),
                "",
                "tools-deps",
                "/root/.m2",
                DEPS,
            )
    alias = next((name for name in ("run", "start", "run-m", "main", "server") if _is_alias(text, name)), None)
    how = "-M" if alias and re.search(rf":{alias}\s*\{{[^{{}}]{{0,400}}?:main-opts", text) else "-X"
    return _Way(
        words("clojure", "-P", f"{how}:{alias}") if alias else install,
        None,
        test,
        words("clojure", f"{how}:{alias}") if alias else None,
        (),
        (*why, *([f"{shown} has an alias “{alias}”."] if alias else [])),
        ""
        if alias
        else f"{shown} has no alias “run” or “start”, and there is no "
        f"{folder.shown(BUILD)} with a function “uber”: say how it is started.",
        "tools-deps",
        "/root/.m2",
        DEPS,
    )


def _is_alias(text: str, name: str) -> bool:
    return re.search(rf":{name}\s*\{{", text) is not None


STACK = Stack(
    "clojure", find_clojure_app, marks=(LEIN, DEPS), reads=READS, reads_above=READS_ABOVE, looks_for=(LEIN, DEPS)
)
