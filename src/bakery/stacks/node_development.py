"""Scripts that start what nobody should meet in production: a server for development, or one that hands out files."""

import re

from bakery.stacks.tree import is_plain_path

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
    "wrangler": ("dev",), "nx": ("serve", "dev"), "vuepress": ("dev",), "rspress": ("dev", "preview"),
    "rsbuild": ("", "dev", "preview"), "rspack": ("", "serve", "dev", "preview"),
    "farm": ("", "start", "dev", "preview"),
    "au": ("run",), "brunch": ("watch",), "charge": ("serve",), "elm-app": ("start",), "gridsome": ("develop",),
    "saber": ("",), "docz": ("dev",), "microsite": ("",), "greenwood": ("develop", "serve"), "polymer": ("serve",),
    "sapper": ("dev",), "snowpack": ("dev",), "medusa": ("develop", "dev"), "mastra": ("dev",), "blitz": ("dev",),
    "dts": ("watch",), "tsdx": ("watch", "start"),
    "keystone": ("dev",), "rw": ("dev",), "redwood": ("dev",), "gulp": ("",), "shopify": ("hydrogen",),
}  # fmt: skip


_FILE_SERVERS = ("serve", "http-server", "sirv", "static-server", "superstatic", "local-web-server", "ws")


def is_for_development(script: str) -> bool:
    """Is this, the last command of a script, a server that nobody should meet in production?"""
    words = _last_command(script)
    if not words:
        return False
    if words[0].endswith("eleventy"):
        return "--serve" in words or "--watch" in words
    if words[0] in {"parcel", "mdx-deck"}:
        return "build" not in words
    if words[0] == "per-env":  # of Preact's starter: which of its scripts it is depends on where it runs
        return True
    if words[0] == "stencil":
        return "--serve" in words
    second = words[1] if len(words) > 1 and not words[1].startswith("-") else ""
    return second in _FOR_DEVELOPMENT.get(words[0], ())


def folder_handed_out(script: str) -> str | None:
    """The folder of files, where that is all that this script does: “serve -s build”."""
    words = _last_command(script)
    if not words or words[0].partition("@")[0] not in _FILE_SERVERS:
        return None
    paths = [word.removeprefix("./").rstrip("/") for word in words[1:] if not word.startswith("-")]
    return next((one for one in paths if is_plain_path(one.lstrip(".")) and re.search(r"[A-Za-z]", one)), None)


def _last_command(script: str) -> list[str]:
    """Its words, without what only sets a variable or fetches the program."""
    words = re.split(r"&&|;", script[:1000])[-1].split()
    while words and (
        words[0] in {"cross-env", "npx", "bunx", "--bun", "-y", "--yes"} or re.match(r"[A-Z_]+=", words[0])
    ):
        words.pop(0)
    return words
