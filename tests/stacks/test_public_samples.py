"""Public samples as their authors lay them out, from getting-started repositories and templates of hosting services:
the files that decide, and what is to be made of them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from bakery.model.runtimes import Runtime
from bakery.stacks.plan import ToolVersion
from tests.stacks.trees import Files, plan_of, unknown

DOCKER, STATIC = Runtime.DOCKER, Runtime.STATIC
OF_PYTHON_2 = "which nobody maintains any more: bring it to Python 3, or add a Dockerfile."


@dataclass(frozen=True)
class Sample:
    files: Files
    stack: str
    framework: str | None
    build: str | None
    start: str | None
    runtime: Runtime = DOCKER
    static_folder: str | None = None
    processes: Mapping[str, str] | None = None


SAMPLES: Mapping[str, Sample] = {
    "go-of-a-buildpack": Sample(
        {
            "go.mod": (
                "module github.com/heroku/go-getting-started\n"
                "\n"
                "// +heroku goVersion go1.25\n"
                "go 1.25.0\n"
                "\n"
                "require github.com/gin-gonic/gin v1.12.0\n"
            ),
            "go.sum": "",
            "main.go": 'package main\n\nimport "os"\n\nfunc main() { os.Getenv("PORT") }\n',
            "Procfile": "web: bin/go-getting-started\n",
            "static/main.css": "",
            "templates/index.tmpl.html": "",
            "Makefile": "build:\n\tgo build\n",
            "app.json": "{}",
            "heroku.yml": "",
        },
        stack="go",
        framework="Gin",
        build="go build -trimpath -o bin/app .",
        start="./bin/app",
    ),
    "php-of-a-buildpack": Sample(
        {
            "composer.json": (
                '{"require": {"php": "^8.1", "slim/slim": "^4.0"}, "require-dev": {"heroku/heroku-buildpack-php": "*"}}'
            ),
            "composer.lock": "{}",
            "Procfile": "web: heroku-php-apache2 web/\n",
            "web/index.php": "<?php\n",
            "web/.htaccess": "",
            "app.json": "{}",
            "views/index.twig": "",
        },
        stack="php",
        framework="Slim",
        build=None,
        start="apache2-foreground",
    ),
    "play-of-a-buildpack": Sample(
        {
            "build.sbt": 'name := "play-getting-started"\nscalaVersion := "2.13.1"\nenablePlugins(PlayScala)\n',
            "project/plugins.sbt": 'addSbtPlugin("com.typesafe.play" % "sbt-plugin" % "2.8.0")\n',
            "project/build.properties": "sbt.version=1.3.3\n",
            "Procfile": "web: target/universal/stage/bin/play-getting-started -Dhttp.port=${PORT}\n",
            "conf/routes": "",
            "app/controllers/A.scala": "",
            "system.properties": "java.runtime.version=17\n",
        },
        stack="scala",
        framework="Play",
        build="sbt stage",
        start="target/universal/stage/bin/play-getting-started -Dhttp.port=${PORT}",
    ),
    "leiningen-of-a-buildpack": Sample(
        {
            "project.clj": (
                '(defproject clojure-getting-started "0.1.0"\n'
                ' :dependencies [[org.clojure/clojure "1.12.3"]]\n'
                " :main com.example.web\n"
                ' :uberjar-name "clojure-getting-started.jar")\n'
            ),
            "Procfile": "web: java -jar target/clojure-getting-started.jar\n",
        },
        stack="clojure",
        framework=None,
        build="lein uberjar",
        start="java -jar target/clojure-getting-started.jar",
    ),
    "gradle-of-a-buildpack": Sample(
        {
            "build.gradle.kts": (
                "plugins {\n"
                " java\n"
                ' id("org.springframework.boot") version "3.2.0"\n'
                "}\n"
                'version = "1.0.0-SNAPSHOT"\n'
                "java.sourceCompatibility = JavaVersion.VERSION_17\n"
            ),
            "settings.gradle.kts": 'rootProject.name = "gradle-getting-started"\n',
            "gradlew": "#!/bin/sh\n",
            "gradle/wrapper/gradle-wrapper.properties": (
                "distributionUrl=https\\://services.gradle.org/distributions/gradle-8.5-bin.zip\n"
            ),
            "gradle/wrapper/gradle-wrapper.jar": b"PK",
            "Procfile": "web: java -jar build/libs/gradle-getting-started-1.0.0-SNAPSHOT.jar\n",
            "src/main/java/A.java": "",
        },
        stack="java",
        framework="Spring Boot",
        build="sh gradlew --no-daemon bootJar",
        start="java -jar build/libs/gradle-getting-started-1.0.0-SNAPSHOT.jar",
    ),
    "maven-of-a-buildpack": Sample(
        {
            "pom.xml": (
                "<project><artifactId>java-getting-started</artifactId><version>1.0</version><properties>"
                "<java.version>21</java.version></properties><build><plugins><plugin><artifactId>"
                "spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>"
            ),
            "Procfile": "web: java -jar target/java-getting-started-1.0.jar\n",
            "mvnw": "#!/bin/sh\n",
            ".mvn/wrapper/maven-wrapper.properties": "distributionUrl=x\n",
            "system.properties": "java.runtime.version=21\n",
        },
        stack="java",
        framework="Spring Boot",
        build="sh mvnw --batch-mode --no-transfer-progress -DskipTests package",
        start="java -jar target/java-getting-started-1.0.jar",
    ),
    "maven-with-copied-dependencies": Sample(
        {
            "pom.xml": (
                "<project><artifactId>helloworld</artifactId><version>1.0-SNAPSHOT</version><build><plugins>"
                "<plugin><artifactId>maven-dependency-plugin</artifactId><executions><execution><goals><goal>"
                "copy-dependencies</goal></goals></execution></executions></plugin></plugins></build></project>"
            ),
            "Procfile": "web: java -cp target/classes:target/dependency/* Main\n",
            "src/main/java/Main.java": "",
        },
        stack="java",
        framework=None,
        build="mvn --batch-mode --no-transfer-progress -DskipTests package",
        start="java -cp target/classes:target/dependency/* Main",
    ),
    "dotnet-of-a-buildpack": Sample(
        {
            "GettingStarted.sln": (
                'Project("{9A}") = "Frontend", "Frontend\\Frontend.csproj", "{09}"\n'
                "EndProject\n"
                'Project("{9A}") = "Frontend.Tests", "Frontend.Tests\\Frontend.Tests.csproj", "{10}"\n'
                "EndProject\n"
            ),
            "Frontend/Frontend.csproj": (
                '<Project Sdk="Microsoft.NET.Sdk.Web"><PropertyGroup><TargetFramework>net10.0</TargetFramework>'
                "</PropertyGroup></Project>"
            ),
            "Frontend.Tests/Frontend.Tests.csproj": (
                '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework>'
                "<IsTestProject>true</IsTestProject></PropertyGroup></Project>"
            ),
            "Frontend/Program.cs": "",
            "Procfile": "web: cd Frontend/bin/publish; ./Frontend --urls http://*:$PORT\n",
        },
        stack="dotnet",
        framework="ASP.NET Core",
        build="dotnet publish Frontend/Frontend.csproj --configuration Release --output out",
        start='export ASPNETCORE_URLS="http://${HOST:-127.0.0.1}:${PORT:-8080}"; exec dotnet out/Frontend.dll',
    ),
    "django-of-a-buildpack": Sample(
        {
            "requirements.txt": "django>=6.0,<6.1\ngunicorn>=25,<26\ndj-database-url>=3,<4\nwhitenoise>=6.12.0,<7\n",
            ".python-version": "3.14\n",
            "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'gettingstarted.settings')\n",
            "gettingstarted/settings.py": "",
            "gettingstarted/wsgi.py": "",
            "Procfile": "web: gunicorn --config gunicorn.conf.py gettingstarted.wsgi\n",
            "gunicorn.conf.py": "",
            "hello/views.py": "",
        },
        stack="python",
        framework="Django",
        build="python3 manage.py collectstatic --noinput",
        start="gunicorn --config gunicorn.conf.py gettingstarted.wsgi",
    ),
    "rails-of-a-buildpack": Sample(
        {
            "Gemfile": (
                "source 'https://rubygems.org'\n"
                "ruby '>= 3.1', '< 3.4'\n"
                'gem "rails", "~> 8.0.3"\n'
                "gem 'pg', '~> 1.6.1'\n"
                'gem "puma", ">= 7.0"\n'
            ),
            "Gemfile.lock": (
                "GEM\n  specs:\n    rails (8.0.3)\n    pg (1.6.1)\n    puma (7.0)\n\nRUBY VERSION\n   ruby 3.3.5p1\n"
            ),
            "config.ru": "run Rails.application\n",
            "bin/rails": "",
            "config/application.rb": "",
            "config/puma.rb": "",
            "Procfile": "web: bundle exec puma -C config/puma.rb\nrelease: rake db:migrate\n",
            "package.json": "{}",
            "db/schema.rb": "",
        },
        stack="ruby",
        framework="Rails",
        build=None,
        start="bundle exec puma -C config/puma.rb",
    ),
    "express-of-a-buildpack": Sample(
        {
            "package.json": (
                '{"name": "node-js-getting-started", "scripts": {"start": "node index.js", "test": "node '
                '--test"}, "dependencies": {"ejs": "^3", "express": "^5"}, "engines": {"node": "20.x || 22.x"}}'
            ),
            "index.js": "const PORT = process.env.PORT || 5006\n",
            "Procfile": "web: node index.js\n",
            "app.json": "{}",
            "public/hello.js": "",
            "views/pages/index.ejs": "",
        },
        stack="node",
        framework="Express",
        build=None,
        start="node index.js",
    ),
    "django-that-migrates-at-its-start": Sample(
        {
            "Procfile": (
                "web: python manage.py migrate && python manage.py collectstatic --noinput && gunicorn mysite.wsgi\n"
            ),
            "requirements.txt": "Django==4.2\ngunicorn==20.1.0\npsycopg2==2.9.9\n",
            "manage.py": "'DJANGO_SETTINGS_MODULE', 'mysite.settings'\n",
            "mysite/settings.py": "",
            "mysite/wsgi.py": "",
            "static/css/main.css": "",
            "railway.json": "{}",
        },
        stack="python",
        framework="Django",
        build=None,
        start="python manage.py migrate && python manage.py collectstatic --noinput && gunicorn mysite.wsgi",
    ),
    "flask": Sample(
        {
            "main.py": (
                "from flask import Flask\n"
                "import os\n"
                "app = Flask(__name__)\n"
                "if __name__ == '__main__':\n"
                "    app.run(debug=True, port=os.getenv('PORT', default=5000))\n"
            ),
            "requirements.txt": "Flask==2.2\ngunicorn==20\n",
            "README.md": "",
            "railway.json": "{}",
        },
        stack="python",
        framework="Flask",
        build=None,
        start='exec gunicorn main:app --bind "${HOST:-127.0.0.1}:${PORT:-8000}"',
    ),
    "flask-with-poetry-and-requirements": Sample(
        {
            "main.py": "from flask import Flask\napp = Flask(__name__)\n",
            "requirements.txt": "Flask==2.2\ngunicorn==20\n",
            "pyproject.toml": (
                '[tool.poetry]\nname="a"\nversion="0.1.0"\n[tool.poetry.dependencies]\npython="^3.10"\nflask="^2.2"\n'
            ),
            "poetry.lock": 'content-hash="x"\n',
        },
        stack="python",
        framework="Flask",
        build=None,
        start='exec gunicorn main:app --bind "${HOST:-127.0.0.1}:${PORT:-8000}"',
    ),
    "http-of-the-standard-library": Sample(
        {
            "main.py": (
                "from http.server import BaseHTTPRequestHandler, HTTPServer\n"
                "if __name__ == '__main__':\n"
                "    HTTPServer(('', 8000), BaseHTTPRequestHandler).serve_forever()\n"
            ),
            "requirements.txt": "poe-api\n",
        },
        stack="python",
        framework=None,
        build=None,
        start="python3 main.py",
    ),
    "flask-with-celery": Sample(
        {
            "app.py": (
                "import os\n"
                "from flask import Flask\n"
                "from tasks import add\n"
                "app = Flask(__name__)\n"
                "app.secret_key = os.getenv('FLASK_SECRET_KEY', 's')\n"
            ),
            "tasks.py": (
                "import os\nfrom celery import Celery\napp = Celery('tasks', broker=os.getenv('CELERY_BROKER_URL'))\n"
            ),
            "requirements.txt": "celery==5.2.6\nFlask==2.1.1\ngunicorn==20.1.0\nredis==4.2.2\n",
            "templates/main.html": "",
            "render.yaml": "",
        },
        stack="python",
        framework="Flask",
        build=None,
        start='exec gunicorn app:app --bind "${HOST:-127.0.0.1}:${PORT:-8000}"',
    ),
    "fastify-by-tsx": Sample(
        {
            "package.json": (
                '{"name": "f", "main": "app.js", "scripts": {"start": "tsx watch src/server.ts"}, '
                '"dependencies": {"fastify": "^4.17.0"}, "engines": {"node": "18.x"}, "devDependencies": '
                '{"tsx": "^3.12.10", "typescript": "5"}}'
            ),
            "yarn.lock": "",
            "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
            "src/server.ts": "",
        },
        stack="node",
        framework="Fastify",
        build=None,
        start="yarn run start",
    ),
    "express-without-start": Sample(
        {
            "package.json": (
                '{"name": "f", "main": "app.js", "scripts": {"dev": "nodemon app.js"}, "dependencies": '
                '{"express": "^4"}}'
            ),
            "app.js": "app.listen(3000)",
        },
        stack="node",
        framework="Express",
        build=None,
        start="node app.js",
    ),
    "hapi": Sample(
        {
            "package.json": (
                '{"name": "h", "main": "server.js", "scripts": {"test": "echo no && exit 1"}, "dependencies": '
                '{"@hapi/hapi": "20"}}'
            ),
            "package-lock.json": '{"lockfileVersion": 2, "packages": {}}',
            "server.js": "",
            "public/hello.html": "",
        },
        stack="node",
        framework=None,
        build=None,
        start="node server.js",
    ),
    "rocket": Sample(
        {
            "Cargo.toml": '[package]\nname = "hello_world"\nversion = "0.0.0"\n\n[dependencies]\nrocket = "0.4.10"\n',
            "Cargo.lock": '[[package]]\nname="rocket"\nversion="0.4.10"\n',
            "Rocket.toml": "",
            "src/main.rs": "#![feature(proc_macro_hygiene)]\nfn main() {}\n",
        },
        stack="rust",
        framework="Rocket",
        build="cargo install --locked --no-track --root . --path . --bin hello_world",
        start='exec env ROCKET_ADDRESS="${HOST:-127.0.0.1}" ROCKET_PORT="${PORT:-8000}" ./bin/hello_world',
    ),
    "tanstack-start": Sample(
        {
            "package.json": (
                '{"name": "r", "type": "module", "engines": {"node": ">=24.19.0 <25"}, "packageManager": '
                '"npm@11.17.0", "scripts": {"dev": "vite dev", "build": "vite build", "start": "node '
                '.output/server/index.mjs", "test:browser": "playwright test"}, "dependencies": '
                '{"@tanstack/react-start": "1.168", "react": "19"}, "devDependencies": {"@playwright/test": '
                '"1.62", "vite": "8", "nitro": "3"}}'
            ),
            "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
            "vite.config.ts": "",
        },
        stack="node",
        framework="TanStack Start",
        build="npm run build",
        start="npm run start",
    ),
    "nuxt-2-static": Sample(
        {
            "package.json": (
                '{"name": "e", "dependencies": {"nuxt": "^2.15"}, "scripts": {"dev": "nuxt", "generate": "nuxt '
                'generate"}}'
            ),
            "nuxt.config.js": "export default { target: 'static' }\n",
            "yarn.lock": "",
        },
        stack="node",
        framework="Nuxt",
        build="yarn run nuxt build",
        start=None,
        runtime=STATIC,
        static_folder="dist",
    ),
    "strapi": Sample(
        {
            "package.json": (
                '{"name": "s", "scripts": {"develop": "strapi develop", "start": "strapi start", "build": '
                '"strapi build"}, "dependencies": {"@strapi/strapi": "4.1.7", "pg": "8", "sqlite3": "5"}, '
                '"engines": {"node": ">=10.0.0"}}'
            ),
            "yarn.lock": "",
            "config/server.js": "module.exports = ({ env }) => ({ port: env.int('PORT', 1337) })\n",
        },
        stack="node",
        framework="Strapi",
        build="yarn run build",
        start="yarn run start",
    ),
    "fastapi": Sample(
        {
            "main.py": (
                "from fastapi import FastAPI\n"
                "app = FastAPI()\n"
                "if __name__ == '__main__':\n"
                "    import uvicorn\n"
                "    uvicorn.run(app, host='0.0.0.0', port=8000)\n"
            ),
            "requirements.txt": "fastapi\nuvicorn\npandas\n",
            "celery_worker.py": "from celery import Celery\n",
            "railway.json": "{}",
        },
        stack="python",
        framework="FastAPI",
        build=None,
        start='exec uvicorn main:app --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}"',
    ),
    "phoenix-with-webpack": Sample(
        {
            "mix.exs": (
                "defmodule A.MixProject do\n"
                " def project do\n"
                ' [app: :elixir_cluster_demo, version: "0.1.0", elixir: "~> 1.10"]\n'
                " end\n"
                " defp deps do\n"
                ' [{:phoenix, "~> 1.5"}]\n'
                " end\n"
                "end\n"
            ),
            "mix.lock": "",
            "assets/package.json": "{}",
            "assets/webpack.config.js": "",
            "config/releases.exs": "",
            "config/prod.exs": "",
            "build.sh": "",
            "lib/a_web/endpoint.ex": "",
        },
        stack="elixir",
        framework="Phoenix",
        build="export MIX_ENV=prod; mix release --overwrite",
        start="env PHX_SERVER=true _build/prod/rel/elixir_cluster_demo/bin/elixir_cluster_demo start",
    ),
    "django-with-vite": Sample(
        {
            "package.json": '{"scripts": {"start": "vite"}, "devDependencies": {"vite": "5"}}',
            "manage.py": "'DJANGO_SETTINGS_MODULE', 'mysite.settings'\n",
            "requirements.txt": "django\ngunicorn\n",
            "mysite/wsgi.py": "",
            "mysite/settings.py": "",
        },
        stack="python",
        framework="Django",
        build=None,
        start='exec gunicorn mysite.wsgi:application --bind "${HOST:-127.0.0.1}:${PORT:-8000}"',
    ),
    "express-with-client": Sample(
        {
            "package.json": (
                '{"name": "m", "scripts": {"start": "node server/index.js", "build": "npm install --prefix '
                'client && npm run build --prefix client"}, "dependencies": {"express": "4", "mongoose": "7"}}'
            ),
            "server/index.js": "",
            "client/package.json": (
                '{"name": "c", "scripts": {"start": "react-scripts start", "build": "react-scripts build"}, '
                '"dependencies": {"react-scripts": "5"}}'
            ),
            "client/public/index.html": "",
        },
        stack="node",
        framework="Express",
        build="npm run build",
        start="npm run start",
    ),
    "discord-bot": Sample(
        {
            "bot.py": "import discord\nclient = discord.Client()\nclient.run('x')\n",
            "requirements.txt": "discord.py\n",
            "Procfile": "worker: python bot.py\n",
        },
        stack="python",
        framework=None,
        build=None,
        start=None,
        processes={"worker": "python bot.py"},
    ),
    "laravel": Sample(
        {
            "composer.json": '{"require": {"php": "^8.2", "laravel/framework": "^11.0"}}',
            "composer.lock": "{}",
            "artisan": "",
            "public/index.php": "",
            "package.json": (
                '{"scripts": {"build": "vite build", "dev": "vite"}, "devDependencies": {"vite": "5", '
                '"laravel-vite-plugin": "1"}}'
            ),
            ".env.example": "APP_KEY=\nDB_CONNECTION=sqlite\n",
            "vite.config.js": "",
            "bootstrap/app.php": "",
            "database/migrations/a.php": "",
        },
        stack="php",
        framework="Laravel",
        build="npm install && npm run build",
        start="apache2-foreground",
    ),
    "nest": Sample(
        {
            "package.json": (
                '{"name": "n", "scripts": {"build": "nest build", "start": "nest start", "start:prod": "node '
                'dist/main"}, "dependencies": {"@nestjs/core": "10"}, "devDependencies": {"@nestjs/cli": "10", '
                '"typescript": "5"}}'
            ),
            "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
            "src/main.ts": "await app.listen(3000);",
            "nest-cli.json": "{}",
        },
        stack="node",
        framework="NestJS",
        build="npm run build",
        start="npm run start:prod",
    ),
    "typescript-with-main": Sample(
        {
            "package.json": (
                '{"name": "n", "main": "dist/index.js", "scripts": {"build": "tsc", "dev": "ts-node '
                'src/index.ts"}, "dependencies": {"express": "4"}, "devDependencies": {"typescript": "5"}}'
            ),
            "src/index.ts": "app.listen(process.env.PORT||3000)",
            "tsconfig.json": "{}",
        },
        stack="node",
        framework="Express",
        build="npm run build",
        start="node dist/index.js",
    ),
    "pages": Sample(
        {
            "index.html": "",
            "css/style.css": "",
            "js/app.js": "",
            "README.md": "",
        },
        stack="static",
        framework=None,
        build=None,
        start=None,
        runtime=STATIC,
        static_folder="",
    ),
    "streamlit": Sample(
        {
            "streamlit_app.py": "import streamlit as st\n",
            "requirements.txt": "streamlit\n",
        },
        stack="python",
        framework="Streamlit",
        build=None,
        start=(
            'exec streamlit run streamlit_app.py --server.address "${HOST:-127.0.0.1}" --server.port '
            '"${PORT:-8000}" --server.headless true'
        ),
    ),
    "gradio": Sample(
        {
            "app.py": (
                "import gradio as gr\n"
                "demo = gr.Interface(fn=lambda x: x, inputs='text', outputs='text')\n"
                "demo.launch()\n"
            ),
            "requirements.txt": "gradio\n",
        },
        stack="python",
        framework="Gradio",
        build=None,
        start='exec env GRADIO_SERVER_NAME="${HOST:-127.0.0.1}" GRADIO_SERVER_PORT="${PORT:-8000}" python3 app.py',
    ),
    "dash": Sample(
        {
            "app.py": (
                "from dash import Dash\n"
                "app = Dash(__name__)\n"
                "server = app.server\n"
                "if __name__ == '__main__':\n"
                "    app.run_server()\n"
            ),
            "requirements.txt": "dash\ngunicorn\n",
        },
        stack="python",
        framework="Dash",
        build=None,
        start='exec gunicorn app:app.server --bind "${HOST:-127.0.0.1}:${PORT:-8000}"',
    ),
    "go-with-cmd": Sample(
        {
            "go.mod": "module a\n\ngo 1.21\n",
            "cmd/server/main.go": "package main\nfunc main() {}\n",
            "cmd/migrate/main.go": "package main\nfunc main() {}\n",
            "internal/a.go": "",
        },
        stack="go",
        framework=None,
        build="go build -trimpath -o bin/app ./cmd/server",
        start="./bin/app",
    ),
    "create-react-app": Sample(
        {
            "package.json": (
                '{"name": "c", "scripts": {"start": "react-scripts start", "build": "react-scripts build"}, '
                '"dependencies": {"react": "18", "react-scripts": "5"}}'
            ),
            "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
            "public/index.html": "",
            "src/index.js": "",
        },
        stack="node",
        framework="Create React App",
        build="npm run build",
        start=None,
        runtime=STATIC,
        static_folder="build",
    ),
    "docusaurus": Sample(
        {
            "package.json": (
                '{"name": "c", "scripts": {"start": "docusaurus start", "build": "docusaurus build", "serve": '
                '"docusaurus serve"}, "dependencies": {"@docusaurus/core": "3"}}'
            ),
            "docusaurus.config.js": "",
            "docs/a.md": "",
        },
        stack="node",
        framework="Docusaurus",
        build="npm run build",
        start=None,
        runtime=STATIC,
        static_folder="build",
    ),
    "vitepress-in-docs": Sample(
        {
            "package.json": (
                '{"name": "c", "scripts": {"docs:dev": "vitepress dev docs", "docs:build": "vitepress build '
                'docs"}, "devDependencies": {"vitepress": "1"}}'
            ),
            "docs/index.md": "",
            "docs/.vitepress/config.js": "",
        },
        stack="node",
        framework="VitePress",
        build="npm run docs:build",
        start=None,
        runtime=STATIC,
        static_folder="docs/.vitepress/dist",
    ),
    "gatsby": Sample(
        {
            "package.json": (
                '{"name": "g", "scripts": {"build": "gatsby build", "start": "npm run develop", "develop": '
                '"gatsby develop"}, "dependencies": {"gatsby": "5"}}'
            ),
            "gatsby-config.js": "",
            "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
        },
        stack="node",
        framework="Gatsby",
        build="npm run build",
        start=None,
        runtime=STATIC,
        static_folder="public",
    ),
    "uv-with-src": Sample(
        {
            "pyproject.toml": (
                '[project]\nname="a"\nversion="0"\nrequires-python=">=3.12"\ndependencies=["fastapi[standard]"]\n'
            ),
            "uv.lock": "",
            "src/a/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "src/a/__init__.py": "",
        },
        stack="python",
        framework="FastAPI",
        build=None,
        start='exec uvicorn --app-dir src a.main:app --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}"',
    ),
    "fastapi-in-app": Sample(
        {
            "requirements.txt": "fastapi\nuvicorn\nsqlalchemy\n",
            "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "app/__init__.py": "",
        },
        stack="python",
        framework="FastAPI",
        build=None,
        start='exec uvicorn app.main:app --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}"',
    ),
    "flask-factory": Sample(
        {
            "requirements.txt": "flask\n",
            "flaskr/__init__.py": (
                "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    return app\n"
            ),
        },
        stack="python",
        framework="Flask",
        build=None,
        start='exec gunicorn "flaskr:create_app()" --bind "${HOST:-127.0.0.1}:${PORT:-8000}"',
    ),
    "flask-by-wsgi": Sample(
        {
            "requirements.txt": "flask\ngunicorn\n",
            "wsgi.py": "from app import app\nif __name__ == '__main__':\n    app.run()\n",
            "app/__init__.py": "from flask import Flask\napp = Flask(__name__)\n",
        },
        stack="python",
        framework="Flask",
        build=None,
        start='exec gunicorn wsgi:app --bind "${HOST:-127.0.0.1}:${PORT:-8000}"',
    ),
    "node-by-the-engines-of-development": Sample(
        {
            "package.json": (
                '{"scripts": {"start": "node index.js"}, '
                '"devEngines": {"runtime": {"name": "node", "version": "22.x"}, '
                '"packageManager": {"name": "pnpm", "version": "9"}}}'
            ),
            "index.js": "",
        },
        stack="node",
        framework=None,
        build=None,
        start="pnpm run start",
    ),
    "node-of-typescript": Sample(
        {"package.json": '{"type": "module", "main": "index.ts"}', "index.ts": ""},
        stack="node",
        framework=None,
        build=None,
        start="node index.ts",
    ),
    "node-of-typescript-by-tsx": Sample(
        {"package.json": '{"main": "index.ts", "dependencies": {"tsx": "4"}}', "index.ts": ""},
        stack="node",
        framework=None,
        build=None,
        start="npx tsx index.ts",
    ),
    "vite-with-a-folder-in-its-script": Sample(
        {
            "package.json": '{"scripts": {"build": "vite build --outDir www"}, "devDependencies": {"vite": "6"}}',
            "index.html": "",
        },
        stack="node",
        framework="Vite",
        build="npm run build",
        start=None,
        runtime=STATIC,
        static_folder="www",
    ),
    "vitepress-at-the-top": Sample(
        {
            "package.json": (
                '{"scripts": {"docs:build": "vitepress build", "docs:preview": "vitepress preview"}, '
                '"devDependencies": {"vitepress": "1"}}'
            ),
            ".vitepress/config.mts": "",
            "index.md": "",
        },
        stack="node",
        framework="VitePress",
        build="npm run docs:build",
        start=None,
        runtime=STATIC,
        static_folder=".vitepress/dist",
    ),
    "adonis": Sample(
        {
            "package.json": (
                '{"scripts": {"build": "node ace build", "start": "node bin/server.js"}, '
                '"dependencies": {"@adonisjs/core": "6"}}'
            ),
            "adonisrc.ts": "",
            "bin/server.ts": "",
        },
        stack="node",
        framework="AdonisJS",
        build="npm run build",
        start="node build/bin/server.js",
    ),
    "nitro": Sample(
        {
            "package.json": (
                '{"scripts": {"build": "nitro build", "dev": "nitro dev"}, "devDependencies": {"nitropack": "2"}}'
            )
        },
        stack="node",
        framework="Nitro",
        build="npm run build",
        start="node .output/server/index.mjs",
    ),
    "rack-by-passenger": Sample(
        {
            "Gemfile": "source 'https://rubygems.org/'\nruby '~> 3.4.0'\ngem 'sinatra', '~> 4.2'\ngem 'passenger'\n",
            "Passengerfile.json": "{}",
            "app.rb": "",
            "config.ru": "",
        },
        stack="ruby",
        framework="Sinatra",
        build=None,
        start='exec bundle exec passenger start --address "${HOST:-127.0.0.1}" --port "${PORT:-3000}"',
    ),
    "fresh-with-an-import-map": Sample(
        {
            "deno.json": (
                '{"tasks": {"dev": "deno run -A --watch=static/,routes/ dev.ts", "start": "deno run -A dev.ts"}, '
                '"importMap": "./import_map.json"}'
            ),
            "import_map.json": '{"imports": {"$fresh/": "https://deno.land/x/fresh@1.0.1/"}}',
            "main.ts": 'import { start } from "$fresh/server.ts";\nawait start(manifest);\n',
            "dev.ts": "",
            "fresh.gen.ts": "",
        },
        stack="deno",
        framework="Fresh",
        build="deno cache main.ts",
        start='export DENO_SERVE_ADDRESS="tcp:${HOST:-127.0.0.1}:${PORT:-8000}"; exec deno run -A main.ts',
    ),
    "flask-as-a-function": Sample(
        {"requirements.txt": "Flask\n", "api/index.py": "from flask import Flask\napp = Flask(__name__)\n"},
        stack="python",
        framework="Flask",
        build=None,
        start='exec gunicorn api.index:app --bind "${HOST:-127.0.0.1}:${PORT:-8000}"',
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_public_sample_is_understood(name: str) -> None:
    sample = SAMPLES[name]
    plan = plan_of(sample.files)
    commands = plan.commands
    assert (plan.stack, plan.framework, plan.runtime) == (sample.stack, sample.framework, sample.runtime)
    assert (_text(commands.build), _text(commands.start)) == (sample.build, sample.start)
    assert plan.static_folder == sample.static_folder
    assert {name: str(command) for name, command in commands.processes.items()} == (sample.processes or {})
    assert plan.missing == ()


def _text(command: object | None) -> str | None:
    return None if command is None else str(command)


def test_what_only_a_buildpack_brings_is_told_and_does_not_count() -> None:
    plan = plan_of(SAMPLES["go-of-a-buildpack"].files)
    assert plan.why[-1] == "Procfile starts it with what only a buildpack brings, so that does not count."


def test_a_program_in_bin_that_is_there_counts() -> None:
    plan = plan_of({**SAMPLES["go-of-a-buildpack"].files, "bin/go-getting-started": "#!/bin/sh\n"})
    assert str(plan.commands.start) == "bin/go-getting-started"


def test_what_bundler_chose_comes_before_the_range_that_it_chose_from() -> None:
    files = SAMPLES["rails-of-a-buildpack"].files
    assert plan_of(files).versions[0].version == "3.3"
    assert plan_of({**files, "Gemfile.lock": ""}).versions[0].version == "3.3"  # the newest below 3.4


def test_apps_that_only_nx_knows_how_to_build_are_no_guess() -> None:
    files = {
        "package.json": '{"devDependencies": {"nx": "17", "next": "14"}}',
        "nx.json": "{}",
        "apps/web/project.json": "{}",
        "apps/web-e2e/project.json": "{}",
        "apps/api/project.json": "{}",
    }
    assert plan_of(files).missing == (
        "Nx has its apps in apps/api, apps/web: say which is built, and how it is started.",
    )


@pytest.mark.parametrize(
    ("executor", "options", "start", "static_folder"),
    [
        ("@nx/esbuild:esbuild", {}, "node dist/apps/shop/main.js", None),
        ("@nx/webpack:webpack", {"target": "node", "outputFileName": "api.js"}, "node dist/apps/shop/api.js", None),
        ("@nrwl/next:build", {"root": "apps/shop"}, "npx next start dist/apps/shop", None),
        ("@nx/webpack:webpack", {"target": "web"}, None, "dist/apps/shop"),
        ("@nx/vite:build", {}, None, "dist/apps/shop"),
        ("@angular-devkit/build-angular:application", {}, None, "dist/apps/shop/browser"),
    ],
)
def test_the_only_app_of_nx_is_built_as_its_project_says(
    executor: str, options: dict[str, str], start: str | None, static_folder: str | None
) -> None:
    build = {"executor": executor, "options": {"outputPath": "dist/apps/shop", **options}}
    plan = plan_of(
        {
            "package.json": '{"scripts": {"start": "nx serve"}, "devDependencies": {"nx": "20"}}',
            "nx.json": "{}",
            "apps/shop/project.json": json.dumps({"name": "shop", "targets": {"build": build}}),
            "apps/shop-e2e/project.json": "{}",
        }
    )
    assert str(plan.commands.build) == "npx nx build shop"
    assert (plan.commands.start and str(plan.commands.start), plan.static_folder) == (start, static_folder)
    assert plan.missing == ()
    assert any(sentence.startswith("apps/shop/project.json is built by") for sentence in plan.why)


@pytest.mark.parametrize(
    "build",
    [{}, {"executor": "@nx/esbuild:esbuild"}, {"executor": "a:b", "options": {"outputPath": "dist"}},
     {"executor": "@nx/vite:build", "options": {"outputPath": "../../dist"}}, "x", None],
)  # fmt: skip
def test_an_app_of_nx_that_does_not_say_what_its_build_leaves_is_no_guess(build: object) -> None:
    project = json.dumps({"name": "shop", "targets": {"build": build}})
    found = plan_of({"package.json": "{}", "nx.json": "{}", "apps/shop/project.json": project})
    assert found.missing == ("Nx has its apps in apps/shop: say which is built, and how it is started.",)


def test_a_repository_with_a_backend_and_a_frontend_lets_choose() -> None:
    files = {
        "backend/requirements.txt": "flask\ngunicorn\n",
        "backend/app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "frontend/package.json": '{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}',
        "frontend/index.html": "",
        "docker-compose.yml": "",
    }
    found = unknown(files)
    assert [(one.stack, one.runtime, one.base) for one in found.alternatives] == [
        ("python", DOCKER, "backend"),
        ("node", STATIC, "frontend"),
    ]


def test_django_below_what_it_needs_is_started_from_above() -> None:
    files = {
        "requirements.txt": "django\ngunicorn\nwhitenoise\n",
        "src/manage.py": "",
        "src/mysite/wsgi.py": "",
        "src/mysite/settings.py": "",
    }
    plan = plan_of(files)
    assert (plan.base, plan.framework) == ("", "Django")
    assert str(plan.commands.start) == (
        'cd src && exec gunicorn mysite.wsgi:application --bind "${HOST:-127.0.0.1}:${PORT:-8000}"'
    )
    assert str(plan.commands.release) == "cd src && python3 manage.py migrate --noinput"
    assert str(plan.commands.build) == "cd src && python3 manage.py collectstatic --noinput"


def test_an_app_called_docs_is_one_where_apps_are() -> None:
    next_app = '{"scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "14"}}'
    files = {
        "package.json": '{"private": true, "devDependencies": {"turbo": "2"}}',
        "pnpm-workspace.yaml": "packages:\n  - apps/*\n",
        "turbo.json": "{}",
        "apps/web/package.json": next_app,
        "apps/docs/package.json": next_app,
        "docs/package.json": next_app,
    }
    assert [one.base for one in unknown(files).alternatives] == ["apps/docs", "apps/web"]


@pytest.mark.parametrize(
    ("package", "others", "framework", "folder"),
    [
        ({"scripts": {"start": "webpack serve", "build": "webpack"}, "devDependencies": {"webpack-cli": "5"}},
         {"webpack.config.js": ""}, "webpack", "dist"),
        ({"scripts": {"build": "preact build", "dev": "preact watch"}, "devDependencies": {"preact-cli": "3"}},
         {}, "Preact CLI", "build"),
        ({"scripts": {"build": "slidev build", "dev": "slidev --open"}, "dependencies": {"@slidev/cli": "51"}},
         {"slides.md": ""}, "Slidev", "dist"),
        ({"scripts": {"build": "slidev build --out public"}, "dependencies": {"@slidev/cli": "51"}},
         {"slides.md": ""}, "Slidev", "public"),
        ({"scripts": {"build": "stencil build", "start": "stencil build --dev --watch --serve"},
          "devDependencies": {"@stencil/core": "4"}},
         {"stencil.config.ts": "export const config = { outputTargets: [{ type: 'www' }] };"}, "Stencil", "www"),
        ({"scripts": {"build": "umi build", "start": "umi dev"}, "dependencies": {"umi": "4"}}, {}, "Umi", "dist"),
        ({"scripts": {"build": "sanity build", "start": "sanity start"}, "dependencies": {"sanity": "3"}},
         {}, "Sanity", "dist"),
        ({"scripts": {"build-storybook": "storybook build"}, "devDependencies": {"storybook": "8"}},
         {".storybook/main.ts": ""}, "Storybook", "storybook-static"),
    ],
)  # fmt: skip
def test_what_builds_pages_is_no_server(
    package: dict[str, object], others: dict[str, str], framework: str, folder: str
) -> None:
    plan = plan_of({"package.json": json.dumps(package), **others})
    assert (plan.framework, plan.runtime, plan.static_folder, plan.missing) == (framework, STATIC, folder, ())


@pytest.mark.parametrize(
    ("needs", "others"),
    [
        ({"webpack-cli": "5"}, {"webpack.config.js": "module.exports = { target: 'node' }"}),
        ({"storybook": "8"}, {}),
        ({"@stencil/core": "4"}, {"stencil.config.ts": "outputTargets: [{ type: 'dist' }]"}),
    ],
)
def test_what_is_there_for_others_makes_no_pages(needs: dict[str, str], others: dict[str, str]) -> None:
    package = {"scripts": {"start": "node server.js"}, "devDependencies": needs}
    plan = plan_of({"package.json": json.dumps(package), "server.js": "", **others})
    assert (plan.runtime, str(plan.commands.start)) == (DOCKER, "npm run start")


@pytest.mark.parametrize(("of_lock", "version"), [("6", "3"), ("8", "4")])
def test_a_lock_file_of_new_yarn_says_which_yarn_it_is_of(of_lock: str, version: str) -> None:
    plan = plan_of(
        {
            "package.json": '{"scripts": {"start": "node index.js"}}',
            "yarn.lock": f"# Manual changes might be lost.\n\n__metadata:\n  version: {of_lock}\n",
            "index.js": "",
        }
    )
    assert str(plan.commands.install) == "yarn install --immutable"
    assert [one.version for one in plan.versions if one.tool == "yarn"] == [version]


def test_the_first_of_several_engines_for_development_counts() -> None:
    package = (
        '{"scripts": {"start": "node a.js"}, "devEngines": {"runtime": [{"name": "node", "version": ">=20 <21"}]}}'
    )
    assert plan_of({"package.json": package}).versions[0].version == "20"
    for odd in ('"x"', "[]", "[1]", '{"name": 1}', '{"name": "node"}'):
        written = f'{{"devEngines": {{"runtime": {odd}, "packageManager": {odd}}}}}'
        assert plan_of({"package.json": written}).versions[0].version == "24"


def test_a_script_that_calls_bun_finds_it_beside_pnpm() -> None:
    plan = plan_of(
        {
            "package.json": '{"scripts": {"start": "bun index.ts"}, "packageManager": "pnpm@9.0.0"}',
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
            "index.ts": "",
        }
    )
    assert plan.stack == "node"
    assert "RUN npm install --global bun\n" in getattr(plan.dockerfile, "text", "")


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        (
            {"environment.yml": "name: a\n", "app.py": "print(1)\n"},
            "environment.yml is Conda's, which is not read: list what it needs in requirements.txt.",
        ),
        (
            {"pixi.toml": '[pypi-dependencies]\nflask = "*"\n', "server.py": "print(1)\n"},
            "pixi.toml is pixi's, which is not read: list what it needs in requirements.txt.",
        ),
        (
            {"runtime.txt": "python-2.7.18\n", "requirements.txt": "flask\n", "main.py": "print(1)\n"},
            f"runtime.txt asks for Python 2, {OF_PYTHON_2}",
        ),
        (
            {"main.py": 'print "Hello from Python 2"\n'},
            f"main.py is written for Python 2, {OF_PYTHON_2}",
        ),
        (
            {"pom.xml": "<project><artifactId>a</artifactId><version>1</version><packaging>war</packaging></project>"},
            "pom.xml makes a war, for a server such as Tomcat, and nothing here brings one: add a Dockerfile.",
        ),
        (
            {"build.gradle": "plugins {\n    id 'war'\n}\n"},
            "build.gradle makes a war, for a server such as Tomcat, and nothing here brings one: add a Dockerfile.",
        ),
        (
            {"Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\n', "src/main.rs": "", "Trunk.toml": ""},
            "Trunk.toml is for Trunk, which makes pages of it, and no image brings that: add a Dockerfile.",
        ),
        (
            {
                "Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\n[package.metadata.leptos]\nsite-root = "a"\n',
                "src/main.rs": "",
            },
            "Cargo.toml is for cargo-leptos, which makes pages of it, and no image brings that: add a Dockerfile.",
        ),
    ],
)
def test_what_would_start_and_not_work_is_said_to_be_missing(files: Files, missing: str) -> None:
    assert plan_of(files).missing == (missing,)


@pytest.mark.parametrize(
    "text",
    ['"""\nprint "usage"\n"""\nprint(1)\n', "print('a', 'b')\n", 'print ("a")\n', "printed = 1\n"],
)
def test_what_python_3_reads_too_is_not_for_python_2(text: str) -> None:
    assert plan_of({"main.py": text}).missing == ()


def test_an_old_python_that_has_images_is_the_one_that_is_asked_for() -> None:
    old = {"runtime.txt": "python-3.6.15\n", "requirements.txt": "flask\n", "main.py": "print(1)\n"}
    assert plan_of(old).versions == (ToolVersion("Python", "3.6", "runtime.txt"),)
    of_uv = {"pyproject.toml": '[project]\nname = "a"\nversion = "0"\n', "uv.lock": "", ".python-version": "3.7\n"}
    assert plan_of({**of_uv, "main.py": "print(1)\n"}).versions[0].version == "3.13"  # uv runs on no older than 3.8


@pytest.mark.parametrize(
    ("asked", "lock", "version"),
    [
        ("11.5.x", "9.0", "11.5"),
        ("~10.10.0", "9.0", "10.10"),
        ("9.15.4", "9.0", "9.15.4"),
        (">=8", "6.0", "8"),
        (">=9 <10", "9.0", "9"),
        ("please-use-npm", "9.0", "10"),
    ],
)
def test_the_pnpm_that_engines_allow_installs(asked: str, lock: str, version: str) -> None:
    package = {"scripts": {"start": "node main.js"}, "engines": {"pnpm": asked}}
    plan = plan_of({"package.json": json.dumps(package), "pnpm-lock.yaml": f"lockfileVersion: '{lock}'\n"})
    assert [one.version for one in plan.versions if one.tool == "pnpm"] == [version]


@pytest.mark.parametrize(
    ("package", "extensions"),
    [
        ("drupal/core-recommended", "gd pdo_mysql"),
        ("codeigniter4/framework", "intl mysqli"),
        ("filament/filament", "intl"),
    ],
)
def test_what_packages_of_php_refuse_to_be_installed_without_is_in_the_image(package: str, extensions: str) -> None:
    plan = plan_of({"composer.json": json.dumps({"require": {package: "*"}}), "web/index.php": "<?php\n"})
    assert f"docker-php-ext-install {extensions}\n" in getattr(plan.dockerfile, "text", "")


def test_a_lock_file_of_composer_tells_what_its_packages_need() -> None:
    lock = {"packages": [{"name": "a/b", "require": {"php": ">=8", "ext-json": "*", "ext-intl": "*"}}]}
    plan = plan_of({"composer.json": "{}", "composer.lock": json.dumps(lock), "index.php": "<?php\n"})
    assert plan.system_packages == ("libicu-dev",)
    assert "composer.lock has what needs intl, which the image gets." in plan.why


def test_a_part_of_a_server_that_astro_builds_is_started_by_the_script_for_it() -> None:
    package = {"scripts": {"build": "astro build", "start": "astro dev", "server": "node server/server.mjs"}}
    package["dependencies"] = {"astro": "4", "@astrojs/node": "8"}
    files = {
        "package.json": json.dumps(package),
        "astro.config.mjs": "export default defineConfig({ adapter: node({ mode: 'middleware' }) });\n",
    }
    assert str(plan_of({**files, "server/server.mjs": ""}).commands.start) == "node server/server.mjs"
    assert plan_of(files).missing == (
        "astro.config.mjs builds a part of a server, and no script starts that: add a script “start”.",
    )


@pytest.mark.parametrize(
    ("file", "maker"),
    [("wrangler.toml", "Cloudflare Workers"), ("main.wasp", "Wasp"), ("serverless.yml", "the Serverless Framework")],
)
def test_what_only_the_tools_of_a_service_start_is_told(file: str, maker: str) -> None:
    found = plan_of({"package.json": '{"scripts": {"deploy": "x"}}', file: "", "src/index.ts": ""})
    assert found.missing == (f"{file} is for {maker}, whose own tools start it: nothing here does.",)


def test_the_program_of_node_comes_before_that_for_bundlers() -> None:
    package = {"main": "dist/index.js", "module": "dist/index.esm.js", "scripts": {"build": "tsc"}}
    assert str(plan_of({"package.json": json.dumps(package)}).commands.start) == "node dist/index.js"
    of_bun = {"package.json": json.dumps({"module": "index.ts"}), "bun.lock": "", "index.ts": ""}
    assert str(plan_of(of_bun).commands.start) == "bun index.ts"


@pytest.mark.parametrize("listens", ['HttpServer::new(app).bind(("0.0.0.0", 8081))?', 'app.listen("0.0.0.0", 8081)'])
def test_a_port_beside_its_address_is_read(listens: str) -> None:
    package = '[package]\nname = "a"\n[dependencies]\nactix-web = "4"\n'
    assert plan_of({"Cargo.toml": package, "src/main.rs": f"fn main() {{ {listens} }}\n"}).port == 8081


def test_a_list_of_packages_that_another_names_counts_as_well() -> None:
    plan = plan_of(
        {
            "manage.py": "'DJANGO_SETTINGS_MODULE', 'shop.settings'\n",
            "requirements.txt": "-r requirements/production.txt\n",
            "requirements/production.txt": "-r ./base.txt  # all of it\ngunicorn\nwhitenoise\n-r production.txt\n",
            "requirements/base.txt": "django\npsycopg2\n",
            "shop/wsgi.py": "",
        }
    )
    assert str(plan.commands.build) == "python3 manage.py collectstatic --noinput"
    assert plan.system_packages == ("libpq5",)
    assert not any("is installed with it" in sentence for sentence in plan.why)
    assert (
        "COPY requirements.txt ./\nCOPY requirements/production.txt requirements/base.txt ./requirements/\nRUN "
    ) in getattr(plan.dockerfile, "text", "")


def test_a_server_in_go_beside_its_client_is_chosen_by_its_name() -> None:
    main = "package main\nfunc main() {}\n"
    plan = plan_of({"go.mod": "module grpc-test\n", "server/main.go": main, "client/main.go": main})
    assert str(plan.commands.build) == "go build -trimpath -o bin/app ./server"


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("10.x", "10"),
        ("^12.13.0", "12"),
        ("12.x || 14.x", "14"),
        ("lts/erbium", "12"),
        (">=10", "24"),
        ("0.12.2", "24"),
    ],
)
def test_an_old_node_that_has_images_is_the_one_that_is_asked_for(asked: str, version: str) -> None:
    package = {"scripts": {"start": "node a.js"}, "engines": {"node": asked}}
    assert plan_of({"package.json": json.dumps(package)}).versions[0].version == version


@pytest.mark.parametrize(
    ("needs", "engines", "version"),
    [
        ({"react-scripts": "4.0.3"}, {}, "16"),
        ({"react-scripts": "^5.0.1"}, {}, "24"),
        ({"@vue/cli-service": "~4.5.0"}, {"node": ">=12"}, "16"),
        ({"@angular/cli": "~12.1.3"}, {"node": "20.x"}, "20"),
        ({"webpack": "latest"}, {}, "24"),
    ],
)
def test_what_an_old_webpack_builds_has_the_newest_node_that_does(
    needs: dict[str, str], engines: dict[str, str], version: str
) -> None:
    package = {"scripts": {"start": "node a.js"}, "devDependencies": needs, "engines": engines}
    plan = plan_of({"package.json": json.dumps(package)})
    assert [one.version for one in plan.versions if one.tool == "Node"] == [version]
    assert any("which no newer Node than 16 builds" in one for one in plan.why) is (version == "16")


def test_of_several_versions_that_will_do_the_newest_is_taken() -> None:
    plan = plan_of({"composer.json": '{"require": {"php": "8.1.* || 8.2.*"}}', "index.php": "<?php\n"})
    assert [one.version for one in plan.versions if one.tool == "PHP"] == ["8.2"]


def test_canvas_has_its_libraries_where_it_runs() -> None:
    package = {"scripts": {"start": "node index.js"}, "dependencies": {"canvas": "^2.11.2"}}
    assert "libcairo2" in plan_of({"package.json": json.dumps(package)}).system_packages


def test_scripts_for_browsers_are_run_by_node_while_rails_compiles_its_assets() -> None:
    gems = "".join(f"    {gem}\n" for gem in ("rails (5.2.0)", "sprockets (3.7.2)", "execjs (2.8.1)"))
    plan = plan_of(
        {
            "Gemfile": "gem 'rails'\ngem 'uglifier'\n",
            "Gemfile.lock": f"GEM\n  specs:\n{gems}",
            "config/application.rb": "",
            "config.ru": "",
        }
    )
    build, _, run = getattr(plan.dockerfile, "text", "").partition("\nFROM ruby:3.4-slim\n")
    assert "--no-install-recommends nodejs " in build
    assert "--no-install-recommends nodejs " in run


def test_a_list_of_packages_comes_before_one_of_conda() -> None:
    files = {"environment.yml": "name: a\n", "app.py": "print(1)\n"}
    assert plan_of({**files, "requirements.txt": "requests\n"}).missing == ()
    started = plan_of({**files, "Procfile": "web: gunicorn app:app\n"})
    assert (str(started.commands.start), started.missing) == ("gunicorn app:app", ())
    assert any(sentence.startswith("environment.yml is Conda's") for sentence in started.why)


@pytest.mark.parametrize("name", ["production", "prod"])
def test_assets_of_laravel_mix_are_built(name: str) -> None:
    plan = plan_of(
        {
            "composer.json": '{"require": {"laravel/framework": "^8"}}',
            "artisan": "",
            "public/index.php": "",
            "package.json": f'{{"scripts": {{"{name}": "mix --production"}}}}',
        }
    )
    assert str(plan.commands.build) == f"npm install && npm run {name}"


def test_a_function_for_requests_is_served_by_its_package() -> None:
    needs = {"requirements.txt": "functions-framework\n"}
    plan = plan_of({**needs, "main.py": "def hello(request):\n    return 'hi'\n"})
    assert str(plan.commands.start) == (
        'exec functions-framework --target hello --host "${HOST:-127.0.0.1}" --port "${PORT:-8000}"'
    )
    several = plan_of({**needs, "main.py": "def a(request):\n    pass\n\n\ndef b(request):\n    pass\n"})
    assert str(several.commands.start) == "python3 main.py"
