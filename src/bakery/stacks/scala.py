"""Scala, by sbt: started by what a packaging plugin makes."""

import re

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.stacks.code_comments import without_comments
from bakery.stacks.compiled import Image
from bakery.stacks.jvm import IGNORES, READS_ABOVE, RUN_VARIABLES, JvmBuild, java_version, jvm_app
from bakery.stacks.plan import Commands, Found, Said, ToolVersion
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

FILE = "build.sbt"
PLUGINS = "project/plugins.sbt"
PROPERTIES = "project/build.properties"
READS = (FILE, PLUGINS, PROPERTIES, "project/*.sbt", ".java-version", ".sdkmanrc", "system.properties")
_STAGED = "target/universal/stage/"
_JAR = "target/app.jar"
# Else its name holds two versions.
_JAR_HERE = f'set assembly / assemblyOutputPath := file("{_JAR}")'
# Whose launcher fetches the sbt that project/build.properties asks for.
_BUILD_FROM = "sbtscala/scala-sbt:eclipse-temurin-21.0.6_7_1.10.11_2.13.16"
_CACHES = ("/root/.sbt", "/root/.ivy2", "/root/.cache/coursier")


def find_scala_app(folder: Folder, _: Said) -> Found | None:
    if not folder.has(FILE):
        return None
    text, shown = without_comments(folder.text(FILE)), folder.shown(FILE)
    plugins = "\n".join(without_comments(folder.text(name)) for name in (PLUGINS, *folder.matching("project/*.sbt")))
    java, asked = java_version(folder)
    is_play = "PlayScala" in text or "PlayJava" in text
    tasks, start, results, because = _program(text, plugins, is_play=is_play)
    commands = Commands(
        install=words("sbt", "update"),
        build=words("sbt", *tasks),
        test=words("sbt", "test") if folder.holds_any("src/test/") or folder.holds_any("test/") else None,
        start=start,
    )
    image = Image(
        sources=folder.present(FILE),
        build_from=_BUILD_FROM,
        run_from=f"eclipse-temurin:{java.version}-jre",
        first=(*folder.present(FILE), *(("project/",) if folder.holds_any("project/") else ())),
        caches=_CACHES,
        run_variables=RUN_VARIABLES,
        results=results,
        ignores=IGNORES,
    )
    build = JvmBuild(
        shown=shown,
        java=java,
        commands=commands,
        image=image,
        why=(f"{shown} is sbt's.", *([f"{folder.shown(FILE)} {because}"] if start else []), *asked),
        missing=""
        if start
        else f"{shown} uses neither sbt-native-packager nor sbt-assembly, so nothing makes "
        "a program of it: add one, or say how it is started.",
        framework="Play" if is_play else None,
        needs=frozenset(re.findall(r'%\s*"([\w.-]{1,80})"', text)),
        other_versions=_versions(folder, text),
    )
    return jvm_app(build)


def _program(
    text: str, plugins: str, *, is_play: bool
) -> tuple[tuple[str, ...], AppCommand | None, tuple[str, ...], str]:
    """The tasks, the start, what it needs, and why."""
    if is_play or re.search(r"\bJavaAppPackaging\b|\bJavaServerAppPackaging\b", text):
        name = re.search(r'executableScriptName\s*:=\s*"([A-Za-z0-9_.-]{1,80})"', text)
        if is_play:
            # Its scripts take what Java gets; beside one for Windows, whose name is longer by “.bat”.
            where = '-Dhttp.address="${HOST:-127.0.0.1}" -Dhttp.port="${PORT:-8080}" -Dpidfile.path=/dev/null'
            start: AppCommand = ShellText(f'set -- {_STAGED}bin/*; exec "$1" {where}')
        elif name:
            start = words(f"{_STAGED}bin/{name[1]}")
        else:
            start = ShellText(f'set -- {_STAGED}bin/*; exec "$1"')
        return ("stage",), start, (_STAGED,), "enables sbt-native-packager: what stage makes starts by itself."
    if "sbt-assembly" in plugins:
        start = words("java", "-jar", _JAR)
        return (_JAR_HERE, "assembly"), start, (_JAR,), "is packaged by sbt-assembly: its jar starts by itself."
    return ("compile",), None, (), ""


def _versions(folder: Folder, text: str) -> tuple[ToolVersion, ...]:
    scala = re.search(r'scalaVersion\s*:=\s*"([0-9.]{1,20})"', text) or re.search(
        r'\bval\s+scala[A-Za-z0-9]{0,20}\s*=\s*"([23]\.[0-9.]{1,20})"', text
    )
    sbt = re.search(r"^\s*sbt\.version\s*=\s*([0-9.]{1,20})", folder.text(PROPERTIES) or "", re.MULTILINE)
    found = [("Scala", scala, folder.shown(FILE)), ("sbt", sbt, folder.shown(PROPERTIES))]
    return tuple(ToolVersion(tool, match[1], source) for tool, match, source in found if match)


STACK = Stack("scala", find_scala_app, marks=(FILE,), reads=READS, reads_above=READS_ABOVE, looks_for=(FILE,))
