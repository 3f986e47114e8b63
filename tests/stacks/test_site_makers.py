"""Sites of Jekyll, Hugo, Zola, MkDocs and the like: found where a repository is about them, and not beside an app."""

import pytest

from bakery.stacks.plan import THE_DEFAULT, ToolVersion
from tests.stacks.trees import Files, plan_of, unknown

PAGES: Files = {"docs/conf.py": 'project = "shop"\n', "docs/index.rst": "", "mkdocs.yml": "site_name: shop\n"}
FLASK = "from flask import Flask\napp = Flask(__name__)\n"


@pytest.mark.parametrize(
    ("files", "stack"),
    [
        ({"requirements.txt": "flask\ngunicorn\n", "app.py": FLASK}, "python"),
        ({"package.json": '{"scripts": {"start": "node server.js"}}'}, "node"),
        ({"go.mod": "module shop\n", "main.go": "package main\nfunc main() {}\n"}, "go"),
        # These say too little, and are no sites for that.
        ({"package.json": "{}"}, "node"),
        ({"pyproject.toml": '[project]\nname = "shop"\n'}, "python"),
        ({"requirements.txt": "requests\n"}, "python"),
    ],
)
def test_pages_about_something_are_not_what_it_is(files: Files, stack: str) -> None:
    assert plan_of({**PAGES, **files}).stack == stack


def test_a_project_of_python_that_names_its_maker_is_one_of_pages() -> None:
    files = {"mkdocs.yml": "", "pyproject.toml": '[project]\nname = "x"\ndependencies = [\n  "mkdocs",\n]\n'}
    assert plan_of(files).stack == "mkdocs"


def test_a_config_of_anybody_is_no_site() -> None:
    unknown({"_config.yml": "a: b\n", "config.toml": "[a]\n", "conf.py": "a = 1\n", "index.rst": ""})
    unknown({"config.toml": "[a]\n", "content/a.md": ""})
    assert plan_of({"_config.yml": "", "package.json": '{"dependencies": {"hexo": "7"}}'}).framework == "Hexo"
    assert plan_of({"_config.yml": "", "Gemfile": 'gem "sinatra"\n', "app.rb": "require 'sinatra'\n"}).stack == "ruby"


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, ToolVersion("Hugo", "0.152.2", THE_DEFAULT)),
        ({".tool-versions": "hugo extended_0.140.1\n"}, ToolVersion("Hugo", "0.140.1", ".tool-versions")),
        ({"mise.toml": '[tools]\nhugo = "latest"\n'}, ToolVersion("Hugo", "0.152.2", "mise.toml")),
        ({"netlify.toml": 'HUGO_VERSION = "0.145.0"\n'}, ToolVersion("Hugo", "0.145.0", "netlify.toml")),
    ],
)
def test_the_version_of_hugo_is_read_where_people_write_it(files: Files, version: ToolVersion) -> None:
    assert plan_of({"hugo.toml": "", **files}).versions == (version,)


@pytest.mark.parametrize("name", ["hugo.yaml", "hugo.json", "config.toml", "config.yaml"])
def test_hugo_is_found_by_its_newer_and_older_names(name: str) -> None:
    assert plan_of({name: "", "content/a.md": "", "themes/a/theme.toml": ""}).stack == "hugo"


def test_zola_is_told_from_hugo_by_its_settings() -> None:
    pages = {"content/a.md": "", "themes/a/theme.toml": ""}
    assert plan_of({"config.toml": 'base_url = "https://x"\n', **pages}).stack == "zola"
    assert plan_of({"config.toml": 'baseURL = "https://x"\n', **pages}).stack == "hugo"
    unknown({"config.toml": 'base_url = "https://x"\n', "README.md": ""})


def test_a_config_in_ruby_is_middlemans_only_where_its_gem_is_named() -> None:
    assert plan_of({"config.rb": "", "Gemfile": 'gem "sinatra"\n', "app.rb": "require 'sinatra'\n"}).stack == "ruby"


def test_a_site_of_pelican_without_a_list_is_built_with_what_most_need() -> None:
    plan = plan_of({"pelicanconf.py": "PATH = 'posts'\n", "posts/a.md": ""})
    assert str(plan.commands.install) == "pip install 'pelican[markdown]'"
    assert str(plan.commands.build) == "pelican posts --settings pelicanconf.py --output output"


@pytest.mark.parametrize("place", ["../out", "/etc", "a b", "$HOME", ""])
def test_a_folder_that_leads_elsewhere_does_not_count(place: str) -> None:
    assert plan_of({"hugo.yaml": f'publishDir: "{place}"\n'}).static_folder == "public"
    assert plan_of({"_config.yml": f'destination: "{place}"\n', "_posts/a.md": ""}).static_folder == "_site"


def test_what_github_has_is_built_with_a_ruby_that_it_runs_on() -> None:
    gemfile = {"_config.yml": "", "Gemfile": 'gem "github-pages", group: :jekyll_plugins\n'}
    assert plan_of(gemfile).versions == (ToolVersion("Ruby", "3.3", THE_DEFAULT),)
    assert plan_of({**gemfile, ".ruby-version": "3.2.2\n"}).versions == (ToolVersion("Ruby", "3.2", ".ruby-version"),)
