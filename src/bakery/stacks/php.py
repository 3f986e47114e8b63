"""PHP: pages as they lie, or a project of Composer's such as Laravel's or Symfony's, in Apache."""

import json
import re
from collections.abc import Mapping

from msgspec import Struct

from bakery.model.app_commands import AppCommand, ShellText, Words, words
from bakery.model.names import Port
from bakery.model.runtimes import Runtime
from bakery.model.variables import VariableName
from bakery.stacks.documents import Document, read_json, table_in, text_in, value_in
from bakery.stacks.image_text import ImageText
from bakery.stacks.node_versions import USUAL as USUAL_NODE
from bakery.stacks.package_json import FILE as PACKAGE
from bakery.stacks.package_json import read_package
from bakery.stacks.plan import Commands, Found, GeneratedDockerfile, ProposedVariable, Said, ToolVersion
from bakery.stacks.proposals import EXAMPLES, for_clients
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder
from bakery.stacks.version_ranges import nearest_allowed
from bakery.stacks.versions import Asked, chosen_version, in_mise, in_tool_versions, line_in, series

COMPOSER, LOCK, INDEX = "composer.json", "composer.lock", "index.php"
# Where the pages lie, the first that has one.
ROOTS = ("public", "web", "webroot", "html", "htdocs", "public_html", "www", "")
PORT = Port(8080)
_USUAL = "8.4"
_KNOWN = ("7.4", "8.0", "8.1", "8.2", "8.3", "8.4", "8.5")
_CACHE = "/tmp/cache"  # noqa: S108 - Composer's, in a container
_FRAMEWORKS: Mapping[str, str] = {
    "laravel/framework": "Laravel",
    "laravel/lumen-framework": "Lumen",
    "symfony/framework-bundle": "Symfony",
    "slim/slim": "Slim",
    "cakephp/cakephp": "CakePHP",
    "codeigniter4/framework": "CodeIgniter",
    "yiisoft/yii2": "Yii",
    "drupal/core-recommended": "Drupal",
    "roots/wordpress": "WordPress",
}
# What the image has no need to make, with Debian's packages that making the others needs.
_EXTENSIONS: Mapping[str, tuple[str, ...]] = {
    "bcmath": (),
    "bz2": ("libbz2-dev",),
    "calendar": (),
    "exif": (),
    "gd": ("libfreetype-dev", "libjpeg-dev", "libpng-dev"),
    "gettext": (),
    "gmp": ("libgmp-dev",),
    "intl": ("libicu-dev",),
    "mysqli": (),
    "pcntl": (),
    "pdo_mysql": (),
    "pdo_pgsql": ("libpq-dev",),
    "pgsql": ("libpq-dev",),
    "soap": ("libxml2-dev",),
    "sockets": (),
    "xsl": ("libxslt1-dev",),
    "zip": ("libzip-dev",),
}
_FROM_PECL: Mapping[str, tuple[str, ...]] = {
    "redis": (),
    "mongodb": ("libssl-dev",),
    "apcu": (),
    "imagick": ("libmagickwand-dev",),
}
# What code or an example of an environment says of its database.
_IN_TEXT: Mapping[str, str] = {
    r"mysqli_connect|new\s+\\?mysqli\b": "mysqli",
    r"mysql:host|DB_CONNECTION=(?:mysql|mariadb)|DATABASE_URL=[\"']?mysql": "pdo_mysql",
    r"pgsql:host|DB_CONNECTION=pgsql|DATABASE_URL=[\"']?postgres": "pdo_pgsql",
    r"new\s+\\?Redis\(": "redis",
}
# What these refuse to be installed without, and the images have not. The lock file tells it too, where it is not large.
_OF_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "cakephp/cakephp": ("intl",),
    "codeigniter4/framework": ("intl", "mysqli"),
    "craftcms/cms": ("bcmath", "gd", "intl", "pdo_mysql", "zip"),
    "drupal/core": ("gd", "pdo_mysql"),
    "drupal/core-recommended": ("gd", "pdo_mysql"),
    "filament/filament": ("intl",),
    "laravel/horizon": ("pcntl",),
    "maatwebsite/excel": ("gd", "zip"),
    "mpdf/mpdf": ("gd",),
    "php-amqplib/php-amqplib": ("sockets",),
    "phpoffice/phpspreadsheet": ("gd", "zip"),
    "spatie/laravel-medialibrary": ("exif",),
}
# Apache and nginx as Heroku sets them up.
_OF_BUILDPACK = r"(?:vendor/bin/)?heroku-(?:php|hhvm)-(?:apache2|nginx)\b.*"
_IN_LOCK = r"\"ext-([a-zA-Z0-9_]{2,20})\"\s*:"
_CLIENTS: Mapping[str, tuple[str, str]] = {
    "doctrine/orm": ("DATABASE_URL", "databases"),
    "doctrine/doctrine-bundle": ("DATABASE_URL", "databases"),
    "predis/predis": ("REDIS_URL", "Redis"),
    "mongodb/mongodb": ("MONGODB_URI", "MongoDB"),
}


class _Project(Struct, frozen=True):
    folder: Folder
    needs: frozenset[str]
    php: ToolVersion
    extensions: tuple[str, ...]
    root: str

    @property
    def packages(self) -> tuple[str, ...]:
        known = {**_EXTENSIONS, **_FROM_PECL}
        return tuple(dict.fromkeys(name for one in self.extensions for name in known[one]))


def find_php_app(folder: Folder, _: Said) -> Found | None:
    root = next((one for one in ROOTS if folder.has(f"{one}/{INDEX}" if one else INDEX)), None)
    if root is None and not folder.has(COMPOSER):
        return None
    document = read_json(folder.text(COMPOSER))
    needs = frozenset(table_in(document, "require"))
    framework = _framework(folder, needs)
    version, asked = _php(folder, document)
    extensions, reasons = _extensions(folder, needs, framework)
    project = _Project(folder, needs, version, extensions, root or "")
    is_broken = folder.has(COMPOSER) and document is None
    page = folder.shown(f"{root}/{INDEX}" if root else INDEX)
    assets = _script_of_assets(folder)
    return Found(
        runtimes=(Runtime.DOCKER,),  # PHP's own server is for development
        commands=Commands(
            install=_install(folder),
            build=_assets(folder) or _asset_map(folder, needs),
            start=words("apache2-foreground") if root is not None else None,
            release=_migrations(folder, needs),
        ),
        why=(
            f"{page if root is not None else folder.shown(COMPOSER)} is PHP's.",
            *(
                [f"{folder.shown(COMPOSER)} cannot be read as JSON, so nothing that it says counts."]
                if is_broken
                else []
            ),
            *asked,
            *(
                [f"It is served by Apache in PHP's own image, where .htaccess counts; {page} is what answers."]
                if root is not None
                else []
            ),
            *reasons,
            *([f"{folder.shown(PACKAGE)} has a script “{assets}”, for its assets."] if assets else []),
        ),
        missing=()
        if root is not None
        else (f"{folder.shown(COMPOSER)} is here, but no {INDEX} at the top or in {', '.join(ROOTS[:-1])}.",),
        framework=framework,
        versions=(version,),
        variables=(*_secrets(folder, framework), *for_clients(needs, _CLIENTS, source=folder.shown(COMPOSER))),
        system_packages=project.packages,
        port=PORT,
        foreign_start=_OF_BUILDPACK,
        write_dockerfile=lambda final, names: _write_dockerfile(project, framework, final, names),
    )


def _framework(folder: Folder, needs: frozenset[str]) -> str | None:
    if folder.has("wp-load.php") or folder.has("wp-config-sample.php"):
        return "WordPress"
    return next((name for package, name in _FRAMEWORKS.items() if package in needs), None)


def _php(folder: Folder, document: Document | None) -> tuple[ToolVersion, tuple[str, ...]]:
    shown = folder.shown(COMPOSER)
    platform, wanted = text_in(document, "config", "platform", "php"), text_in(document, "require", "php")
    asked = [
        Asked(platform, shown) if platform else None,
        line_in(folder, ".php-version"),
        in_tool_versions(folder, "php"),
        in_mise(folder, "php"),
        Asked(wanted, shown) if wanted else None,
    ]
    return chosen_version("PHP", asked, read=_series, usual=_USUAL)


def _series(written: str) -> str | None:
    found = series(written, 2) or nearest_allowed(written, _KNOWN, usual=_USUAL)
    return found if found and re.fullmatch(r"7\.[0-4]|8\.[0-9]", found) else None


def _extensions(
    folder: Folder, needs: frozenset[str], framework: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """With the sentences for them. Those that the image has anyway are no matter."""
    known = {**_EXTENSIONS, **_FROM_PECL}
    asked = {
        name: f"{folder.shown(COMPOSER)} needs {need}, which the image gets."
        for need in sorted(needs)
        if (name := need.removeprefix("ext-").lower().replace("-", "_")) in known and need.startswith("ext-")
    }
    for file in folder.present(*EXAMPLES, INDEX, "public/index.php", "config.php", "db.php"):
        text = folder.text(file) or ""
        for pattern, name in _IN_TEXT.items():
            if name not in asked and re.search(pattern, text):
                asked[name] = f"{folder.shown(file)} names a server that PHP reaches with {name}, which the image gets."
    for package in sorted(needs.intersection(_OF_PACKAGES)):
        told = f"{folder.shown(COMPOSER)} names {package}, which needs"
        asked = {**{name: f"{told} {name}: the image gets it." for name in _OF_PACKAGES[package]}, **asked}
    for name in sorted({one.lower() for one in re.findall(_IN_LOCK, folder.text(LOCK) or "")}.intersection(known)):
        asked.setdefault(name, f"{folder.shown(LOCK)} has what needs {name}, which the image gets.")
    if framework == "WordPress":
        asked |= {
            name: f"WordPress needs {name}, which the image gets."
            for name in ("mysqli", "gd", "exif", "zip")
            if name not in asked
        }
    return tuple(asked), tuple(asked.values())


def _install(folder: Folder) -> AppCommand | None:
    if not folder.has(COMPOSER):
        return None
    return words("composer", "install", "--no-dev", "--no-interaction", "--optimize-autoloader")


def _migrations(folder: Folder, needs: frozenset[str]) -> AppCommand | None:
    if folder.has("artisan"):
        return words("php", "artisan", "migrate", "--force")
    if "doctrine/doctrine-migrations-bundle" in needs and folder.has("bin/console"):
        return words("php", "bin/console", "doctrine:migrations:migrate", "--no-interaction", "--allow-no-migration")
    return None


def _assets(folder: Folder) -> AppCommand | None:
    name = _script_of_assets(folder)
    if name is None:
        return None
    if folder.has("pnpm-lock.yaml"):
        return ShellText(f"npx --yes pnpm install --frozen-lockfile && npx --yes pnpm run {name}")
    if folder.has("yarn.lock"):
        return ShellText(f"yarn install && yarn run {name}")
    return ShellText(f"npm {'ci' if folder.has('package-lock.json') else 'install'} && npm run {name}")


def _asset_map(folder: Folder, needs: frozenset[str]) -> AppCommand | None:
    """Of Symfony, which needs no Node for that."""
    if "symfony/asset-mapper" not in needs or not folder.has("bin/console"):
        return None
    return words("php", "bin/console", "asset-map:compile")


def _script_of_assets(folder: Folder) -> str | None:
    """Laravel Mix calls it “production”, or “prod”."""
    package = read_package(folder)
    return next((name for name in ("build", "production", "prod") if package and name in package.scripts), None)


def _secrets(folder: Folder, framework: str | None) -> tuple[ProposedVariable, ...]:
    named = {"Laravel": "APP_KEY", "Symfony": "APP_SECRET"}.get(framework or "")
    return (
        (ProposedVariable(VariableName(named), f"{folder.shown(COMPOSER)} needs {framework}, which signs with it."),)
        if named
        else ()
    )


def _write_dockerfile(
    project: _Project, framework: str | None, commands: Commands, names: tuple[VariableName, ...]
) -> GeneratedDockerfile:
    folder = project.folder
    text = ImageText(folder.present(COMPOSER, LOCK) or (INDEX,), ignores=("vendor", "storage/logs/*", "var/cache/*"))
    is_bare = not (commands.install or commands.build or commands.test)
    text.stage("" if is_bare else "base", f"php:{project.php.version}-apache")
    text.packages(*project.packages)
    _install_extensions(text, project.extensions)
    _point_apache(text, project.root)
    if is_bare:
        text.shell(_FOR_PRODUCTION)
        text.copy(".", owner="www-data")
        text.serve(commands.start, port=PORT, user="www-data")
        return text.done()
    own_build = _asset_map(folder, project.needs)
    is_for_node = commands.build is not None and commands.build != own_build
    if is_for_node:
        text.stage("assets", f"node:{USUAL_NODE}-slim")
        text.arguments(names)
        text.copy(".")
        text.build(commands.build, caches=("/root/.npm",))
    text.stage("build", "base")
    text.arguments(names)
    _install_packages(text, project, framework, commands)
    if is_for_node:
        place = f"/app/{project.root}" if project.root else "/app"
        text.copy_built(place, f"./{project.root}", source="assets")
    elif own_build:
        text.build(commands.build)
    text.test(commands.test)
    text.stage("", "base")
    text.shell(_FOR_PRODUCTION)
    text.copy_built("/app", owner="www-data")
    own = {"Laravel": {"LOG_CHANNEL": "stderr"}, "Symfony": {"APP_ENV": "prod"}}.get(framework or "", {})
    text.serve(commands.start, port=PORT, user="www-data", **own)
    return text.done()


_FOR_PRODUCTION = 'mv "$PHP_INI_DIR/php.ini-production" "$PHP_INI_DIR/php.ini"'


def _install_extensions(text: ImageText, extensions: tuple[str, ...]) -> None:
    from_source = [one for one in extensions if one in _EXTENSIONS]
    if "gd" in from_source:
        text.run(words("docker-php-ext-configure", "gd", "--with-freetype", "--with-jpeg"))
    if from_source:
        text.run(words("docker-php-ext-install", *from_source))
    from_pecl = [one for one in extensions if one in _FROM_PECL]
    if from_pecl:
        text.shell(f"pecl install {' '.join(from_pecl)}", f"docker-php-ext-enable {' '.join(from_pecl)}")


def _point_apache(text: ImageText, root: str) -> None:
    """Our own words alone: `root` is one of ours. In a folder of its own, index.php answers for what is no file."""
    place = f"/app/{root}" if root else "/app"
    falls_back = r"\n\tFallbackResource /index.php" if root else ""
    text.comment("Apache serves the app's pages, and listens where it is told.")
    text.shell(
        f"sed -ri 's!DocumentRoot .*!DocumentRoot {place}{falls_back}!; s!:80>!:${{PORT}}>!'"
        " /etc/apache2/sites-available/*.conf",
        "sed -ri 's!/var/www/!/app/!' /etc/apache2/apache2.conf /etc/apache2/conf-available/*.conf",
        "sed -ri 's!^Listen 80$!Listen ${PORT}!' /etc/apache2/ports.conf",
        "a2enmod rewrite",
    )


def _install_packages(text: ImageText, project: _Project, framework: str | None, commands: Commands) -> None:
    if commands.install is None:
        text.copy(".")
        return
    text.packages("git", "unzip")
    text.copy_built("/usr/bin/composer", "/usr/local/bin/composer", source="composer:2")
    env = {"APP_ENV": "prod"} if framework == "Symfony" else {}
    text.env(COMPOSER_ALLOW_SUPERUSER="1", COMPOSER_CACHE_DIR=_CACHE, **env)
    repositories = value_in(read_json(project.folder.text(COMPOSER)), "repositories")
    has_own = '"path"' in json.dumps(repositories)  # packages that lie in this repository
    if isinstance(commands.install, Words) and commands.install == _install(project.folder) and not has_own:
        first = project.folder.present(COMPOSER, LOCK)
        text.copy(*first, comment="Before the sources: fetched anew only when these files change.")
        text.run(words(*commands.install.argv[:4], "--no-scripts", "--no-autoloader"), caches=(_CACHE,))
    text.copy(".")
    text.run(commands.install, caches=(_CACHE,))


STACK = Stack(
    "php",
    find_php_app,
    marks=(COMPOSER, INDEX),
    reads=(COMPOSER, LOCK, INDEX, "public/index.php", "config.php", "db.php", PACKAGE),
    reads_above=(".php-version",),
    looks_for=(INDEX, COMPOSER, "public/index.php"),
)
