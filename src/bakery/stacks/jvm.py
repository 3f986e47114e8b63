"""Apps for Java's machine, whatever their language: which Java, and what their build has to say about them."""

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.plan import Commands, Found, ToolVersion
from bakery.stacks.proposals import for_clients
from bakery.stacks.tree import Folder
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in

PORT = Port(8080)
SYSTEM_PROPERTIES = "system.properties"
SDKMAN = ".sdkmanrc"
VERSION_FILE = ".java-version"
READS_ABOVE = (VERSION_FILE, SDKMAN)
READS = (SYSTEM_PROPERTIES, VERSION_FILE, SDKMAN)
IGNORES = ("target", "build", "out", ".gradle")
KNOWN = (8, 11, 17, 21, 25)  # those that are kept up for long; each has its images
USUAL = 21
_OLDEST, _OLDEST_BETWEEN = 5, 18
# Else it takes a quarter of the memory that the container has.
RUN_VARIABLES = {"JAVA_TOOL_OPTIONS": "-XX:MaxRAMPercentage=75"}
_CLIENTS = {
    "postgresql": ("SPRING_DATASOURCE_URL", "PostgreSQL"),
    "mysql-connector-j": ("SPRING_DATASOURCE_URL", "MySQL"),
    "mariadb-java-client": ("SPRING_DATASOURCE_URL", "MariaDB"),
    "spring-boot-starter-data-redis": ("SPRING_DATA_REDIS_URL", "Redis"),
    "spring-boot-starter-data-mongodb": ("SPRING_DATA_MONGODB_URI", "MongoDB"),
}


def java_that_has_images(text: str) -> str | None:
    """“17.0.9-tem”, “temurin-17”, “1.8” and “VERSION_1_8”: the next that is kept up for long."""
    number = _number(text)
    return next((str(one) for one in KNOWN if one >= number >= _OLDEST), None)


def java_of_that_number(text: str) -> str | None:
    """Of those between too, where there is an image: for what runs on no newer one."""
    number = _number(text)
    return str(number) if _OLDEST_BETWEEN <= number < KNOWN[-1] else java_that_has_images(text)


def _number(text: str) -> int:
    found = re.fullmatch(r"(?:[A-Za-z][A-Za-z_-]*[_-])?(?:1[._])?([0-9]{1,2})(?:[._+-].{0,40})?", text.strip())
    return int(found[1]) if found else 0


def java_version(
    folder: Folder,
    in_build: Iterable[Asked | None] = (),
    *,
    usual: int = USUAL,
    read: Callable[[str], str | None] = java_that_has_images,
) -> tuple[ToolVersion, tuple[str, ...]]:
    """Files that are about the tools come before what the build says of its target."""
    asked = (
        line_in(folder, VERSION_FILE),
        _in_properties(folder, SDKMAN, "java"),
        in_tool_versions(folder, "java"),
        in_mise(folder, "java"),
        _in_properties(folder, SYSTEM_PROPERTIES, "java.runtime.version"),
        *in_build,
    )
    return chosen_version("Java", asked, read=read, usual=str(usual))


class JvmBuild(Struct, frozen=True):
    """What a build file tells. `shown`: its name in sentences. `start` is None where `missing` says why."""

    shown: str
    java: ToolVersion
    commands: Commands
    image: Image
    why: tuple[str, ...]
    missing: str = ""
    framework: str | None = None
    needs: frozenset[str] = frozenset()
    is_kotlin: bool = False
    other_versions: tuple[ToolVersion, ...] = ()


def jvm_app(build: JvmBuild) -> Found:
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=build.commands,
        why=build.why,
        missing=(build.missing,) if build.missing else (),
        framework=build.framework,
        versions=(build.java, *build.other_versions),
        variables=for_clients(build.needs, _CLIENTS, source=build.shown),
        port=PORT,
    )
    return compiled(found, build.image)


def listening(before: str, framework: str | None, program: str) -> AppCommand | None:
    """A start for a framework that is told its port in a way of its own; None for one that is not."""
    host, port = '"${HOST:-127.0.0.1}"', f'"${{PORT:-{PORT}}}"'
    match framework:
        case "Spring Boot":
            return ShellText(f"{before} {program} --server.address={host} --server.port={port}")
        case "Quarkus":
            return ShellText(f"{before} -Dquarkus.http.host={host} -Dquarkus.http.port={port} {program}")
        case "Micronaut":
            return ShellText(f"{before} -Dmicronaut.server.host={host} -Dmicronaut.server.port={port} {program}")
        case _:
            return None


def _in_properties(folder: Folder, name: str, key: str) -> Asked | None:
    for here in folder.and_above:
        if found := re.search(
            rf"^[ \t]*{re.escape(key)}[ \t]*[=:][ \t]*(\S{{1,60}})", here.text(name) or "", re.MULTILINE
        ):
            return Asked(found[1], here.shown(name))
    return None
