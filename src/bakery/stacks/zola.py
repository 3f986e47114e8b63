"""Zola: a site of Markdown and templates, by its config.toml."""

import re

from bakery.model.app_commands import words
from bakery.stacks.compiled import Brought, Image
from bakery.stacks.documents import read_toml, text_in
from bakery.stacks.plan import Found, Said
from bakery.stacks.site_makers import NETLIFY, plain_place, site_of, version_of_program
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

# The second is anybody's, so its text has to tell.
FILES = ("zola.toml", "config.toml")
_USUAL = "0.21.0"
_OF_ZOLA = r"(?m)^base_url[ \t]*="  # Hugo's says baseURL
_FOLDERS = ("content/", "templates/", "themes/")


def find_zola_site(folder: Folder, _: Said) -> Found | None:
    name = folder.first(*FILES)
    if name is None or not re.search(_OF_ZOLA, folder.text(name) or "") or not any(map(folder.holds_any, _FOLDERS)):
        return None
    version, asked = version_of_program(folder, "Zola", usual=_USUAL)
    place = plain_place(text_in(read_toml(folder.text(name)), "output_dir"), "public")
    return site_of(
        "Zola",
        install=None,
        build=words("zola", "build"),
        why=(f"{folder.shown(name)} is Zola's: the build is files.", *asked),
        versions=(version,),
        image=Image(
            sources=(name,),
            build_from="debian:trixie-slim",
            brought=Brought(
                f"ghcr.io/getzola/zola:v{version.version}",
                {"/bin/zola": "/usr/local/bin/"},
                "Its own image has nothing but the program.",
            ),
            ignores=("public",),
            files=place,
        ),
    )


STACK = Stack("zola", find_zola_site, marks=FILES[:1], reads=(*FILES, NETLIFY), looks_for=FILES[:1])
