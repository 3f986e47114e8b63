"""Gradle: what build.gradle or build.gradle.kts says of an app for Java's machine."""

import re
from collections.abc import Iterator

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.stacks.code_comments import without_comments
from bakery.stacks.compiled import Image
from bakery.stacks.jvm import IGNORES, RUN_VARIABLES, USUAL, JvmBuild, java_of_that_number, java_version, listening
from bakery.stacks.node_beside import MANAGERS, called_in, node_for, told_of_node
from bakery.stacks.plan import THE_DEFAULT, Commands, ToolVersion
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.versions import Asked

FILES = ("build.gradle.kts", "build.gradle")
SETTINGS = ("settings.gradle.kts", "settings.gradle")
WRAPPER = "gradle/wrapper/gradle-wrapper.properties"
CATALOG = "gradle/libs.versions.toml"
READS = (*FILES, *SETTINGS, WRAPPER, CATALOG, "*/build.gradle.kts", "*/build.gradle")
_WRAPPER_FILES = ("gradlew", "gradle/wrapper/gradle-wrapper.jar", WRAPPER)
_CACHES = ("/root/.gradle",)
_TARGET = (
    r"(?:JavaLanguageVersion\.of\(|jvmToolchain\(|(?:source|target)Compatibility\s{0,20}(?:=\s{0,20}|\s)|options\.release(?:\.set\(|\s{0,20}=\s{0,20}))"
    r"\s{0,20}[\"']?(?:JavaVersion\.)?([A-Z0-9_.]{1,20})"
)
_NAME = r"rootProject\.name\s{0,20}=\s{0,20}[\"']([A-Za-z0-9][A-Za-z0-9._-]{0,80})[\"']"
_NEEDS = r"[\"'][\w.-]{2,80}:([\w.-]{2,80})(?::[^\"'\n]{0,60})?[\"']"
_WAR = r"(?:\bid\s{0,20}\(?|\bplugin:)\s{0,20}[\"']war[\"']|(?m:^[ \t]{0,40}`?war`?[ \t]{0,40}$)"
_ALIAS = r"alias\(\s{0,20}libs\.plugins\.([\w.]{1,80})\s{0,20}\)(?!\s{0,20}apply\s{1,20}false)"
_NOT_HERE = re.compile(r"\bapply\s{1,20}false")
# A Gradle runs on no newer Java than was there when it was made.
_NEWEST_JAVA = ((5, 0, 8), (7, 3, 11), (8, 5, 17))
_USUAL_GRADLE = 8


class _Project(Struct, frozen=True):
    """`folder`: below the app's; empty for its own."""

    folder: str
    shown: str
    text: str

    def uses(self, *plugins: str) -> bool:
        return any(plugin in self.text for plugin in plugins)


class _Program(Struct, frozen=True):
    task: str
    start: AppCommand
    results: tuple[str, ...]
    why: str
    framework: str | None = None
    folder: str = ""


def read_gradle(folder: Folder) -> JvmBuild | None:
    file = folder.first(*FILES) or folder.first(*SETTINGS)
    if file is None:
        return None
    name = _root_name(folder)
    projects = list(_projects(folder))
    programs = [program for one in projects if (program := _program(one, name))]
    program = programs[0] if len(programs) == 1 else None
    shown = folder.shown(file)
    gradle, has_wrapper = _gradle(folder), all(map(folder.has, _WRAPPER_FILES))
    java, asked = java_version(folder, _targets(projects), usual=_newest_java(gradle), read=java_of_that_number)
    call = ("sh", "gradlew", "--no-daemon") if has_wrapper else ("gradle", "--no-daemon")
    is_alone = len(projects) == 1 and not folder.holds_any("buildSrc/")
    where = f":{program.folder.replace('/', ':')}:" if program and program.folder else ""
    commands = Commands(
        install=words(*call, "dependencies") if is_alone else None,
        build=words(*call, f"{where}{program.task}" if program else "assemble"),
        test=words(*call, "test") if any(folder.holds_any(_at(one, "src/test/")) for one in projects) else None,
        start=program.start if program else None,
    )
    why = [f"{shown} is Gradle's."]
    if has_wrapper:
        why.append(f"{folder.shown('gradlew')} brings the Gradle that it is built with.")
    major = gradle[0] if gradle else _USUAL_GRADLE
    image = Image(
        sources=(file,),
        build_from=f"eclipse-temurin:{java.version}-jdk" if has_wrapper else f"gradle:{major}-jdk{java.version}",
        run_from=f"eclipse-temurin:{java.version}-jre",
        first=_first(folder, has_wrapper=has_wrapper) if is_alone else (),
        caches=_CACHES,
        run_variables=RUN_VARIABLES,
        results=program.results if program else (),
        brought=node_for(managers := _managers_of_node(projects)),
        ignores=IGNORES,
    )
    source = folder.shown(WRAPPER) if gradle else THE_DEFAULT
    return JvmBuild(
        shown=shown,
        java=java,
        commands=commands,
        image=image,
        why=(*why, *([program.why] if program else []), *asked, *told_of_node(shown, managers)),
        missing="" if program else _missing(shown, programs, projects),
        framework=program.framework if program else None,
        needs=frozenset(found for one in projects for found in re.findall(_NEEDS, one.text)),
        is_kotlin=any(_is_kotlin(one) for one in projects),
        other_versions=(ToolVersion("Gradle", ".".join(map(str, gradle or (major,))), source),),
    )


def _managers_of_node(projects: list[_Project]) -> tuple[str, ...]:
    """By tasks that run a program; or by the plugin for Node, unless that brings its own."""
    text = "\n".join(one.text for one in projects)
    if re.search(r"[\"']com\.(?:github\.node-gradle|moowork)\.node[\"']", text):
        brings = re.search(r"\bdownload\s{0,20}(?:=|\.set\()\s{0,20}true", text)
        used = [name for name in MANAGERS if re.search(rf"\b(?:{name}(?:_|[A-Z])|{name.capitalize()}Task\b)", text)]
        return () if brings else tuple(used) or MANAGERS[:1]
    return called_in(text, before=r"(?:commandLine|executable)\b[^\n]{0,80}?[\"']", after=r"[\"' ]")


def _first(folder: Folder, *, has_wrapper: bool) -> tuple[str, ...]:
    files = folder.present(*FILES, *SETTINGS, "gradle.properties")
    beside = ("gradlew",) if has_wrapper else ()
    return (*files, *beside, *(("gradle/",) if folder.holds_any("gradle/") else ()))


def _missing(shown: str, programs: list[_Program], projects: list[_Project]) -> str:
    if programs:
        names = ", ".join(program.folder or "the top" for program in programs)
        return f"Several projects of {shown} can be started: {names}. Say which one, as [run] command."
    if war := next((one for one in projects if re.search(_WAR, one.text)), None):
        return f"{war.shown} makes a war, for a server such as Tomcat, and nothing here brings one: add a Dockerfile."
    return (
        f"{shown} makes nothing that starts by itself: there is no plugin “application”, none of Spring Boot, Quarkus, "
        "Micronaut, Ktor or Shadow, and no Main-Class. Say how it is started."
    )


def _projects(folder: Folder) -> Iterator[_Project]:
    """The top, and the folders below with a build of their own."""
    names = [name for pattern in FILES for name in (pattern, *folder.matching(f"*/{pattern}"))]
    aliases = without_comments(folder.text(CATALOG))
    for name in sorted(filter(folder.has, names), key=lambda path: (path.count("/"), path)):
        below = name.rpartition("/")[0]
        if below == "buildSrc" or (below and not is_plain_path(below)):
            continue
        text = without_comments(folder.text(name))
        yield _Project(below, folder.shown(name), _with_aliases(text, aliases))


def _with_aliases(text: str, catalog: str) -> str:
    """“alias(libs.plugins.spring.boot)” is a plugin whose id stands in the catalog."""
    found = re.findall(_ALIAS, text[:100_000])
    for alias in found[:50]:
        pattern = re.escape(alias).replace(r"\.", "[.-]")
        if named := re.search(rf"^{pattern}\s{{0,20}}=[^\n]*?[\"']([\w.]+\.[\w.]+)", catalog, re.MULTILINE):
            text += f'\nid("{named[1]}")'
    return "\n".join(line for line in text.split("\n") if not _NOT_HERE.search(line))


def _root_name(folder: Folder) -> str | None:
    for name in folder.present(*SETTINGS):
        if found := re.search(_NAME, without_comments(folder.text(name))):
            return found[1]
    return None


def _gradle(folder: Folder) -> tuple[int, int] | None:
    found = re.search(r"gradle-([0-9]{1,2})\.([0-9]{1,2})", folder.text(WRAPPER) or "")
    return (int(found[1]), int(found[2])) if found else None


def _newest_java(gradle: tuple[int, int] | None) -> int:
    older = (java for major, minor, java in _NEWEST_JAVA if gradle and gradle < (major, minor))
    return next(older, USUAL)


def _targets(projects: list[_Project]) -> Iterator[Asked]:
    for one in projects:
        if found := re.search(_TARGET, one.text):
            yield Asked(found[1], one.shown)


def _is_kotlin(project: _Project) -> bool:
    return (
        re.search(r"kotlin\(\"jvm\"\)|org\.jetbrains\.kotlin\.jvm|apply plugin: *['\"]kotlin['\"]", project.text)
        is not None
    )


def _at(project: _Project, path: str) -> str:
    return f"{project.folder}/{path}" if project.folder else path


def _program(one: _Project, root: str | None) -> _Program | None:
    if one.uses("io.quarkus"):
        return _jar(one, "Quarkus", "quarkusBuild", "build/quarkus-app/quarkus-run.jar", result="build/quarkus-app/")
    if re.search(
        r"id\s{0,20}\(?\s{0,20}[\"']org\.springframework\.boot[\"']|plugin:\s{0,20}[\"'](?:org\.springframework\.boot|spring-boot)[\"']|kotlin\(\"plugin\.spring\"\)",
        one.text,
    ):
        old = re.search(r"spring-?[bB]oot(?:Version|-gradle-plugin)?[^\n]{0,20}[\"':]1\.", one.text)
        return _jar(one, "Spring Boot", "assemble" if old else "bootJar", "build/libs/*.jar")
    framework = "Micronaut" if one.uses("io.micronaut.application") else "Ktor" if one.uses("io.ktor.plugin") else None
    if framework or _is_application(one):
        return _installed(one, framework, root)
    if one.uses("com.github.johnrengelman.shadow", "com.gradleup.shadow"):
        return _jar(one, None, "shadowJar", "build/libs/*-all.jar")
    if "Main-Class" in one.text:
        return _jar(one, None, "jar", "build/libs/*.jar")
    return None


def _is_application(one: _Project) -> bool:
    """By its id, or by its name alone within “plugins”, as Kotlin's way of writing has it."""
    plugins = " ".join(re.findall(r"\bplugins\s{0,20}\{([^{}]{0,3000})", one.text))
    named = r"(?:\bid\s{0,20}\(?|\bplugin:)\s{0,20}[\"']application[\"']"
    return (
        re.search(named, one.text) is not None or re.search(r"(?:^|[\s;`])application(?:[\s;`]|$)", plugins) is not None
    )


def _main_of_jar_alone(one: _Project) -> str | None:
    """The plugin's own script would start nothing."""
    found = re.search(r"Main-Class[\"']?\s{0,20}(?::|=|,|to)\s{0,20}[\"']([A-Za-z][\w.]{0,120})[\"']", one.text)
    return found[1] if found and not re.search(r"\bmainClass(?:Name)?\b", one.text) else None


def _jar(one: _Project, framework: str | None, task: str, path: str, *, result: str = "") -> _Program:
    path = _at(one, path)
    if "*" in path:
        # The only one that its task leaves there; its name holds the version.
        begin = f"set -- {path}; exec java"
        start = listening(begin, framework, '-jar "$1"') or ShellText(f'{begin} -jar "$1"')
    else:
        start = listening("exec java", framework, f"-jar {path}") or words("java", "-jar", path)
    by = f"{framework}'s plugin" if framework else "a Main-Class for its jar"
    why = f"{one.shown} has {by}: what {task} makes starts by itself."
    return _Program(task, start, (_at(one, result) if result else path,), why, framework, one.folder)


def _installed(one: _Project, framework: str | None, root: str | None) -> _Program:
    """The scripts of the plugin “application” lie beside others for Windows, whose names are longer by “.bat”."""
    name = one.folder.rpartition("/")[2] or root
    if main := _main_of_jar_alone(one):
        jars = ShellText(f'set -- {_at(one, "build/install/*/lib")}; exec java -cp "$1/*" {main}')
        why = f"{one.shown} has the plugin “application” without its main class, but names {main} for its jar."
        return _Program("installDist", jars, (_at(one, "build/install/"),), why, framework, one.folder)
    path = _at(one, f"build/install/{name or '*'}/bin/{name or '*'}")
    start: AppCommand = words(path) if name else ShellText(f'set -- {path}; exec "$1"')
    if framework == "Micronaut":
        start = ShellText(
            'export MICRONAUT_SERVER_HOST="${HOST:-127.0.0.1}" MICRONAUT_SERVER_PORT="${PORT:-8080}"; '
            f'set -- {path}; exec "$1"'
        )
    by = f"{framework}'s plugin" if framework else "the plugin “application”"
    why = f"{one.shown} has {by}: installDist makes a program of it."
    return _Program("installDist", start, (_at(one, "build/install/"),), why, framework, one.folder)
