"""Middleman: a site of Ruby's templates, by its Gemfile and config.rb."""

import re

from bakery.model.app_commands import words
from bakery.stacks import ruby
from bakery.stacks.compiled import Image
from bakery.stacks.plan import Found, Said
from bakery.stacks.site_makers import plain_place, site_of
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

SETTINGS = "config.rb"
_NAMED = r"""(?m)^[ \t]*gem[ (][ \t]*["']middleman["']"""


def find_middleman_site(folder: Folder, _: Said) -> Found | None:
    if not folder.has(SETTINGS) or not re.search(_NAMED, folder.text(ruby.GEMFILE) or ""):
        return None
    version, asked = ruby.ruby_version(folder)
    first = folder.present(ruby.GEMFILE, ruby.LOCK)
    named = re.search(
        r"""(?m)^[ \t]*set[ (][ \t]*:build_dir[ \t]*,[ \t]*["']([^"'\n]{1,80})""", folder.text(SETTINGS) or ""
    )
    return site_of(
        "Middleman",
        install=words("bundle", "install"),
        build=words("bundle", "exec", "middleman", "build"),
        why=(f"{folder.shown(SETTINGS)} is Middleman's, which {folder.shown(ruby.GEMFILE)} names.", *asked),
        versions=(version,),
        image=Image(
            sources=first,
            build_from=f"ruby:{version.version}",
            # For what it compresses and compiles for browsers.
            packages_to_build=("nodejs",),
            first=first,
            caches=("/usr/local/bundle/cache",),
            build_variables={"LANG": "C.UTF-8"},
            ignores=("build", ".cache"),
            files=plain_place(named[1] if named else None, "build"),
        ),
    )


STACK = Stack(
    "middleman",
    find_middleman_site,
    marks=(SETTINGS,),
    reads=(SETTINGS, ruby.GEMFILE),
    reads_above=(".ruby-version",),
    looks_for=(),
)
