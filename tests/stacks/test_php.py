import json

import pytest

from bakery.model.app_commands import ShellText, words
from bakery.model.runtimes import Runtime
from tests.stacks.trees import Files, plan_of

COMPOSER = json.dumps({"require": {"php": "^8.2", "laravel/framework": "^11", "ext-gd": "*", "ext-mbstring": "*"}})
LARAVEL: Files = {
    "composer.json": COMPOSER,
    "composer.lock": "{}",
    "artisan": "",
    "public/index.php": "",
    "package.json": json.dumps({"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}),
    "package-lock.json": "",
    ".env.example": "APP_KEY=\nDB_CONNECTION=pgsql\n",
}


def test_a_laravel_app_in_full() -> None:
    plan = plan_of(LARAVEL)
    assert (plan.stack, plan.framework, plan.runtime, plan.port) == ("php", "Laravel", Runtime.DOCKER, 8080)
    assert plan.commands.install == words(
        "composer", "install", "--no-dev", "--no-interaction", "--optimize-autoloader"
    )
    assert plan.commands.build == ShellText("npm ci && npm run build")
    assert plan.commands.start == words("apache2-foreground")
    assert plan.commands.release == words("php", "artisan", "migrate", "--force")
    assert [(one.tool, one.version, one.source) for one in plan.versions] == [("PHP", "8.4", "composer.json")]
    assert plan.system_packages == ("libfreetype-dev", "libjpeg-dev", "libpng-dev", "libpq-dev")
    assert [one.name for one in plan.variables] == ["APP_KEY", "DB_CONNECTION"]
    assert plan.why == (
        "“php” comes before what else was found here: node.",
        "public/index.php is PHP's.",
        "composer.json asks for PHP 8.4 (“^8.2”).",
        "It is served by Apache in PHP's own image, where .htaccess counts; public/index.php is what answers.",
        "composer.json needs ext-gd, which the image gets.",
        ".env.example names a server that PHP reaches with pdo_pgsql, which the image gets.",
        "package.json has a script “build”, for its assets.",
    )


@pytest.mark.parametrize(
    ("files", "framework", "text"),
    [
        ({"index.php": "<?php echo 1;"}, None, "!DocumentRoot /app!"),
        ({"public/index.php": ""}, None, r"!DocumentRoot /app/public\n\tFallbackResource /index.php!"),
        ({"index.php": "<?php new mysqli('x');"}, None, "RUN docker-php-ext-install mysqli\n"),
        ({"index.php": "", "wp-load.php": ""}, "WordPress", "RUN docker-php-ext-install mysqli gd exif zip\n"),
        (
            {"web/index.php": "", "composer.json": '{"require": {"yiisoft/yii2": "2"}}'},
            "Yii",
            r"!DocumentRoot /app/web\n",
        ),
        (
            {"index.php": "", "composer.json": '{"require": {"ext-redis": "*"}}'},
            None,
            "RUN pecl install redis \\\n    && docker-php-ext-enable redis\n",
        ),
    ],
)
def test_pages_and_extensions(files: Files, framework: str | None, text: str) -> None:
    plan = plan_of(files)
    assert (plan.stack, plan.framework, plan.commands.start) == ("php", framework, words("apache2-foreground"))
    assert text in getattr(plan.dockerfile, "text", "")


def test_symfony_migrates_with_doctrine() -> None:
    needs = {"symfony/framework-bundle": "7", "doctrine/doctrine-migrations-bundle": "3", "doctrine/orm": "3"}
    plan = plan_of({"composer.json": json.dumps({"require": needs}), "bin/console": "", "public/index.php": ""})
    assert plan.framework == "Symfony"
    assert str(plan.commands.release) == (
        "php bin/console doctrine:migrations:migrate --no-interaction --allow-no-migration"
    )
    assert [one.name for one in plan.variables] == ["APP_SECRET", "DATABASE_URL"]


def test_symfonys_map_of_assets_is_made_without_node() -> None:
    needs = {"symfony/framework-bundle": "7", "symfony/asset-mapper": "7"}
    plan = plan_of({"composer.json": json.dumps({"require": needs}), "bin/console": "", "public/index.php": ""})
    text = getattr(plan.dockerfile, "text", "")
    assert str(plan.commands.build) == "php bin/console asset-map:compile"
    assert "set +a; php bin/console asset-map:compile\n" in text
    assert "node:" not in text


def test_packages_that_lie_in_the_repository_are_there_before_composer_installs_them() -> None:
    own = {"require": {"acme/cart": "*"}, "repositories": [{"type": "path", "url": "packages/*"}]}
    plan = plan_of({"composer.json": json.dumps(own), "composer.lock": "{}", "public/index.php": ""})
    before, install, _ = getattr(plan.dockerfile, "text", "").partition("composer install")
    assert install
    assert ("COPY . .\n" in before, "COPY composer.json" in before) == (True, False)


def test_a_library_has_no_pages() -> None:
    assert plan_of({"composer.json": "{}"}).missing == (
        (
            "composer.json is here, but no index.php at the top or in public, web, webroot, html, htdocs, public_html, "
            "www."
        ),
    )


def test_a_broken_composer_json_is_told() -> None:
    plan = plan_of({"composer.json": "{", "index.php": ""})
    assert plan.why[1] == "composer.json cannot be read as JSON, so nothing that it says counts."


@pytest.mark.parametrize(
    ("files", "image"),
    [
        ({}, "php:8.4-apache"),
        ({"composer.json": '{"require": {"php": "~8.1.0"}}'}, "php:8.1-apache"),
        ({"composer.json": '{"config": {"platform": {"php": "8.2.5"}}}'}, "php:8.2-apache"),
        ({".php-version": "8.3\n"}, "php:8.3-apache"),
        ({".php-version": "five\n"}, "php:8.4-apache"),
    ],
)  # fmt: skip
def test_the_version_is_read_where_it_is_written(files: Files, image: str) -> None:
    own = plan_of({"index.php": "", **files}).dockerfile
    assert image in getattr(own, "text", "").split()
