# ruff: noqa: E501 - a repository a row, to be compared with the next
"""What each framework of JavaScript is built into, and how that is started: a small repository a row."""

import json
from collections.abc import Mapping

import pytest

from bakery.model.runtimes import Runtime
from bakery.stacks.node_development import folder_handed_out
from bakery.stacks.plan import BuildPlan
from tests.stacks.trees import Files, plan_of


def repository(*needs: str, scripts: Mapping[str, str] | None = None, files: Files | None = None) -> Files:
    document = {"scripts": scripts or {}, "dependencies": dict.fromkeys(needs, "1")}
    return {"package.json": json.dumps(document), "package-lock.json": "", **(files or {})}


BUILD = {"build": "x"}
DEVELOPMENT = {"build": "x", "start": "npm run dev", "dev": "vite dev --port 3000"}


def answered(plan: BuildPlan) -> tuple[str | None, str | None, str | None, str | None]:
    """Framework, folder of files, start and build, as people read them."""
    commands = plan.commands
    assert (plan.runtime is Runtime.STATIC) == (plan.static_folder is not None)
    return (
        plan.framework,
        plan.static_folder,
        str(commands.start) if commands.start else None,
        str(commands.build) if commands.build else None,
    )


def serving(command: str) -> str:
    return f'exec npx {command} --host "${{HOST:-127.0.0.1}}" --port "${{PORT:-3000}}"'


@pytest.mark.parametrize(
    ("files", "framework", "folder"),
    [
        (repository("next", scripts=BUILD, files={"next.config.mjs": "export default {output: 'export'}"}), "Next.js", "out"),
        (repository("nuxt", scripts={"build": "nuxt generate"}), "Nuxt", ".output/public"),
        (repository("nuxt", scripts=BUILD, files={"nuxt.config.ts": 'nitro: {preset: "static"}'}), "Nuxt", ".output/public"),
        (repository("@sveltejs/kit", "@sveltejs/adapter-static", "vite", scripts=DEVELOPMENT), "SvelteKit", "build"),
        (repository("@remix-run/node", "vite", scripts=BUILD, files={"vite.config.ts": "ssr: false"}), "Remix", "build/client"),
        (repository("@react-router/dev", scripts=BUILD, files={"react-router.config.ts": "ssr: false,"}), "React Router", "build/client"),
        (repository("astro", scripts={"build": "astro build", "start": "astro dev"}), "Astro", "dist"),
        (repository("astro", scripts=BUILD, files={"astro.config.mjs": "outDir: './site'"}), "Astro", "site"),
        (repository("gatsby", scripts={"build": "gatsby build", "start": "gatsby develop"}), "Gatsby", "public"),
        (repository("@11ty/eleventy", scripts={"start": "npx @11ty/eleventy --serve"}), "Eleventy", "_site"),
        (repository("@docusaurus/core", scripts={"build": "x", "start": "docusaurus start"}), "Docusaurus", "build"),
        (repository("vitepress", scripts={"docs:build": "vitepress build docs", "build": "x"}), "VitePress", "docs/.vitepress/dist"),
        (repository("expo", "react-native-web", scripts={"start": "expo start"}), "Expo", "dist"),
        (repository("react-scripts", scripts={"build": "x", "start": "react-scripts start"}), "Create React App", "build"),
        (repository("@vue/cli-service", scripts=BUILD), "Vue CLI", "dist"),
        (repository("parcel", scripts={"build": "parcel build src/index.html", "start": "parcel src/index.html"}), "Parcel", "dist"),
        (repository("parcel", scripts={"build": "parcel build a.html --dist-dir public"}), "Parcel", "public"),
        (repository("webpack-dev-server", "webpack", scripts={"build": "webpack", "start": "webpack serve"}), "webpack", "dist"),
        (
            repository("webpack-dev-server", scripts=BUILD, files={"webpack.config.js": "output: { path: path.resolve(__dirname, 'www') }"}),
            "webpack",
            "www",
        ),
        (repository("@rsbuild/core", scripts={"build": "rsbuild build", "dev": "rsbuild dev"}, files={"src/index.js": ""}), "Rsbuild", "dist"),
        (repository("@rsbuild/core", scripts=BUILD, files={"rsbuild.config.ts": "output: { distPath: { root: 'out' } }"}), "Rsbuild", "out"),
        (repository("@rspack/cli", scripts={"build": "rspack build", "start": "rspack serve"}), "Rspack", "dist"),
        (repository("vuepress", scripts={"build": "vuepress build src"}), "VuePress", "src/.vuepress/dist"),
        (repository("gridsome", scripts={"build": "gridsome build"}, files={"src/main.js": ""}), "Gridsome", "dist"),
        (repository("brunch", scripts={"start": "brunch watch --server", "build": "brunch build"}), "Brunch", "public"),
        (repository("@static/charge", scripts={"start": "charge serve source", "build": "charge build source public"}), "Charge", "public"),
        (repository("aurelia-cli", "webpack-dev-server", scripts={"start": "au run", "build": "au build"}), "Aurelia", "dist"),
        (repository("create-elm-app", scripts={"start": "elm-app start", "build": "elm-app build"}), "Elm App", "build"),
        (repository("mdx-deck", scripts={"start": "mdx-deck deck.mdx", "build": "mdx-deck build deck.mdx"}), "mdx-deck", "dist"),
        (repository("polymer-cli", scripts={"start": "polymer serve", "build": "polymer build"}), "Polymer", "build/default"),
        (repository("polymer-cli", scripts=BUILD, files={"polymer.json": '{"builds": [{"preset": "es6-bundled"}]}'}), "Polymer", "build/es6-bundled"),
        (repository("polymer-cli", scripts=BUILD, files={"polymer.json": '{"builds": [{"name": "../x"}]}'}), "Polymer", "build/default"),
        (repository("preact-cli", "per-env", scripts={"start": "per-env", "build": "preact build"}), "Preact CLI", "build"),
        (repository("sapper", "polka", scripts={"start": "sapper dev", "build": "sapper export"}), "Sapper", "__sapper__/export"),
        ({"package.json": '{"source": "src/index.html", "scripts": {"start": "parcel", "build": "parcel build"}, "devDependencies": {"parcel": "2"}}'}, "Parcel", "dist"),
        (repository("nuxt", scripts={"build": "nuxt generate", "start": "npx serve@latest .output/public"}), "Nuxt", ".output/public"),
        (repository("@solidjs/start", scripts={"build": "x", "start": "npx serve@latest .output/public"}), "SolidStart", ".output/public"),
        (repository("react-scripts", scripts={"build": "x", "start": "serve -s build -l $PORT"}), "Create React App", "build"),
        (
            repository(
                "@angular/core",
                "@scullyio/scully",
                scripts={"build": "ng build && scully"},
                files={"angular.json": '{"projects": {"shop": {}}}'},
            ),
            "Angular",
            "dist/static",
        ),
        (repository("hexo", scripts={"build": "hexo generate", "server": "hexo server"}), "Hexo", "public"),
        (repository("vite", scripts=BUILD, files={"vite.config.js": "root: 'src', build: {outDir: '../public'}", "src/index.html": ""}), "Vite", "public"),
        (repository("@tanstack/react-start", scripts=BUILD, files={"vite.config.ts": "spa: { enabled: true }"}), "TanStack Start", "dist/client"),
        (
            repository(
                "@angular/core",
                scripts={"build": "ng build", "start": "ng serve"},
                files={"angular.json": json.dumps({"projects": {"shop": {"projectType": "application", "architect": {"build": {"builder": "@angular/build:application", "options": {}}}}}})},
            ),
            "Angular",
            "dist/shop/browser",
        ),
        (
            repository(
                "@angular/core",
                scripts=BUILD,
                files={"angular.json": json.dumps({"projects": {"shop": {"architect": {"build": {"builder": "@angular-devkit/build-angular:browser", "options": {"outputPath": "dist/x"}}}}}})},
            ),
            "Angular",
            "dist/x",
        ),
    ],
)  # fmt: skip
def test_files_alone(files: Files, framework: str, folder: str) -> None:
    plan = plan_of(files)
    assert (plan.framework, plan.static_folder, plan.runtime, plan.commands.start) == (
        framework,
        folder,
        Runtime.STATIC,
        None,
    )
    assert plan.commands.build is not None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (repository("next", scripts={"build": "x", "start": "next start"}), ("Next.js", None, "npm run start", "npm run build")),
        (repository("next", scripts={"dev": "next dev"}), ("Next.js", None, "npx next start", "npx next build")),
        (repository("next", files={"next.config.js": "// output: 'export'\n/* output: 'export' */"}), ("Next.js", None, "npx next start", "npx next build")),
        (repository("nuxt", scripts=BUILD), ("Nuxt", None, "node .output/server/index.mjs", "npm run build")),
        (repository("@sveltejs/kit", "@sveltejs/adapter-node", scripts=DEVELOPMENT), ("SvelteKit", None, "node build", "npm run build")),
        (repository("@sveltejs/kit", "@sveltejs/adapter-auto", scripts=BUILD), ("SvelteKit", None, serving("vite preview"), "npm run build")),
        (repository("@remix-run/serve", scripts=BUILD, files={"vite.config.ts": ""}), ("Remix", None, "npx remix-serve build/server/index.js", "npm run build")),
        (repository("@react-router/dev", "@react-router/serve", scripts=BUILD), ("React Router", None, "npx react-router-serve build/server/index.js", "npm run build")),
        (repository("astro", "@astrojs/node", scripts={"build": "x", "start": "astro dev"}), ("Astro", None, "node dist/server/entry.mjs", "npm run build")),
        (repository("@solidjs/start", "vinxi", scripts={"build": "x", "start": "vinxi start"}), ("SolidStart", None, "npm run start", "npm run build")),
        (repository("@tanstack/react-start", "nitro", scripts=BUILD), ("TanStack Start", None, "node .output/server/index.mjs", "npm run build")),
        (repository("@nestjs/core", scripts={"build": "nest build", "start": "nest start", "start:prod": "node dist/main"}), ("NestJS", None, "npm run start:prod", "npm run build")),
        (repository("blitz", "next", scripts={"build": "x", "start": "blitz start"}), ("Blitz", None, "npm run start", "npm run build")),
        (repository("@keystone-6/core", "next", "@prisma/client", scripts={"build": "keystone build", "start": "keystone start"}), ("Keystone", None, "npm run start", "npm run build")),
        (repository("sapper", scripts={"build": "sapper build", "start": "node __sapper__/build"}), ("Sapper", None, "npm run start", "npm run build")),
        (
            repository("@builder.io/qwik-city", scripts={"build": "qwik build", "start": "vite --open --mode ssr"}, files={"adapters/node-server/vite.config.ts": ""}),
            ("Qwik City", None, "node server/entry.node-server.js", "npm run build"),
        ),
        (repository("express", scripts={"heroku-postbuild": "x", "start": "node server.js"}), ("Express", None, "npm run start", "npm run heroku-postbuild")),
        (repository("mastra", scripts={"build": "mastra build"}), ("Mastra", None, "npx mastra start", "npm run build")),
        (
            repository("@medusajs/medusa", "vite", scripts={"build": "medusa build", "start": "medusa start"}),
            ("Medusa", None, "cd .medusa/server && exec ../../node_modules/.bin/medusa start", "npm run build"),
        ),
        (repository("express", scripts={"start": "node server.js"}), ("Express", None, "npm run start", None)),
        (repository("hono", "tsx", files={"src/index.ts": ""}), ("Hono", None, "npx tsx src/index.ts", None)),
        (repository("vite", "express", scripts={"build": "vite build", "start": "node server.js"}, files={"index.html": ""}), ("Vite", None, "npm run start", "npm run build")),
        (
            repository("@angular/core", scripts={"build": "x", "start": "ng serve"}, files={"angular.json": json.dumps({"projects": {"shop": {"architect": {"build": {"builder": "@angular/build:application", "options": {"ssr": {"entry": "src/server.ts"}}}}}}})}),
            ("Angular", None, "node dist/shop/server/server.mjs", "npm run build"),
        ),
    ],
)  # fmt: skip
def test_a_server(files: Files, expected: tuple[str | None, ...]) -> None:
    plan = plan_of(files)
    assert answered(plan) == expected
    assert plan.port == 3000


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (
            repository("astro", "@astrojs/vercel", scripts=BUILD, files={"astro.config.mjs": "adapter: vercel()"}),
            "astro.config.mjs builds for @astrojs/vercel, which does not run here: add @astrojs/node.",
        ),
        (
            repository("astro", "astro-sst", scripts=BUILD, files={"astro.config.mjs": "adapter: aws()"}),
            "astro.config.mjs builds for another server, which does not run here: add @astrojs/node.",
        ),
        (
            repository("@builder.io/qwik-city", scripts=BUILD),
            "package.json needs Qwik City, but no adapter is here: add one with “qwik add express”.",
        ),
        (
            repository("expo", scripts={"start": "expo start"}),
            "package.json needs expo, but not react-native-web: nothing of it is for browsers.",
        ),
        (
            repository("@shopify/hydrogen", "@react-router/dev", scripts=BUILD),
            "package.json needs Hydrogen, whose build is for Shopify's own machines: say how it is started.",
        ),
        (
            repository("gulp", scripts={"start": "gulp", "build": "gulp build"}),
            "package.json calls gulp, which makes anything of anything: say how it is started.",
        ),
        (
            repository("@angular/core", files={"angular.json": "{"}),
            "angular.json names no project that is an application.",
        ),
    ],
)
def test_what_cannot_be_started_here_says_what_is_missing(files: Files, missing: str) -> None:
    assert plan_of(files).missing == (missing,)


@pytest.mark.parametrize(
    ("version", "start"),
    [
        ("8.0.0", 'exec yarn run rw serve --web-host "${HOST:-127.0.0.1}" --web-port "${PORT:-3000}"'),
        ("^6.1.0", 'exec yarn run rw serve --port "${PORT:-3000}"'),
    ],
)
def test_both_sides_of_redwood_are_one_app(version: str, start: str) -> None:
    top = {"workspaces": {"packages": ["api", "web"]}, "devDependencies": {"@redwoodjs/core": version}}
    plan = plan_of(
        {
            "package.json": json.dumps(top),
            "yarn.lock": "",
            "api/package.json": '{"dependencies": {"@redwoodjs/api": "8"}}',
            "web/package.json": '{"dependencies": {"@redwoodjs/web": "8"}}',
            "api/db/migrations/1/migration.sql": "",
        }
    )
    assert (plan.base, plan.framework, str(plan.commands.build)) == ("", "RedwoodJS", "yarn run rw build")
    assert (str(plan.commands.start), str(plan.commands.release)) == (start, "yarn run rw prisma migrate deploy")


@pytest.mark.parametrize(
    ("node", "needs", "start"),
    [
        ("24", (), "node src/index.ts"),
        ("20", (), None),
        ("18", ("ts-node",), "npx ts-node src/index.ts"),
        ("24", ("ts-node", "tsx"), "npx tsx src/index.ts"),
    ],
)
def test_a_program_in_typescript_is_run_by_what_can(node: str, needs: tuple[str, ...], start: str | None) -> None:
    document = {"main": "src/index.ts", "engines": {"node": node}, "devDependencies": dict.fromkeys(needs, "1")}
    plan = plan_of({"package.json": json.dumps(document), "src/index.ts": ""})
    assert plan.commands.start == start if start is None else str(plan.commands.start) == start
    assert bool(plan.missing) == (start is None)


@pytest.mark.parametrize(
    ("script", "folder"),
    [
        ("serve dist", "dist"),
        ("npx -y serve@14 -s ./dist/ -l 3000", "dist"),
        ("PORT=3000 http-server public", "public"),
        ("serve", None),
        ("serve /srv", None),
        ("serve ../x", None),
        ("serve -l 3000", None),
        ("node serve dist", None),
        ("serve dist; rm -rf", None),
    ],
)
def test_a_script_that_only_hands_out_files(script: str, folder: str | None) -> None:
    assert folder_handed_out(script) == folder


def test_an_answer_in_full() -> None:
    plan = plan_of(
        {
            "package.json": json.dumps(
                {
                    "packageManager": "pnpm@9.1.0",
                    "scripts": {"build": "next build", "start": "next start"},
                    "dependencies": {"next": "15", "@prisma/client": "6", "puppeteer": "23", "bullmq": "5"},
                    "devDependencies": {"prisma": "6"},
                }
            ),
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\n next: @prisma/client: puppeteer: prisma:\n",
            ".nvmrc": "lts/iron\n",
            ".env.example": "SESSION_KEY=\n",
            "prisma/schema.prisma": "",
            "prisma/migrations/1/migration.sql": "",
        }
    )
    assert (plan.stack, plan.framework, plan.runtime, plan.missing) == ("node", "Next.js", Runtime.DOCKER, ())
    assert [str(one) for one in (plan.commands.install, plan.commands.build, plan.commands.start, plan.commands.release)] == [
        "pnpm install",
        "pnpm exec prisma generate && pnpm run build",
        "pnpm run start",
        "pnpm exec prisma migrate deploy",
    ]  # fmt: skip
    assert [(one.tool, one.version, one.source) for one in plan.versions] == [
        ("Node", "20", ".nvmrc"),
        ("pnpm", "9.1.0", "package.json"),
    ]
    assert [one.name for one in plan.variables] == ["SESSION_KEY", "DATABASE_URL", "REDIS_URL"]
    assert plan.system_packages == ("chromium", "fonts-liberation", "openssl")
    assert plan.why == (
        "package.json is here, so this is for Node.",
        "package.json names pnpm as its package manager.",
        (
            "pnpm-lock.yaml knows nothing of “bullmq”, which package.json needs: it is older than that, so pnpm looks "
            "for versions anew. Run “pnpm install” and commit the lock file."
        ),
        "package.json asks for pnpm 9.1.0.",
        "package.json has a script “build”.",
        "package.json needs Prisma, and no script of it makes its client, so that is done before.",
        "package.json needs next, which answers requests itself.",
        "package.json has a script “start”.",
        "prisma/migrations/ holds Prisma's migrations, which run before a release.",
        ".nvmrc asks for Node 20 (“lts/iron”).",
        "package.json needs puppeteer, and that chromium and fonts-liberation.",
        "package.json needs @prisma/client, and that openssl.",
    )
