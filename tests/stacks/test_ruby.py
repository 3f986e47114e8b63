import pytest

from bakery.model.app_commands import ShellText, words
from bakery.model.runtimes import Runtime
from tests.stacks.trees import Files, plan_of, unknown

LOCK = """\
GEM
  remote: https://rubygems.org/
  specs:
    pg (1.5.4)
    puma (6.4.0)
      nio4r (~> 2.0)
    rails (7.1.2)
      actioncable (= 7.1.2)
    sprockets (4.2.1)

RUBY VERSION
   ruby 3.3.1p55

BUNDLED WITH
   2.5.3
"""
RAILS: Files = {
    "Gemfile": 'source "https://rubygems.org"\ngem "rails", "~> 7.1"\ngem "pg"\n',
    "Gemfile.lock": LOCK,
    "config/application.rb": "",
    "config/database.yml": "",
    "config.ru": "",
    "config/credentials.yml.enc": "",
}
INSTALL = ShellText(
    "bundle config set --local path vendor/bundle && bundle config set --local without development:test"
    " && bundle install"
)


def test_a_rails_app_in_full() -> None:
    plan = plan_of(RAILS)
    assert (plan.stack, plan.framework, plan.runtime, plan.port) == ("ruby", "Rails", Runtime.DOCKER, 3000)
    assert plan.commands.install == INSTALL
    assert plan.commands.build == words(
        "env", "RAILS_ENV=production", "SECRET_KEY_BASE_DUMMY=1", "bundle", "exec", "rails", "assets:precompile"
    )
    assert plan.commands.start == ShellText(
        'exec env RAILS_ENV="${RAILS_ENV:-production}" bundle exec rails server --binding "${HOST:-127.0.0.1}"'
        ' --port "${PORT:-3000}"'
    )
    assert plan.commands.release == words("env", "RAILS_ENV=production", "bundle", "exec", "rails", "db:prepare")
    assert [(one.tool, one.version, one.source) for one in plan.versions] == [
        ("Ruby", "3.3", "Gemfile.lock"),
        ("Bundler", "2.5.3", "Gemfile.lock"),
    ]
    assert plan.system_packages == ("libpq5",)
    assert [(one.name, one.why) for one in plan.variables] == [
        ("RAILS_MASTER_KEY", "config/credentials.yml.enc is read with it."),
        ("DATABASE_URL", "Gemfile.lock needs pg, a client of PostgreSQL."),
    ]
    assert plan.why == (
        "Gemfile is Ruby's.",
        "Gemfile.lock asks for Ruby 3.3 (“3.3.1p55”).",
        "config/application.rb is Rails'.",
        "Gemfile.lock needs pg, and that libpq5.",
        "config/database.yml is here, so its migrations run before a release.",
        "Its assets are compiled with the image.",
    )


def test_an_api_of_rails_compiles_no_assets() -> None:
    plan = plan_of({**RAILS, "Gemfile.lock": LOCK.replace("    sprockets (4.2.1)\n", "")})
    assert plan.commands.build is None


def test_before_7_1_rails_has_to_be_told_a_secret_for_its_assets() -> None:
    plan = plan_of({**RAILS, "Gemfile.lock": LOCK.replace("7.1.2", "7.0.8")})
    assert plan.commands.build is not None
    assert "SECRET_KEY_BASE=only-for-assets" in plan.commands.build.argv


@pytest.mark.parametrize(
    ("files", "start"),
    [
        (
            {"Gemfile": 'gem "sinatra"\ngem "puma"', "app.rb": "require 'sinatra'\n"},
            'exec bundle exec ruby app.rb -o "${HOST:-127.0.0.1}" -p "${PORT:-3000}"',
        ),
        (
            {"Gemfile": "gem 'puma'", "config.ru": "run App"},
            'exec bundle exec puma --bind "tcp://${HOST:-127.0.0.1}:${PORT:-3000}"',
        ),
        (
            {"Gemfile": "gem 'rack'", "Gemfile.lock": "    rack (2.2.8)\n", "config.ru": "run App"},
            'exec bundle exec rackup --host "${HOST:-127.0.0.1}" --port "${PORT:-3000}"',
        ),
        ({"Gemfile": "gem 'x'", "server.rb": ""}, "exec bundle exec ruby server.rb"),
        ({"app.rb": "puts 1"}, "exec ruby app.rb"),
    ],
)
def test_how_it_starts(files: Files, start: str) -> None:
    plan = plan_of(files)
    assert (plan.stack, plan.commands.start, plan.missing) == ("ruby", ShellText(start), ())


def test_a_server_that_is_missing_is_told() -> None:
    assert plan_of({"Gemfile": "gem 'rack'", "config.ru": "run App"}).missing == (
        "config.ru is for a server of Rack, but none is among what it needs: add puma, or say how it is started.",
    )


def test_a_gemfile_beside_an_app_of_node_is_for_its_tools() -> None:
    files = {"Gemfile": "gem 'fastlane'", "package.json": '{"scripts": {"start": "node a.js"}}'}
    assert plan_of(files).stack == "node"


def test_a_bot_is_a_worker_without_a_port() -> None:
    plan = plan_of({"Gemfile": "gem 'discordrb'", "bot.rb": ""})
    assert (plan.port, plan.commands.start) == (None, None)
    assert plan.commands.processes == {"worker": ShellText("exec bundle exec ruby bot.rb")}


def test_nothing_of_ruby_is_nothing() -> None:
    assert unknown({"lib/x.rb": ""}).alternatives == ()


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({".ruby-version": "ruby-3.2.2\n"}, "ruby:3.2"),
        ({"Gemfile": "ruby '~> 3.3.0'"}, "ruby:3.3"),
        ({".tool-versions": "ruby 3.1.4"}, "ruby:3.1"),
        ({".ruby-version": "jruby-9"}, "ruby:3.4"),
        ({}, "ruby:3.4"),
    ],
)
def test_the_version_is_read_where_it_is_written(files: Files, image: str) -> None:
    own = plan_of({"app.rb": "", **files}).dockerfile
    assert f"FROM {image} AS build\n" in getattr(own, "text", "")


def test_a_function_is_served_by_its_framework() -> None:
    code = 'require "functions_framework"\nFunctionsFramework.http "hello" do |request|\n  "Hi"\nend\n'
    plan = plan_of({"Gemfile": 'gem "functions_framework"\n', "app.rb": code})
    called = 'functions-framework-ruby --target hello --bind "${HOST:-127.0.0.1}" --port "${PORT:-3000}"'
    assert plan.commands.start == ShellText(f"exec bundle exec {called}")
