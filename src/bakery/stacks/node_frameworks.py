"""What frameworks of JavaScript make of a project: files alone, or a server, and how that is started.

A row a framework, and a small function where it has more than one way. What a project's own script `start` says
comes before a server's usual start, unless that is a server for development.
"""

import posixpath
import re
from collections.abc import Callable

from msgspec import Struct

from bakery.stacks.documents import read_json, table_in, text_in
from bakery.stacks.javascript_text import config_text, configs, folder_setting, is_off, is_on, setting
from bakery.stacks.package_json import Package
from bakery.stacks.tree import Folder, is_plain_path


class Output(Struct, frozen=True):
    """`files`: a folder that any web server can hand out. `start`: a program of a package with its arguments, or “node”
    with its own; `$HOST` and `$PORT` stand for where it listens. Neither: a script has to say how it is started.
    """

    why: str
    files: str | None = None
    start: tuple[str, ...] = ()
    missing: str = ""
    instead_of: str = ""  # a script “start” that is right only within what was built


class Framework(Struct, frozen=True):
    """`packages`: any of these makes it one, where a script fits the pattern `said`. `build`: what builds it where no
    script does.
    """

    name: str
    packages: tuple[str, ...]
    output: Callable[[Folder, Package], Output | None]
    build: tuple[str, ...] = ()
    said: str = ""

    def is_of(self, package: Package) -> bool:
        named = any(name in package.all_needs for name in self.packages)
        return named and re.search(self.said, _scripts(package)) is not None


_LISTENING = ("--host", "$HOST", "--port", "$PORT")
_NITRO = ("node", ".output/server/index.mjs")
_TANSTACK = ("@tanstack/react-start", "@tanstack/solid-start", "@tanstack/start")
VITE_CONFIGS = configs("vite.config")
_NEXT, _NUXT, _ASTRO = configs("next.config"), configs("nuxt.config"), configs("astro.config")
_SVELTE, _ROUTER, _APP = configs("svelte.config"), configs("react-router.config"), configs("app.config")
_STORYBOOK = r"\b(?:storybook build|build-storybook)\b"
_WEBPACK = (*configs("webpack.config"), "webpack.prod.js")
_STENCIL = configs("stencil.config")
_ELEVENTY = (".eleventy.js", *configs("eleventy.config"))
READS = (
    *VITE_CONFIGS, *_NEXT, *_NUXT, *_ASTRO, *_SVELTE, *_ROUTER, *_APP, *_ELEVENTY, *_WEBPACK, *_STENCIL,
    "angular.json", "app.json",
)  # fmt: skip
# What these programs do with these words is for development, or shows a build to its maker. “”: without any.
_FOR_DEVELOPMENT = {
    "vite": ("", "dev", "serve", "preview"), "astro": ("", "dev", "preview"), "next": ("dev",), "ng": ("serve", "s"),
    "nuxt": ("dev", "preview"), "nuxi": ("dev", "preview"), "remix": ("dev", "vite:dev"), "react-router": ("dev",),
    "react-scripts": ("start",), "gatsby": ("develop", "serve"), "vue-cli-service": ("serve",), "nest": ("start",),
    "expo": ("start",), "docusaurus": ("start", "serve"), "vitepress": ("", "dev", "serve", "preview"),
    "vinxi": ("dev",), "webpack": ("serve", "server"), "webpack-dev-server": ("",),
    "ember": ("serve", "server"), "nitro": ("dev", "preview"), "slidev": ("", "dev"),
    "umi": ("dev",), "max": ("dev",), "sanity": ("dev", "start", "preview"),
    "storybook": ("dev",), "hexo": ("server",), "preact": ("watch",),
    "wrangler": ("dev",), "nx": ("serve", "dev"),
}  # fmt: skip


def is_for_development(script: str) -> bool:
    """Is this, the last command of a script, a server that nobody should meet in production?"""
    words = re.split(r"&&|;", script[:1000])[-1].split()
    while words and (words[0] in {"cross-env", "npx", "bunx", "--bun"} or re.match(r"[A-Z_]+=", words[0])):
        words.pop(0)
    if not words:
        return False
    if words[0].endswith("eleventy"):
        return "--serve" in words or "--watch" in words
    if words[0] == "parcel":
        return "build" not in words
    if words[0] == "stencil":
        return "--serve" in words
    second = words[1] if len(words) > 1 and not words[1].startswith("-") else ""
    return second in _FOR_DEVELOPMENT.get(words[0], ())


def find_framework(package: Package) -> Framework | None:
    return next((one for one in FRAMEWORKS if one.is_of(package)), None)


def _next(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_NEXT)
    if setting(text, "output") == "export":
        out = folder_setting(text, "distDir", usual="out")
        return Output(f"{shown} says output “export”, so its build is files alone, in {out}.", files=out)
    return Output(f"{package.shown} needs next, which answers requests itself.", start=("next", "start"))


def _nuxt(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_NUXT)
    old = re.match(r"[\^~]?2\b", package.asks.get("nuxt", "")) is not None
    generates = re.search(r"\b(?:nuxt|nuxi) generate\b", package.script("build"))
    if generates or (old and setting(text, "target") == "static"):
        files = "dist" if old else ".output/public"
        return Output(f"{package.shown} builds with “nuxt generate”, whose output is files alone.", files=files)
    if setting(text, "preset") == "static":
        return Output(f"{shown} chooses the preset “static”, so its build is files alone.", files=".output/public")
    start = ("nuxt", "start") if old else _NITRO
    return Output(f"{package.shown} needs nuxt, whose build is a server.", start=start)


def _sveltekit(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_SVELTE)
    if "@sveltejs/adapter-static" in package.all_needs:
        pages = folder_setting(text, "pages", usual="build")
        return Output(f"{package.shown} needs SvelteKit's adapter-static: the build is files, in {pages}.", files=pages)
    if "@sveltejs/adapter-node" in package.all_needs:
        out = folder_setting(text, "out", usual="build")
        return Output(f"{package.shown} needs SvelteKit's adapter-node, whose build is a server.", start=("node", out))
    why = (
        f"{shown or package.shown} chooses no adapter that makes a server, so Vite's preview answers; for production "
        "add @sveltejs/adapter-node."
    )
    return Output(why, start=("vite", "preview", *_LISTENING))


def _remix(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *VITE_CONFIGS)
    if shown and is_off(text, "ssr"):
        return Output(f"{shown} says ssr: false, so its build is files alone.", files="build/client")
    build = "build/server/index.js" if shown else "build/index.js"
    start = ("remix-serve", build) if "@remix-run/serve" in package.needs else ()
    return Output(f"{package.shown} needs Remix, whose build is a server.", start=start)


def _react_router(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_ROUTER)
    if shown and is_off(text, "ssr"):
        return Output(f"{shown} says ssr: false, so its build is files alone.", files="build/client")
    start = ("react-router-serve", "build/server/index.js") if "@react-router/serve" in package.needs else ()
    return Output(f"{package.shown} needs React Router's framework, whose build is a server.", start=start)


def _astro(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_ASTRO)
    out = folder_setting(text, "outDir", usual="dist")
    adapters = sorted(
        name for name in package.all_needs if re.fullmatch(r"@astrojs/(?:vercel|netlify|cloudflare)", name)
    )
    if "@astrojs/node" in package.all_needs:
        why = f"{package.shown} needs Astro's adapter for Node, whose build is a server."
        return Output(why, start=("node", f"{out}/server/entry.mjs"))
    if setting(text, "output") in {"server", "hybrid"} or (adapters and "adapter" in text):
        missing = (
            f"{shown} builds for {adapters[0] if adapters else 'a server'}, which does not run here: add @astrojs/node."
        )
        return Output("", missing=missing)
    return Output(f"{package.shown} needs astro, without an adapter: its build is files alone, in {out}.", files=out)


def _tanstack(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *VITE_CONFIGS)
    if re.search(r"\bspa\s{0,20}:\s{0,20}\{\s{0,20}enabled\s{0,20}:\s{0,20}true", text):
        return Output(f"{shown} says spa: enabled, so its build is files alone.", files="dist/client")
    has_nitro = "vinxi" in package.all_needs or any("nitro" in name for name in package.all_needs)
    if not has_nitro and not package.script("start"):
        missing = "its build answers requests, but no server hands them on: add Nitro's plugin, or a script “start”."
        return Output("", missing=f"{package.shown} needs TanStack Start, and {missing}")
    return Output(f"{package.shown} needs TanStack Start, whose build is a server.", start=_NITRO if has_nitro else ())


def _solid_start(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_APP)
    if setting(text, "preset") == "static":
        return Output(f"{shown} chooses the preset “static”, so its build is files alone.", files=".output/public")
    return Output(f"{package.shown} needs SolidStart, whose build is a server.", start=_NITRO)


def _analog(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *VITE_CONFIGS)
    if is_on(text, "static"):
        return Output(f"{shown} says static: true, so its build is files alone.", files="dist/analog/public")
    why = f"{package.shown} needs Analog, whose build is a server."
    return Output(why, start=("node", "dist/analog/server/index.mjs"))


def _qwik(folder: Folder, package: Package) -> Output:
    if any(folder.has(f"adapters/static/{name}") for name in VITE_CONFIGS):
        return Output(f"{folder.shown('adapters/static')} is Qwik's adapter for files alone, in dist.", files="dist")
    for server in ("express", "fastify", "node-server"):
        if any(folder.has(f"adapters/{server}/{name}") for name in VITE_CONFIGS):
            name = server.removesuffix("-server")
            why = f"{folder.shown(f'adapters/{server}')} is Qwik's adapter for a server."
            return Output(why, start=("node", f"server/entry.{name}.js"))
    return Output(
        "", missing=f"{package.shown} needs Qwik City, but no adapter is here: add one with “qwik add express”."
    )


def _vike(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *VITE_CONFIGS, *configs("pages/+config"))
    if is_on(text, "prerender"):
        return Output(f"{shown} says prerender: true, so its build is files alone.", files="dist/client")
    return Output(f"{package.shown} needs vike, which a server of the project's own answers with.")


def _angular(folder: Folder, _: Package) -> Output:
    document = read_json(folder.text("angular.json"))
    projects = table_in(document, "projects")
    shown = folder.shown("angular.json")
    usual = text_in(document, "defaultProject")
    apps = [name for name in projects if text_in(projects, name, "projectType") in {"application", None}]
    name = usual if usual in apps else next(iter(apps), None)
    if name is None or not is_plain_path(name):
        return Output("", missing=f"{shown} names no project that is an application.")
    target = ("architect", "build") if table_in(projects, name, "architect") else ("targets", "build")
    builder = text_in(projects, name, *target, "builder") or ""
    options = table_in(projects, name, *target, "options")
    base = text_in(options, "outputPath") or text_in(options, "outputPath", "base") or f"dist/{name}"
    base = posixpath.normpath(base).removeprefix("./")
    base = base if is_plain_path(base) else f"dist/{name}"
    if not builder.endswith(":application"):
        return Output(f"{shown} builds “{name}” into files alone, in {base}.", files=base)
    if options.get("ssr") and text_in(options, "outputMode") != "static":
        why = f"{shown} builds “{name}” with a server (ssr)."
        return Output(why, start=("node", f"{base}/server/server.mjs"))
    browser = text_in(options, "outputPath", "browser")
    files = base if browser == "" else f"{base}/{browser or 'browser'}"
    return Output(f"{shown} builds “{name}” into files alone, in {files}.", files=files)


def _expo(folder: Folder, package: Package) -> Output | None:
    if not package.all_needs & {"react-native-web", "@expo/metro-runtime"}:
        return Output(
            "", missing=f"{package.shown} needs expo, but not react-native-web: nothing of it is for browsers."
        )
    document = read_json(folder.text("app.json"))
    if text_in(document, "expo", "web", "output") == "server":
        why = f"{folder.shown('app.json')} says web.output “server”, so Expo's own server answers."
        return Output(why, start=("expo", "serve", "--port", "$PORT"))
    return Output(f"{package.shown} needs expo with react-native-web: its export for browsers is files.", files="dist")


def _eleventy(folder: Folder, package: Package) -> Output:
    text, _ = config_text(folder, *_ELEVENTY)
    out = folder_setting(text, "output", usual="_site")
    found = re.search(r"--output=([A-Za-z0-9_./-]{1,100})", package.script("build"))
    out = found[1] if found and is_plain_path(found[1]) else out
    return Output(f"{package.shown} needs Eleventy, whose build is files alone, in {out}.", files=out)


def _vite(folder: Folder, package: Package) -> Output | None:
    """Files where there is a page; else a part of something with a server of its own."""
    text, shown = config_text(folder, *VITE_CONFIGS)
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


def _files(what: str, out: str) -> Callable[[Folder, Package], Output]:
    return lambda _, package: Output(f"{package.shown} needs {what}, whose build is files alone.", files=out)


def _parcel(_: Folder, package: Package) -> Output | None:
    """Files where a script names a page."""
    scripts = _scripts(package)
    if not re.search(r"\bparcel\b[^&|;\n]{0,200}\.html\b", scripts):
        return None
    found = re.search(r"--(?:dist-dir|out-dir)[ =]([A-Za-z0-9_][A-Za-z0-9_/-]{0,60})", scripts)
    out = found[1] if found else "dist"
    return Output(
        f"{package.shown} needs parcel, and a script of it names a page: the build is files, in {out}.", files=out
    )


def _webpack(folder: Folder, package: Package) -> Output:
    """Its server is for development, and hands out what a build leaves."""
    text, shown = config_text(folder, *_WEBPACK)
    found = re.search(r"path\.(?:resolve|join)\(\s*__dirname\s*,\s*[\"'](?:\./)?([A-Za-z0-9_][\w/-]{0,60})[\"']", text)
    out = found[1] if found and "output" in text[: found.start()] else "dist"
    where = f"{shown} puts them into {out}" if shown and out != "dist" else "they are in dist"
    return Output(
        f"{package.shown} has webpack's own server for development, so the build is files; {where}.", files=out
    )


def _vitepress(_: Folder, package: Package) -> Output:
    found = re.search(r"vitepress build(?: +([A-Za-z0-9_][A-Za-z0-9_/-]{0,60}))?", _scripts(package))
    root = found[1] if found and found[1] else ""
    out = f"{root}/.vitepress/dist" if root else ".vitepress/dist"
    return Output(f"{package.shown} needs vitepress, whose build is files alone, in {out}.", files=out)


def _slidev(_: Folder, package: Package) -> Output:
    found = re.search(r"\bslidev build\b[^&|;\n]{0,200}(?:--out|-o)[ =]([A-Za-z0-9_][\w/-]{0,60})", _scripts(package))
    out = found[1] if found else "dist"
    return Output(f"{package.shown} needs Slidev, whose build is files alone, in {out}.", files=out)


def _stencil(folder: Folder, _: Package) -> Output | None:
    """Files where it says that there are pages; else elements for others to use."""
    text, shown = config_text(folder, *_STENCIL)
    if not re.search(r"""\btype\s{0,20}:\s{0,20}["']www["']""", text):
        return None
    return Output(f"{shown} makes pages (“www”), so the build is files alone, in www.", files="www")


def _adonis(_: Folder, package: Package) -> Output:
    """Its build is a project of its own, whose script “start” is right in there."""
    return Output(
        f"{package.shown} needs AdonisJS, whose build is a server in build.",
        start=("node", "build/bin/server.js"),
        instead_of="node bin/server.js",
    )


def _scripts(package: Package) -> str:
    return "\n".join(package.scripts.values())[:5000]


def _server(what: str, *start: str) -> Callable[[Folder, Package], Output]:
    return lambda _, package: Output(f"{package.shown} needs {what}, which answers requests itself.", start=start)


def _by_its_program(_: Folder, __: Package) -> None:
    """A library for servers: the project's own program begins them."""
    return


# The first that fits counts: what is built on something else stands before it.
FRAMEWORKS = (
    Framework("Next.js", ("next",), _next, ("next", "build")),
    Framework("Nuxt", ("nuxt", "nuxt3", "nuxt-edge"), _nuxt, ("nuxt", "build")),
    Framework("SvelteKit", ("@sveltejs/kit",), _sveltekit, ("vite", "build")),
    Framework("TanStack Start", _TANSTACK, _tanstack, ("vite", "build")),
    Framework("SolidStart", ("@solidjs/start",), _solid_start, ("vinxi", "build")),
    Framework("React Router", ("@react-router/dev",), _react_router, ("react-router", "build")),
    Framework("Remix", ("@remix-run/dev", "@remix-run/node", "@remix-run/serve"), _remix, ("remix", "vite:build")),
    Framework("Qwik City", ("@builder.io/qwik-city", "@qwik.dev/router"), _qwik),
    Framework("Analog", ("@analogjs/platform",), _analog, ("vite", "build")),
    Framework("Astro", ("astro",), _astro, ("astro", "build")),
    Framework("Vike", ("vike",), _vike, ("vike", "build")),
    Framework("Waku", ("waku",), _server("waku", "waku", "start"), ("waku", "build")),
    Framework("Gatsby", ("gatsby",), _files("gatsby", "public"), ("gatsby", "build")),
    Framework("Docusaurus", ("@docusaurus/core",), _files("docusaurus", "build"), ("docusaurus", "build")),
    Framework("VitePress", ("vitepress",), _vitepress, ("vitepress", "build")),
    Framework("Hexo", ("hexo",), _files("hexo", "public"), ("hexo", "generate")),
    Framework("Eleventy", ("@11ty/eleventy",), _eleventy, ("eleventy",)),
    Framework("Expo", ("expo",), _expo, ("expo", "export", "--platform", "web")),
    Framework("Angular", ("@angular/core",), _angular, ("ng", "build")),
    Framework("Create React App", ("react-scripts",), _files("react-scripts", "build"), ("react-scripts", "build")),
    Framework("Vue CLI", ("@vue/cli-service",), _files("Vue CLI", "dist"), ("vue-cli-service", "build")),
    Framework("Ember", ("ember-cli",), _files("ember-cli", "dist"), ("ember", "build", "--environment=production")),
    Framework("NestJS", ("@nestjs/core",), _server("NestJS", "node", "dist/main.js"), ("nest", "build")),
    Framework("Strapi", ("@strapi/strapi",), _server("Strapi", "strapi", "start"), ("strapi", "build")),
    Framework("AdonisJS", ("@adonisjs/core",), _adonis, ("node", "ace", "build")),
    Framework("Nitro", ("nitropack", "nitro"), _server("Nitro", *_NITRO), ("nitro", "build")),
    Framework("Slidev", ("@slidev/cli",), _slidev, ("slidev", "build")),
    Framework("Umi", ("umi", "@umijs/max"), _files("umi", "dist"), ("umi", "build")),
    Framework("Sanity", ("sanity",), _files("sanity", "dist"), ("sanity", "build")),
    Framework("Preact CLI", ("preact-cli",), _files("preact-cli", "build"), ("preact", "build")),
    Framework("Stencil", ("@stencil/core",), _stencil, ("stencil", "build")),
    Framework("Vite", ("vite",), _vite, ("vite", "build")),
    Framework("Express", ("express",), _by_its_program),
    Framework("Fastify", ("fastify",), _by_its_program),
    Framework("Hono", ("hono",), _by_its_program),
    Framework("Koa", ("koa",), _by_its_program),
    Framework("Elysia", ("elysia",), _by_its_program),
    # Beside a library for servers these make its pages.
    Framework("Parcel", ("parcel", "parcel-bundler"), _parcel),
    Framework("webpack", ("webpack-dev-server",), _webpack),
    Framework("webpack", ("webpack-cli",), _webpack, said=r"\bwebpack serve\b"),
    Framework("Storybook", ("storybook",), _files("storybook", "storybook-static"), ("storybook", "build"), _STORYBOOK),
)  # fmt: skip
