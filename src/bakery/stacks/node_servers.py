"""Frameworks of JavaScript whose build is a server, mostly: they answer requests, or make files where told to."""

import posixpath
import re

from bakery.stacks.documents import read_json, table_in, text_in
from bakery.stacks.javascript_text import config_text, configs, folder_setting, is_off, is_on, setting
from bakery.stacks.node_framework import LISTENING, Framework, Output, server
from bakery.stacks.package_json import Package
from bakery.stacks.tree import Folder, is_plain_path

_NITRO = ("node", ".output/server/index.mjs")
_TANSTACK = ("@tanstack/react-start", "@tanstack/solid-start", "@tanstack/start")
_OF_MEDUSA = ".medusa/server"
_VITE = configs("vite.config")
_NEXT, _NUXT, _ASTRO = configs("next.config"), configs("nuxt.config"), configs("astro.config")
_SVELTE, _ROUTER, _APP = configs("svelte.config"), configs("react-router.config"), configs("app.config")
READS = (*_VITE, *_NEXT, *_NUXT, *_ASTRO, *_SVELTE, *_ROUTER, *_APP, "angular.json", "app.json")


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
    return Output(why, start=("vite", "preview", *LISTENING))


def _remix(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_VITE)
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
        name for name in package.all_needs if re.fullmatch(r"@astrojs/(?:vercel|netlify|cloudflare|deno)", name)
    )
    if "@astrojs/node" in package.all_needs and re.search(r"\bmode\s{0,20}:\s{0,20}[\"']middleware\b", text):
        return _astro_within(folder, package, shown)
    if "@astrojs/node" in package.all_needs:
        why = f"{package.shown} needs Astro's adapter for Node, whose build is a server."
        return Output(why, start=("node", f"{out}/server/entry.mjs"))
    if setting(text, "output") in {"server", "hybrid"} or re.search(r"\badapter\s{0,20}:\s{0,20}\w+\(", text):
        other = adapters[0] if adapters else "another server"
        missing = f"{shown} builds for {other}, which does not run here: add @astrojs/node."
        return Output("", missing=missing)
    return Output(f"{package.shown} needs astro, without an adapter: its build is files alone, in {out}.", files=out)


def _astro_within(folder: Folder, package: Package, shown: str) -> Output:
    """A server of somebody's own hands requests to what is built."""
    called = (re.fullmatch(r"node (?:\./)?([\w./-]{1,100})", text.strip()) for text in package.scripts.values())
    program = next((found[1] for found in called if found and folder.has(found[1])), None)
    if program is None:
        return Output(
            "", missing=f"{shown} builds a part of a server, and no script starts that: add a script “start”."
        )
    return Output(f"{shown} builds a part of the server in {folder.shown(program)}.", start=("node", program))


def _tanstack(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_VITE)
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
    text, shown = config_text(folder, *_VITE)
    if is_on(text, "static"):
        return Output(f"{shown} says static: true, so its build is files alone.", files="dist/analog/public")
    why = f"{package.shown} needs Analog, whose build is a server."
    return Output(why, start=("node", "dist/analog/server/index.mjs"))


def _qwik(folder: Folder, package: Package) -> Output:
    if any(folder.has(f"adapters/static/{name}") for name in _VITE):
        return Output(f"{folder.shown('adapters/static')} is Qwik's adapter for files alone, in dist.", files="dist")
    for kind in ("express", "fastify", "node-server"):
        if any(folder.has(f"adapters/{kind}/{name}") for name in _VITE):
            why = f"{folder.shown(f'adapters/{kind}')} is Qwik's adapter for a server."
            return Output(why, start=("node", f"server/entry.{kind}.js"))
    return Output(
        "", missing=f"{package.shown} needs Qwik City, but no adapter is here: add one with “qwik add express”."
    )


def _vike(folder: Folder, package: Package) -> Output:
    text, shown = config_text(folder, *_VITE, *configs("pages/+config"))
    if is_on(text, "prerender"):
        return Output(f"{shown} says prerender: true, so its build is files alone.", files="dist/client")
    return Output(f"{package.shown} needs vike, which a server of the project's own answers with.")


def _angular(folder: Folder, package: Package) -> Output:
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
    if "@scullyio/scully" in package.all_needs and "scully" in package.script("build"):
        return Output(f"{package.shown} builds with Scully, which makes files of its pages.", files="dist/static")
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


def _adonis(_: Folder, package: Package) -> Output:
    """Its build is a project of its own, whose script “start” is right in there."""
    return Output(
        f"{package.shown} needs AdonisJS, whose build is a server in build.",
        start=("node", "build/bin/server.js"),
        instead_of="node bin/server.js",
    )


def _by_its_program(_: Folder, __: Package) -> None:
    """A library for servers: the project's own program begins them."""
    return


def _hydrogen(_: Folder, package: Package) -> Output:
    missing = f"{package.shown} needs Hydrogen, whose build is for Shopify's own machines: say how it is started."
    return Output("", missing=missing)


def _redwood(folder: Folder, package: Package) -> Output:
    """Its two sides are workspaces; one program serves both."""
    is_new = re.match(r"[\^~]?(?:[7-9]|[1-9][0-9])\b", package.asks.get("@redwoodjs/core", "")) is not None
    at = ("--web-host", "$HOST", "--web-port", "$PORT") if is_new else ("--port", "$PORT")
    release = ("rw", "prisma", "migrate", "deploy") if folder.holds_any("api/db/migrations/") else ()
    why = f"{package.shown} needs RedwoodJS, whose build is a server."
    return Output(why, start=("rw", "serve", *at), release=release)


def _sapper(_: Folder, package: Package) -> Output:
    if "sapper export" in package.script("build"):
        out = "__sapper__/export"
        return Output(f"{package.shown} builds with “sapper export”, whose output is files, in {out}.", files=out)
    return Output(f"{package.shown} needs sapper, whose build is a server.", start=("node", "__sapper__/build"))


def _medusa(_: Folder, package: Package) -> Output:
    """Its build is a project of its own, and the pages of its administration are looked for from there."""
    return Output(
        f"{package.shown} needs Medusa, whose build is a server in {_OF_MEDUSA}.",
        start=("medusa", "start"),
        release=("medusa", "db:migrate"),
        within=_OF_MEDUSA,
        instead_of="medusa start",
    )


# The first that fits counts: what is built on something else stands before it.
PAGES = (
    Framework("RedwoodJS", ("@redwoodjs/core",), _redwood, ("rw", "build")),
    Framework("Hydrogen", ("@shopify/hydrogen",), _hydrogen),
    Framework("Keystone", ("@keystone-6/core",), server("Keystone", "keystone", "start"), ("keystone", "build")),
    Framework("Blitz", ("blitz",), server("Blitz", "blitz", "start"), ("blitz", "build")),
    Framework("Next.js", ("next",), _next, ("next", "build")),
    Framework("Nuxt", ("nuxt", "nuxt3", "nuxt-edge"), _nuxt, ("nuxt", "build")),
    Framework("SvelteKit", ("@sveltejs/kit",), _sveltekit, ("vite", "build")),
    Framework("Sapper", ("sapper",), _sapper, ("sapper", "build")),
    Framework("TanStack Start", _TANSTACK, _tanstack, ("vite", "build")),
    Framework("SolidStart", ("@solidjs/start",), _solid_start, ("vinxi", "build")),
    Framework("React Router", ("@react-router/dev",), _react_router, ("react-router", "build")),
    Framework("Remix", ("@remix-run/dev", "@remix-run/node", "@remix-run/serve"), _remix, ("remix", "vite:build")),
    Framework("Qwik City", ("@builder.io/qwik-city", "@qwik.dev/router"), _qwik),
    Framework("Analog", ("@analogjs/platform",), _analog, ("vite", "build")),
    Framework("Astro", ("astro",), _astro, ("astro", "build")),
    Framework("Vike", ("vike",), _vike, ("vike", "build")),
    Framework("Waku", ("waku",), server("waku", "waku", "start"), ("waku", "build")),
    Framework("Expo", ("expo",), _expo, ("expo", "export", "--platform", "web")),
    Framework("Angular", ("@angular/core",), _angular, ("ng", "build")),
)
BACKENDS = (
    Framework("NestJS", ("@nestjs/core",), server("NestJS", "node", "dist/main.js"), ("nest", "build")),
    Framework("Strapi", ("@strapi/strapi",), server("Strapi", "strapi", "start"), ("strapi", "build")),
    Framework("Medusa", ("@medusajs/medusa",), _medusa, ("medusa", "build")),
    Framework("Mastra", ("mastra",), server("Mastra", "mastra", "start"), ("mastra", "build")),
    Framework("AdonisJS", ("@adonisjs/core",), _adonis, ("node", "ace", "build")),
    Framework("Nitro", ("nitropack", "nitro"), server("Nitro", *_NITRO), ("nitro", "build")),
)
LIBRARIES = (
    Framework("Express", ("express",), _by_its_program),
    Framework("Fastify", ("fastify",), _by_its_program),
    Framework("Hono", ("hono",), _by_its_program),
    Framework("Koa", ("koa",), _by_its_program),
    Framework("Elysia", ("elysia",), _by_its_program),
)
