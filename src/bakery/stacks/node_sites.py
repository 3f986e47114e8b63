"""Makers of sites and bundlers of JavaScript: what they build is files alone."""

import posixpath
import re
from collections.abc import Callable

from bakery.stacks.documents import read_json, text_in, value_in
from bakery.stacks.javascript_text import config_text, configs, folder_setting, setting
from bakery.stacks.node_framework import Framework, Output, files
from bakery.stacks.package_json import Package
from bakery.stacks.tree import Folder, is_plain_path

_VITE = configs("vite.config")
_STORYBOOK = r"\b(?:storybook build|build-storybook)\b"
_RSPACK = r"\brspack (?:build|serve|dev)\b"
_WEBPACK = (*configs("webpack.config"), "webpack.prod.js")
_STENCIL = configs("stencil.config")
_RSBUILD = configs("rsbuild.config")
_POLYMER = "polymer.json"
_ELEVENTY = (".eleventy.js", *configs("eleventy.config"))
READS = (*_VITE, *_ELEVENTY, *_WEBPACK, *_STENCIL, *_RSBUILD, _POLYMER)


def _eleventy(folder: Folder, package: Package) -> Output:
    text, _ = config_text(folder, *_ELEVENTY)
    out = folder_setting(text, "output", usual="_site")
    found = re.search(r"--output=([A-Za-z0-9_./-]{1,100})", package.script("build"))
    out = found[1] if found and is_plain_path(found[1]) else out
    return Output(f"{package.shown} needs Eleventy, whose build is files alone, in {out}.", files=out)


def _vite(folder: Folder, package: Package) -> Output | None:
    """Files where there is a page; else a part of something with a server of its own."""
    text, shown = config_text(folder, *_VITE)
    root = folder_setting(text, "root", usual="")
    page = f"{root}/index.html" if root else "index.html"
    if not folder.has(page):
        return None
    by_script = re.search(r"\bvite build\b[^&|;]{0,200}--outDir[ =]([\w./-]{1,100})", package.script("build"))
    written = by_script[1] if by_script else setting(text, "outDir")
    shown = package.shown if by_script else shown
    out = posixpath.normpath(posixpath.join(root, written or "dist"))
    is_said = written is not None and is_plain_path(out)
    where = f"{shown} puts them into {out}" if is_said else "they are in dist"
    return Output(
        f"{package.shown} needs vite, and {folder.shown(page)} is its page: the build is files; {where}.",
        files=out if is_plain_path(out) else "dist",
    )


def _parcel(_: Folder, package: Package) -> Output | None:
    """Files where a script names a page, or its manifest does."""
    by_script = re.search(r"\bparcel\b[^&|;\n]{0,200}\.html\b", package.every_script)
    if not by_script and not (package.source or "").endswith(".html"):
        return None
    found = re.search(r"--(?:dist-dir|out-dir)[ =]([A-Za-z0-9_][A-Za-z0-9_/-]{0,60})", package.every_script)
    out = found[1] if found else "dist"
    by = "a script of it names a page" if by_script else f"{package.source} is its page"
    return Output(f"{package.shown} needs parcel, and {by}: the build is files, in {out}.", files=out)


def _webpack(folder: Folder, package: Package) -> Output:
    """Its server is for development, and hands out what a build leaves."""
    text, shown = config_text(folder, *_WEBPACK)
    found = re.search(r"path\.(?:resolve|join)\(\s*__dirname\s*,\s*[\"'](?:\./)?([A-Za-z0-9_][\w/-]{0,60})[\"']", text)
    out = found[1] if found and "output" in text[: found.start()] else "dist"
    where = f"{shown} puts them into {out}" if shown and out != "dist" else "they are in dist"
    return Output(
        f"{package.shown} has webpack's own server for development, so the build is files; {where}.", files=out
    )


def _press(program: str) -> Callable[[Folder, Package], Output]:
    """VitePress, and VuePress before it."""

    def output(_: Folder, package: Package) -> Output:
        found = re.search(rf"{program} build(?: +([A-Za-z0-9_][A-Za-z0-9_/-]{{0,60}}))?", package.every_script)
        root = found[1] if found and found[1] else ""
        out = f"{root}/.{program}/dist" if root else f".{program}/dist"
        return Output(f"{package.shown} needs {program}, whose build is files alone, in {out}.", files=out)

    return output


def _slidev(_: Folder, package: Package) -> Output:
    found = re.search(
        r"\bslidev build\b[^&|;\n]{0,200}(?:--out|-o)[ =]([A-Za-z0-9_][\w/-]{0,60})", package.every_script
    )
    out = found[1] if found else "dist"
    return Output(f"{package.shown} needs Slidev, whose build is files alone, in {out}.", files=out)


def _stencil(folder: Folder, _: Package) -> Output | None:
    """Files where it says that there are pages; else elements for others to use."""
    text, shown = config_text(folder, *_STENCIL)
    if not re.search(r"""\btype\s{0,20}:\s{0,20}["']www["']""", text):
        return None
    return Output(f"{shown} makes pages (“www”), so the build is files alone, in www.", files="www")


def _rsbuild(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_RSBUILD)
    out = folder_setting(text, "root", usual="dist") if "distPath" in text else "dist"
    where = f"{shown} puts them into {out}" if out != "dist" else "they are in dist"
    return Output(f"{package.shown} needs Rsbuild, whose build is files; {where}.", files=out)


def _charge(_: Folder, package: Package) -> Output:
    found = re.search(r"\bcharge build +[\w./-]{1,60} +([A-Za-z0-9_][\w/-]{0,60})", package.every_script)
    out = found[1] if found else "build"
    return Output(f"{package.shown} needs Charge, whose build is files alone, in {out}.", files=out)


def _polymer(folder: Folder, package: Package) -> Output:
    """It builds several, each for other browsers: the first is the one that is named first."""
    document = read_json(folder.text(_POLYMER))
    builds = value_in(document, "builds")
    first = builds[0] if isinstance(builds, list) and builds else None
    name = text_in(first, "name") or text_in(first, "preset") or "default"
    out = f"build/{name}" if is_plain_path(name) else "build/default"
    return Output(f"{package.shown} needs polymer-cli, whose build is files alone, in {out}.", files=out)


def _gulp(_: Folder, package: Package) -> Output:
    return Output("", missing=f"{package.shown} calls gulp, which makes anything of anything: say how it is started.")


SITES = (
    Framework("Gatsby", ("gatsby",), files("gatsby", "public"), ("gatsby", "build")),
    Framework("Docusaurus", ("@docusaurus/core",), files("docusaurus", "build"), ("docusaurus", "build")),
    Framework("VitePress", ("vitepress",), _press("vitepress"), ("vitepress", "build")),
    Framework("VuePress", ("vuepress",), _press("vuepress"), ("vuepress", "build")),
    Framework("Rspress", ("@rspress/core", "rspress"), files("Rspress", "doc_build"), ("rspress", "build")),
    Framework("Gridsome", ("gridsome",), files("gridsome", "dist"), ("gridsome", "build")),
    Framework("Saber", ("saber",), files("saber", "public"), ("saber", "build")),
    Framework("Docz", ("docz",), files("docz", ".docz/dist"), ("docz", "build")),
    Framework("Microsite", ("microsite",), files("microsite", "dist"), ("microsite", "build")),
    Framework("Greenwood", ("@greenwood/cli",), files("Greenwood", "public"), ("greenwood", "build")),
    Framework("mdx-deck", ("mdx-deck",), files("mdx-deck", "dist")),
    Framework("Charge", ("@static/charge",), _charge),
    Framework("Hexo", ("hexo",), files("hexo", "public"), ("hexo", "generate")),
    Framework("Eleventy", ("@11ty/eleventy",), _eleventy, ("eleventy",)),
    Framework("Create React App", ("react-scripts",), files("react-scripts", "build"), ("react-scripts", "build")),
    Framework("Vue CLI", ("@vue/cli-service",), files("Vue CLI", "dist"), ("vue-cli-service", "build")),
    Framework("Ember", ("ember-cli",), files("ember-cli", "dist"), ("ember", "build", "--environment=production")),
)
# After what answers requests, which may have one of these for its pages.
BUNDLERS = (
    Framework("Slidev", ("@slidev/cli",), _slidev, ("slidev", "build")),
    Framework("Umi", ("umi", "@umijs/max"), files("umi", "dist"), ("umi", "build")),
    Framework("Sanity", ("sanity",), files("sanity", "dist"), ("sanity", "build")),
    Framework("Elm App", ("create-elm-app",), files("create-elm-app", "build"), ("elm-app", "build")),
    Framework("Aurelia", ("aurelia-cli",), files("aurelia-cli", "dist"), ("au", "build")),
    Framework("Dojo", ("@dojo/cli",), files("Dojo", "output/dist"), ("dojo", "build")),
    Framework("Brunch", ("brunch",), files("brunch", "public"), ("brunch", "build", "--production")),
    Framework("Polymer", ("polymer-cli",), _polymer, ("polymer", "build")),
    Framework("Snowpack", ("snowpack",), files("snowpack", "build"), ("snowpack", "build")),
    Framework("Preact CLI", ("preact-cli",), files("preact-cli", "build"), ("preact", "build")),
    Framework("Stencil", ("@stencil/core",), _stencil, ("stencil", "build")),
    Framework("Rsbuild", ("@rsbuild/core",), _rsbuild, ("rsbuild", "build")),
    Framework("Farm", ("@farmfe/core",), files("Farm", "dist"), ("farm", "build")),
    Framework("Vite", ("vite",), _vite, ("vite", "build")),
)
# After libraries for servers too: beside one these make its pages.
BESIDE_SERVERS = (
    Framework("Parcel", ("parcel", "parcel-bundler"), _parcel),
    Framework("webpack", ("webpack-dev-server",), _webpack),
    Framework("webpack", ("webpack-cli",), _webpack, said=r"\bwebpack serve\b"),
    Framework("Rspack", ("@rspack/cli",), files("Rspack", "dist"), ("rspack", "build"), _RSPACK),
    Framework("gulp", ("gulp",), _gulp, said=r"(?m)^gulp\b"),
    Framework("Storybook", ("storybook",), files("storybook", "storybook-static"), ("storybook", "build"), _STORYBOOK),
)
