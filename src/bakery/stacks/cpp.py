"""C and C++: CMake, Meson or make, and the one program that comes of it."""

import re

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.stacks.compiled import DEBIAN, Image, compiled
from bakery.stacks.plan import Commands, Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path

CMAKE = "CMakeLists.txt"
MESON = "meson.build"
MAKE = "Makefile"
READS = (CMAKE, "*/CMakeLists.txt", MESON, "*/meson.build", MAKE)
PORT = Port(8080)
_BROUGHT = ("vcpkg.json", "conanfile.txt", "conanfile.py")
_WORD = r"([A-Za-z0-9_${}][A-Za-z0-9_${}.+-]{0,80})"
_SOURCES = ("*.c", "*.cc", "*.cpp", "*.cxx", "src/*.c", "src/*.cc", "src/*.cpp")
# What find_package, pkg_check_modules and dependency() name, and what Debian has of it to build with and to run with.
_LIBRARIES = {
    "openssl": ("libssl-dev", "libssl3"),
    "curl": ("libcurl4-openssl-dev", "libcurl4"),
    "libcurl": ("libcurl4-openssl-dev", "libcurl4"),
    "zlib": ("zlib1g-dev", "zlib1g"),
    "sqlite3": ("libsqlite3-dev", "libsqlite3-0"),
    "postgresql": ("libpq-dev", "libpq5"),
    "libpq": ("libpq-dev", "libpq5"),
    "libuv": ("libuv1-dev", "libuv1"),
    "libmicrohttpd": ("libmicrohttpd-dev", "libmicrohttpd12"),
    "libevent": ("libevent-dev", "libevent-2.1-7"),
    "boost": ("libboost-all-dev", "libboost-all-dev"),
    "jsoncpp": ("libjsoncpp-dev", "libjsoncpp25"),
    "uuid": ("uuid-dev", "libuuid1"),
}
_NAMED = r"(?i)(?:find_package|dependency|pkg_check_modules|pkg_search_module)\s*\(([^()\n]{1,200})"


class _Way(Struct, frozen=True):
    """How it is built by one of the three. `programs`: where they will be."""

    file: str
    tool: str
    build: AppCommand
    test: AppCommand | None
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    text: str


def find_cpp_app(folder: Folder, _: Said) -> Found | None:
    way = _by_cmake(folder) or _by_meson(folder) or _by_make(folder)
    if way is None:
        return None
    shown = folder.shown(way.file)
    program = way.programs[0] if len(way.programs) == 1 else None
    missing = "" if program else _missing(shown, way.programs)
    if brought := folder.first(*_BROUGHT):
        program, missing = None, f"{folder.shown(brought)} has libraries brought from elsewhere: add a Dockerfile."
    to_build, to_run, why = _libraries(way, shown)
    found = Found(
        runtimes=(Runtime.DOCKER, Runtime.PROCESS),
        commands=Commands(build=way.build, test=way.test, start=words(program) if program else None),
        why=(f"{shown} is {way.tool}'s.", *([f"{shown} makes {program}."] if program else []), *why),
        missing=(missing,) if missing else (),
        port=PORT,
    )
    beside = [f"{one}/" for one in ("public", "static") if folder.holds_any(f"{one}/")]
    image = Image(
        sources=(way.file,),
        build_from=DEBIAN,
        packages_to_build=("build-essential", "pkg-config", *way.packages, *to_build),
        packages_to_run=("ca-certificates", "libstdc++6", *to_run),
        results=(program.removeprefix("./"), *beside) if program else (),
        ignores=("build",),
        is_deaf=True,
    )
    return compiled(found, image)


def _by_cmake(folder: Folder) -> _Way | None:
    if not folder.has(CMAKE):
        return None
    names = (CMAKE, *(name for name in folder.matching("*/CMakeLists.txt") if is_plain_path(name)))
    texts = {name: re.sub(r"#[^\n]*", "", folder.text(name) or "") for name in names}
    project = re.search(rf"\bproject\s*\(\s*\"?{_WORD}", texts[CMAKE], re.IGNORECASE)
    programs = []
    for name, text in texts.items():
        for found in re.findall(rf"\badd_executable\s*\(\s*\"?{_WORD}", text, re.IGNORECASE):
            target = re.sub(r"\$\{(?:CMAKE_)?PROJECT_NAME\}", project[1] if project else "", found)
            if is_plain_path(target) and not _is_test(f"{name} {target}"):
                programs.append(f"build/{name.rpartition('/')[0]}/{target}".replace("//", "/"))
    has_tests = any("enable_testing" in text for text in texts.values())
    return _Way(
        file=CMAKE,
        tool="CMake",
        build=ShellText("cmake -S . -B build -D CMAKE_BUILD_TYPE=Release && cmake --build build --parallel"),
        test=words("ctest", "--test-dir", "build") if has_tests else None,
        programs=tuple(dict.fromkeys(programs)),
        packages=("cmake", "git", "ca-certificates") if "FetchContent" in "".join(texts.values()) else ("cmake",),
        text="\n".join(texts.values()),
    )


def _by_meson(folder: Folder) -> _Way | None:
    if not folder.has(MESON):
        return None
    names = (MESON, *(name for name in folder.matching("*/meson.build") if is_plain_path(name)))
    texts = {name: re.sub(r"#[^\n]*", "", folder.text(name) or "") for name in names}
    programs = [
        f"build/{name.rpartition('/')[0]}/{found}".replace("//", "/")
        for name, text in texts.items()
        for found in re.findall(r"\bexecutable\s*\(\s*'([A-Za-z0-9_][A-Za-z0-9_.+-]{0,80})'", text)
        if not _is_test(f"{name} {found}")
    ]
    return _Way(
        file=MESON,
        tool="Meson",
        build=ShellText("meson setup build --buildtype=release && meson compile -C build"),
        test=words("meson", "test", "-C", "build")
        if re.search(r"^[ \t]*test\s*\(", "\n".join(texts.values()), re.MULTILINE)
        else None,
        programs=tuple(dict.fromkeys(programs)),
        packages=("meson", "ninja-build"),
        text="\n".join(texts.values()),
    )


def _by_make(folder: Folder) -> _Way | None:
    """A Makefile is used for anything: it counts beside sources in C or C++, and when it names what it makes."""
    if not folder.has(MAKE) or not folder.first(*_SOURCES):
        return None
    text = re.sub(r"#[^\n]*", "", folder.text(MAKE) or "")
    named = re.search(
        r"^[ \t]*(?:TARGET|PROG|PROGRAM|BIN|EXE|EXECUTABLE|NAME|OUT)[ \t]*[:?]?=[ \t]*([A-Za-z0-9_./-]{1,80})[ \t]*$",
        text,
        re.MULTILINE,
    )
    written = re.findall(r"[ \t]-o[ \t]+([A-Za-z0-9_./-]{1,80})", text)
    programs = [named[1]] if named else [one for one in dict.fromkeys(written) if not one.endswith((".o", ".so", ".a"))]
    return _Way(
        file=MAKE,
        tool="make",
        build=words("make"),
        test=words("make", "test") if re.search(r"^test[ \t]*:", text, re.MULTILINE) else None,
        programs=tuple(f"./{one.removeprefix('./')}" for one in programs if is_plain_path(one.removeprefix("./"))),
        packages=(),
        text=text,
    )


def _libraries(way: _Way, shown: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    named = [
        word.strip("'\" ").lower() for found in re.findall(_NAMED, way.text) for word in re.split(r"[\s,]+", found)
    ]
    known = [one for one in dict.fromkeys(named) if one in _LIBRARIES]
    why = tuple(f"{shown} needs {one}, and that {' and '.join(dict.fromkeys(_LIBRARIES[one]))}." for one in known)
    return tuple(_LIBRARIES[one][0] for one in known), tuple(_LIBRARIES[one][1] for one in known), why


def _is_test(name: str) -> bool:
    return re.search(r"(?:^|[/_\s-])(?:unit_?)?tests?(?:$|[/_\s-])|bench", name, re.IGNORECASE) is not None


def _missing(shown: str, programs: tuple[str, ...]) -> str:
    if programs:
        return f"{shown} makes several programs: {', '.join(programs[:10])}. Say which one is started."
    return f"{shown} makes no program whose name can be told: say how it is started."


STACK = Stack("cpp", find_cpp_app, marks=(CMAKE, MESON), reads=READS, looks_for=(CMAKE, MESON))
