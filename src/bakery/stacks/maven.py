"""Maven: what pom.xml says of an app for Java's machine."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, Words, words
from bakery.stacks.compiled import Image
from bakery.stacks.jvm import IGNORES, RUN_VARIABLES, JvmBuild, java_version, listening
from bakery.stacks.node_beside import called_in, node_for, told_of_node
from bakery.stacks.plan import Commands
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.versions import Asked
from bakery.stacks.xml_text import inside, value_of, without, without_comments

FILE = "pom.xml"
READS = (FILE, "*/pom.xml")
_WRAPPER = ("mvnw", ".mvn/wrapper/maven-wrapper.properties")
_OPTIONS = ("--batch-mode", "--no-transfer-progress")
_CACHES = ("/root/.m2",)
_TARGETS = ("maven.compiler.release", "java.version", "maven.compiler.target", "maven.compiler.source", "jdk.version")
_ASSEMBLED = "jar-with-dependencies"


class _Pom(Struct, frozen=True):
    """`folder`: below the app's; empty for its own. `jar`: without its ending; None when it cannot be told."""

    folder: str
    shown: str
    text: str
    packaging: str
    jar: str | None
    plugins: frozenset[str]
    needs: frozenset[str]

    def path(self, below: str) -> str:
        return f"{self.folder}/{below}" if self.folder else below


class _Program(Struct, frozen=True):
    """What is started, where its files are, and the sentence for it."""

    start: AppCommand
    results: tuple[str, ...]
    why: str
    framework: str | None = None
    pom: _Pom | None = None


def read_maven(folder: Folder) -> JvmBuild | None:
    if not folder.has(FILE):
        return None
    top = _read_pom(folder, "")
    modules = [pom for name in _modules(top) if (pom := _read_pom(folder, name))] if top else []
    poms = [pom for pom in (top, *modules) if pom]
    programs = [program for pom in poms if (program := _program(pom))]
    shown = folder.shown(FILE)
    java, asked = java_version(folder, _targets(poms))
    has_wrapper = all(map(folder.has, _WRAPPER))
    mvn = ("sh", "mvnw", *_OPTIONS) if has_wrapper else ("mvn", *_OPTIONS)
    program = programs[0] if len(programs) == 1 else None
    commands = Commands(
        # Of several modules some need others, which are not built yet.
        install=None if modules else words(*mvn, "dependency:go-offline"),
        build=_package(mvn, program),
        test=words(*mvn, "test") if _has_tests(folder, poms) else None,
        start=program.start if program else None,
    )
    why = [f"{shown} is Maven's."]
    if has_wrapper:
        why.append(f"{folder.shown(_WRAPPER[0])} brings the Maven that it is built with.")
    image = Image(
        sources=folder.present(FILE),
        build_from=f"eclipse-temurin:{java.version}-jdk" if has_wrapper else f"maven:3-eclipse-temurin-{java.version}",
        run_from=f"eclipse-temurin:{java.version}-jre",
        first=()
        if modules
        else (FILE, *(("mvnw",) if has_wrapper else ()), *((".mvn/",) if folder.holds_any(".mvn/") else ())),
        caches=_CACHES,
        run_variables=RUN_VARIABLES,
        results=program.results if program else (),
        brought=node_for(managers := _managers_of_node(poms)),
        ignores=IGNORES,
    )
    return JvmBuild(
        shown=shown,
        java=java,
        commands=commands,
        image=image,
        why=(*why, *([program.why] if program else []), *asked, *told_of_node(shown, managers)),
        missing="" if program else _missing(shown, programs, poms),
        framework=program.framework if program else None,
        needs=frozenset(need for pom in poms for need in pom.needs),
        is_kotlin=any("kotlin-maven-plugin" in pom.plugins for pom in poms),
    )


def _package(mvn: tuple[str, ...], program: _Program | None) -> Words:
    only = ("--projects", program.pom.folder, "--also-make") if program and program.pom and program.pom.folder else ()
    return words(*mvn, "-DskipTests", *only, "package")


def _managers_of_node(poms: list[_Pom]) -> tuple[str, ...]:
    """What frontend-maven-plugin calls it brings itself."""
    return called_in("\n".join(pom.text for pom in poms), before=r"<executable>\s*", after=r"\s*</executable>")


def _missing(shown: str, programs: list[_Program], poms: list[_Pom]) -> str:
    if programs:
        names = ", ".join(program.pom.folder or "the top" for program in programs if program.pom)
        return f"Several modules of {shown} can be started: {names}. Say which one, as [run] command."
    if war := next((pom for pom in poms if pom.packaging == "war"), None):
        return f"{war.shown} makes a war, for a server such as Tomcat, and nothing here brings one: add a Dockerfile."
    return (
        f"{shown} makes no jar that starts by itself: there is no plugin of Spring Boot, Quarkus or Micronaut, and "
        "none that names a mainClass. Say how it is started."
    )


def _read_pom(folder: Folder, below: str) -> _Pom | None:
    name = f"{below}/{FILE}" if below else FILE
    text = without_comments(folder.text(name))
    if not text:
        return None
    alone = without(text, "dependencyManagement", "pluginManagement", "profiles", "reporting")
    own = without(alone, "parent", "dependencies", "build", "properties", "modules")
    values = {**_properties(text), "project.version": value_of(own, "version") or _of_parent(text, "version") or ""}
    values["project.artifactId"] = value_of(own, "artifactId") or ""
    build = next(inside(alone, "build"), "")
    final = value_of(without(build, "plugins"), "finalName") or "${project.artifactId}-${project.version}"
    return _Pom(
        folder=below,
        shown=folder.shown(name),
        text=alone,
        packaging=value_of(own, "packaging") or "jar",
        jar=_resolved(final, values),
        plugins=frozenset(_artifacts(build, "plugin")),
        needs=frozenset(_artifacts(without(alone, "build"), "dependency")),
    )


def _artifacts(text: str, element: str) -> Iterator[str]:
    for part in inside(text, element):
        if (name := value_of(part, "artifactId")) and (value_of(part, "scope") != "test"):
            yield name


def _of_parent(text: str, name: str) -> str | None:
    return value_of(next(inside(text, "parent"), ""), name)


def _properties(text: str) -> Mapping[str, str]:
    block = next(inside(text, "properties"), "")
    return {name: value.strip() for name, value in re.findall(r"<([\w.-]{1,80})>([^<]{1,200})</", block)}


def _resolved(text: str, values: Mapping[str, str]) -> str | None:
    """A path, or None where it depends on what cannot be seen here."""
    for _ in range(3):
        text = re.sub(r"\$\{([\w.-]{1,80})\}", lambda found: values.get(found[1]) or found[0], text[:300])
    return text if is_plain_path(text) else None


def _modules(pom: _Pom) -> list[str]:
    names = [value.strip() for value in inside(next(inside(pom.text, "modules"), ""), "module")]
    return [name for name in names if is_plain_path(name)]


def _targets(poms: list[_Pom]) -> Iterator[Asked]:
    for pom in poms:
        values = _properties(pom.text)
        named = [value for name in _TARGETS if (value := _resolved(values.get(name, ""), values))]
        if not named and (release := value_of(without(pom.text, "properties", "parent", "dependencies"), "release")):
            named = [_resolved(release, values) or ""]
        if named:
            yield Asked(named[0], pom.shown)


def _has_tests(folder: Folder, poms: list[_Pom]) -> bool:
    return any(folder.holds_any(pom.path("src/test/")) for pom in poms)


def _program(pom: _Pom) -> _Program | None:
    if "quarkus-maven-plugin" in pom.plugins:
        return _made(pom, "Quarkus", "quarkus-app/quarkus-run.jar", result="quarkus-app/")
    if "spring-boot-maven-plugin" in pom.plugins:
        return _made(pom, "Spring Boot", f"{pom.jar or '*'}.{'war' if pom.packaging == 'war' else 'jar'}")
    if pom.jar is None or pom.packaging not in {"jar", "${packaging}"}:
        return None
    if pom.plugins & {"micronaut-maven-plugin", "kotlin-micronaut-maven-plugin"}:
        return _made(pom, "Micronaut", f"{pom.jar}.jar")
    for plugin in ("maven-assembly-plugin", "maven-shade-plugin", "maven-jar-plugin"):
        settings = next((part for part in inside(pom.text, "plugin") if value_of(part, "artifactId") == plugin), "")
        if value_of(settings, "mainClass") or value_of(settings, "Main-Class"):
            suffix = f"-{_ASSEMBLED}" if plugin == "maven-assembly-plugin" and _ASSEMBLED in settings else ""
            libraries = value_of(settings, "classpathPrefix") or ""
            beside = f"{libraries.rstrip('/')}/" if is_plain_path(libraries) else ""
            return _made(pom, None, f"{pom.jar}{suffix}.jar", plugin=plugin, beside=beside)
    return None


def _made(
    pom: _Pom, framework: str | None, jar: str, *, result: str = "", plugin: str = "", beside: str = ""
) -> _Program:
    path = pom.path(f"target/{jar}")
    results = tuple(pom.path(f"target/{one}") for one in (result or jar, beside) if one)
    by = f"{framework}'s plugin" if framework else plugin
    if "*" in path:
        # The only one that its plugin leaves there.
        start = listening(f"set -- {path}; exec java", framework, '-jar "$1"')
    else:
        start = listening("exec java", framework, f"-jar {path}") or words("java", "-jar", path)
    return _Program(
        start=start or ShellText(f'set -- {path}; exec java -jar "$1"'),
        results=results,
        why=f"{pom.shown} has {by}: what it makes starts by itself.",
        framework=framework,
        pom=pom,
    )
