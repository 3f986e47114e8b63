"""Makers of sites that need no package.json: Jekyll, Hugo, MkDocs, Sphinx and Pelican. They build files alone."""

import re
from collections.abc import Sequence

from bakery.model.app_commands import AppCommand, ShellText, words
from bakery.model.repository_paths import RepositoryPath
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks import python_project, ruby
from bakery.stacks.compiled import Image, compiled
from bakery.stacks.documents import read_toml, text_in
from bakery.stacks.plan import THE_DEFAULT, Commands, Found, ProposedVariable, Said, ToolVersion
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder, is_plain_path
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions
from bakery.stacks.yaml_lines import yaml_value

JEKYLL = "_config.yml"
_RUBY_OF_GITHUB = ToolVersion("Ruby", "3.3", THE_DEFAULT)
_OF_JEKYLL = ("_posts/", "_layouts/", "_includes/", "_pages/")
HUGO = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")
_OLDER_HUGO = ("config.toml", "config.yaml", "config.yml")
_OF_HUGO = ("layouts/", "themes/", "archetypes/")
_OF_ZOLA = r"(?m)^base_url[ \t]*="  # its config.toml says so what Hugo's calls baseURL
NETLIFY = "netlify.toml"
_USUAL_HUGO = "0.152.2"
MKDOCS = "mkdocs.yml"
_SPHINX = "conf.py"
_PLACES_OF_SPHINX = ("", "source/", "docs/", "docs/source/", "doc/", "doc/source/")
PELICAN = "pelicanconf.py"
_FOR_PUBLISHING = "publishconf.py"
SPHINX = tuple(f"{place}{_SPHINX}" for place in _PLACES_OF_SPHINX)
_NEEDED = ("requirements.txt", "docs/requirements.txt", "doc/requirements.txt", "requirements-docs.txt")
_PIP_CACHE = ("/root/.cache/pip",)
# Themes and extensions of Sphinx by what a conf.py calls them: these come as packages of their own.
_PACKAGES_OF_SPHINX = {
    "furo": "furo",
    "sphinx_rtd_theme": "sphinx-rtd-theme",
    "pydata_sphinx_theme": "pydata-sphinx-theme",
    "sphinx_book_theme": "sphinx-book-theme",
    "myst_parser": "myst-parser",
    "sphinx_copybutton": "sphinx-copybutton",
    "sphinx_design": "sphinx-design",
}
# Beside one of these the pages are about something else.
_OTHERS = (
    *(
        "package.json",
        "go.mod",
        "Cargo.toml",
        "composer.json",
        "Gemfile",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
    ),
    *("mix.exs", "pubspec.yaml", "Package.swift", "CMakeLists.txt", "meson.build", "setup.py", "manage.py", "Pipfile"),
)


def find_jekyll_site(folder: Folder, _: Said) -> Found | None:
    if not folder.has(JEKYLL):
        return None
    gemfile, shown = folder.text(ruby.GEMFILE), folder.shown(JEKYLL)
    named = re.search(r"""^[ \t]*gem[ (][ \t]*["'](jekyll|github-pages)["']""", gemfile or "", re.MULTILINE)
    if not named and (gemfile is not None or folder.has("package.json") or not any(map(folder.holds_any, _OF_JEKYLL))):
        return None
    version, asked = ruby.ruby_version(folder)
    if version.source == THE_DEFAULT and (not named or named[1] == "github-pages"):
        version = _RUBY_OF_GITHUB
    first = folder.present(ruby.GEMFILE, ruby.LOCK) if named else ()
    return site_of(
        "Jekyll",
        install=words("bundle", "install") if named else words("gem", "install", "github-pages"),
        build=words(*(("bundle", "exec") if named else ()), "jekyll", "build"),
        why=(
            f"{shown} is Jekyll's: the build is files.",
            f"{folder.shown(ruby.GEMFILE)} names {named[1]}."
            if named
            else f"There is no {folder.shown(ruby.GEMFILE)}, so it is built with what GitHub Pages has.",
            *asked,
        ),
        versions=(version,),
        image=Image(
            sources=(JEKYLL, *first),
            needs_no_files=not named,
            build_from=f"ruby:{version.version}",
            first=first,
            caches=("/usr/local/bundle/cache",),
            build_variables={"JEKYLL_ENV": "production", "LANG": "C.UTF-8"},
            ignores=("_site", ".jekyll-cache", "vendor"),
            files=plain_place(yaml_value(folder.text(JEKYLL), "destination"), "_site"),
        ),
    )


def version_of_program(folder: Folder, program: str, *, usual: str) -> tuple[ToolVersion, Sequence[str]]:
    """Of a site maker that is one program: where tools are listed, or in a variable of Netlify's."""
    name = program.lower()
    variable = rf"""\b{program.upper()}_VERSION[ \t]*=[ \t]*["']([^"'\n]{{1,40}})"""
    netlify = re.search(variable, folder.text(NETLIFY) or "")
    return chosen_version(
        program,
        (
            in_tool_versions(folder, name),
            in_mise(folder, name),
            Asked(netlify[1], folder.shown(NETLIFY)) if netlify else None,
        ),
        read=whole_version,
        usual=usual,
    )


def find_hugo_site(folder: Folder, _: Said) -> Found | None:
    older = any(map(folder.holds_any, _OF_HUGO)) and folder.holds_any("content/")
    name = folder.first(*HUGO, *(_OLDER_HUGO if older else ()))
    if name is None:
        return None
    text, shown = folder.text(name), folder.shown(name)
    if re.search(_OF_ZOLA, text or ""):
        return None
    document = read_toml(text) if name.endswith(".toml") else None
    place = text_in(document, "publishDir") if document else yaml_value(text, "publishDir")
    version, asked = version_of_program(folder, "Hugo", usual=_USUAL_HUGO)
    has_package = folder.has("package.json")
    address = ProposedVariable(VariableName("HUGO_BASEURL"), f"{shown} has an address that its links begin with.")
    return site_of(
        "Hugo",
        install=words("npm", "install") if has_package else None,
        build=words("hugo", "--minify"),
        why=(
            f"{shown} is Hugo's: the build is files.",
            *([f"{folder.shown('package.json')} is for its pages."] if has_package else []),
            *asked,
        ),
        versions=(version,),
        variables=(address,),
        image=Image(
            sources=(name,),
            # With what its sites may need besides: Git, Go, Node and Sass.
            build_from=f"hugomods/hugo:exts-{version.version}",
            first=folder.present("package.json", "package-lock.json"),
            caches=("/root/.npm",) if has_package else (),
            ignores=("public", "resources/_gen", ".hugo_build.lock"),
            files=plain_place(place, "public"),
        ),
    )


def find_mkdocs_site(folder: Folder, _: Said) -> Found | None:
    if not folder.has(MKDOCS) or not _is_about_itself(folder, "mkdocs"):
        return None
    shown, listed = folder.shown(MKDOCS), _listed(folder, "mkdocs")
    return _of_python(
        folder,
        "MkDocs",
        # It knows of many themes and plugins which packages bring them.
        install=_pip(listed) if listed else ShellText("pip install mkdocs && pip install $(mkdocs get-deps)"),
        build=words("mkdocs", "build", "--site-dir", "site"),
        first=_first(folder, listed) if listed else (MKDOCS,),
        source=MKDOCS,
        place="site",
        why=(
            f"{shown} is MkDocs': the build is files.",
            f"{folder.shown(listed)} lists what it needs."
            if listed
            else "Nothing lists what it needs: “mkdocs get-deps” says which packages its themes and plugins are in.",
        ),
    )


def find_sphinx_site(folder: Folder, _: Said) -> Found | None:
    name = next((one for one in SPHINX if folder.has(one) and _is_of_sphinx(folder, one)), None)
    if name is None or not _is_about_itself(folder, "sphinx"):
        return None
    text, listed = folder.text(name) or "", _listed(folder, "sphinx")
    packages = [package for word, package in _PACKAGES_OF_SPHINX.items() if re.search(rf"[\"']{word}[\"'.]", text)]
    return _of_python(
        folder,
        "Sphinx",
        install=_pip(listed) if listed else words("pip", "install", "sphinx", *packages),
        build=words("sphinx-build", "-b", "html", name.removesuffix(_SPHINX).rstrip("/") or ".", "_build/html"),
        first=_first(folder, listed) if listed else (),
        source=name,
        place="_build/html",
        why=(
            f"{folder.shown(name)} is Sphinx's: the build is files.",
            f"{folder.shown(listed)} lists what it needs."
            if listed
            else f"Nothing lists what it needs: {', '.join(['sphinx', *packages])} is what it names.",
        ),
    )


def find_pelican_site(folder: Folder, _: Said) -> Found | None:
    if not folder.has(PELICAN):
        return None
    shown, listed = folder.shown(PELICAN), _listed(folder, "pelican")
    settings = folder.first(_FOR_PUBLISHING) or PELICAN
    named = re.search(r"""(?m)^PATH[ \t]*=[ \t]*["']([^"'\n]{1,80})["']""", folder.text(PELICAN) or "")
    content = str(plain_place(named[1] if named else None, "content"))
    return _of_python(
        folder,
        "Pelican",
        install=_pip(listed) if listed else words("pip", "install", "pelican[markdown]"),
        build=words("pelican", content, "--settings", settings, "--output", "output"),
        first=_first(folder, listed) if listed else (),
        source=PELICAN,
        place="output",
        why=(
            f"{shown} is Pelican's: the build is files.",
            f"{folder.shown(listed)} lists what it needs."
            if listed
            else "Nothing lists what it needs: pelican, with Markdown, is what such sites mostly need.",
        ),
    )


def _of_python(
    folder: Folder,
    framework: str,
    *,
    install: AppCommand,
    build: AppCommand,
    first: tuple[str, ...] | None,
    source: str,
    place: str,
    why: tuple[str, ...],
) -> Found:
    """`first`: what is needed to install the rest; None: the sources are."""
    version, asked = python_project.python_version(folder, None, None)
    return site_of(
        framework,
        install=install,
        build=build,
        why=(*why, *asked),
        versions=(version,),
        image=Image(
            sources=(source,),
            build_from=f"python:{version.version}-slim",
            # Some take from Git when a page was changed.
            packages_to_build=("git",),
            first=first or (),
            needs_no_files=first == (),
            caches=_PIP_CACHE,
            ignores=(place,),
            files=RepositoryPath(place),
        ),
    )


def site_of(
    framework: str,
    *,
    install: AppCommand | None,
    build: AppCommand,
    why: tuple[str, ...],
    versions: tuple[ToolVersion, ...],
    image: Image,
    variables: Sequence[ProposedVariable] = (),
) -> Found:
    found = Found(
        runtimes=(Runtime.STATIC,),
        commands=Commands(install=install, build=build),
        why=why,
        framework=framework,
        versions=versions,
        variables=tuple(variables),
    )
    return compiled(found, image)


def _pip(listed: str) -> AppCommand:
    return words("pip", "install", "--requirement", listed)


def _first(folder: Folder, listed: str) -> tuple[str, ...] | None:
    """A list may name others, or what lies beside it."""
    return None if re.search(r"(?m)^[ \t]*(?:-|\.|/|file:)", folder.text(listed) or "") else (listed,)


def _listed(folder: Folder, package: str) -> str | None:
    """The list of packages that names it, with or without what is made for it."""
    return next((one for one in _NEEDED if re.search(rf"(?im)^{package}\b", folder.text(one) or "")), None)


def _is_about_itself(folder: Folder, package: str) -> bool:
    """Many a library has such pages beside it."""
    project = folder.text(python_project.PYPROJECT)
    is_named = project is None or re.search(rf"(?m)^[ \t]*[\"']?{package}\b", project, re.IGNORECASE) is not None
    lists = [text for one in _NEEDED[:1] if (text := folder.text(one))]
    return is_named and not folder.present(*_OTHERS) and (not lists or _listed(folder, package) == _NEEDED[0])


def _is_of_sphinx(folder: Folder, name: str) -> bool:
    """A conf.py may be anything: beside it lie the first page, or its text names what only Sphinx has."""
    place = name.removesuffix(_SPHINX)
    has_page = folder.present(f"{place}index.rst", f"{place}index.md")
    return (
        bool(has_page) and re.search(r"(?m)^(?:extensions|html_theme|project)\s*=", folder.text(name) or "") is not None
    )


def whole_version(text: str) -> str | None:
    found = re.fullmatch(r"(?:extended_)?v?(0\.[0-9]{2,3}\.[0-9]{1,2})(?:[+-]?extended)?", text.strip())
    return found[1] if found else None


def plain_place(path: str | None, usual: str) -> RepositoryPath:
    below = (path or "").removeprefix("./").rstrip("/")
    return RepositoryPath(below if is_plain_path(below) else usual)


STACKS_BEFORE = (
    Stack("hugo", find_hugo_site, marks=HUGO, reads=(*HUGO, *_OLDER_HUGO, NETLIFY), looks_for=HUGO),
    Stack("jekyll", find_jekyll_site, reads=(JEKYLL,), reads_above=(".ruby-version",), looks_for=(JEKYLL,)),
)
STACKS_AFTER = (
    Stack("mkdocs", find_mkdocs_site, marks=(MKDOCS,), reads=(MKDOCS, *_NEEDED), looks_for=(MKDOCS,)),
    Stack("pelican", find_pelican_site, marks=(PELICAN,), reads=(PELICAN, *_NEEDED), looks_for=(PELICAN,)),
    Stack("sphinx", find_sphinx_site, reads=(*SPHINX, *_NEEDED), looks_for=SPHINX),
)
