"""Small repositories of many languages, as their own tools and public samples lay them out."""

from collections.abc import Mapping

from tests.stacks.trees import Files

TREES: Mapping[str, Files] = {
    "clojure-alias": {
        "deps.edn": """\
{:deps {}
 :aliases {:run {:main-opts ["-m" "app.core"]}}}
""",
    },
    "clojure-lein": {
        "project.clj": """\
(defproject hello-ring "0.1.0-SNAPSHOT"
 :plugins [[lein-ring "0.12.5"]]
 :ring {:handler h}
 :main hello-ring.core)
""",
    },
    "clojure-tools": {
        "deps.edn": """\
{:paths ["src"] ;; x
 :aliases
 {:build {:deps {a/b {:git/tag "v0.9.2"}}
 :ns-default build}}}
""",
        "build.clj": """\
(defn clean [_])
(defn uber [_] (clean nil))
""",
    },
    "cobol": {
        "index.cbl": "       IDENTIFICATION DIVISION.\n",
        "my-app.cbl": "",
    },
    "cobol-free": {
        "src/my-app.cbl": """\
>>SOURCE FORMAT FREE
IDENTIFICATION DIVISION.
""",
    },
    "cpp-cmake": {
        "CMakeLists.txt": """\
project(cpp-cmake LANGUAGES CXX)
find_package(OpenSSL REQUIRED)
add_executable(${PROJECT_NAME} main.cc)
""",
    },
    "cpp-make": {
        "Makefile": """\
CC = gcc
TARGET = server
$(TARGET): main.c
	$(CC) -o $(TARGET) main.c
""",
        "main.c": "",
    },
    "cpp-meson": {
        "meson.build": """\
project('cpp-meson', ['cpp'])
executable('cpp-meson', ['main.cc'])
""",
    },
    "crystal": {
        "shard.yml": """\
name: crystal
targets:
  crystal:
    main: src/crystal.cr

crystal: 1.4.1
""",
        "spec/a": "",
        "shard.lock": "",
    },
    "dart": {
        "pubspec.yaml": """\
name: console_simple
environment:
  sdk: '>=2.16.1 <3.0.0'

dev_dependencies:
  lints: ^1.0.0
""",
        "bin/console_simple.dart": "",
    },
    "dart-flutter": {
        "pubspec.yaml": """\
name: x
dependencies:
  flutter:
    sdk: flutter
""",
        "web/index.html": "",
    },
    "dart-frog": {
        "pubspec.yaml": """\
name: api
dependencies:
  dart_frog: ^1.0.0
""",
        "routes/index.dart": "",
        "public/a.css": "",
    },
    "deno": {
        "deno.jsonc": """\
{
  // What it is called by.
  "tasks": {
    "start": "deno run --allow-net --allow-env main.ts", /* in production */
    "test": {"description": "All", "command": "deno test"},
  },
  "imports": {"hono": "jsr:@hono/hono@^4", "pg": "npm:pg@8", "site": "https://x/y"},
}
""",
        "deno.lock": "{}",
        ".tool-versions": "deno 2.1\n",
        "main.ts": 'Deno.env.get("SESSION_KEY")',
    },
    "deno-bot": {
        "deno.json": '{"imports": {"discordeno": "npm:@discordeno/bot@19"}}',
        "main.ts": """\
import { createBot } from "discordeno";

await createBot({ token: Deno.env.get("TOKEN") }).start();
""",
    },
    "deno-fresh": {
        "deno.json": """\
{
  "tasks": {"dev": "vite", "build": "vite build", "start": "deno run -A --watch=static/ dev.ts"},
  "imports": {"fresh": "jsr:@fresh/core@^2.0.0", "vite": "npm:vite@^7"}
}
""",
        "deno.lock": "{}",
        "main.ts": "",
    },
    "deno-program": {
        "server.ts": "Deno.serve(() => new Response())",
    },
    "dotnet-blazor": {
        "Site.csproj": """\
<Project Sdk="Microsoft.NET.Sdk.BlazorWebAssembly">
<PropertyGroup>
<TargetFramework>net8.0</TargetFramework>
</PropertyGroup>
</Project>
""",
    },
    "dotnet-fsharp": {
        "api.fsproj": """\
<Project Sdk="Microsoft.NET.Sdk.Web">
<PropertyGroup>
<TargetFramework>net8.0</TargetFramework>
</PropertyGroup>
</Project>
""",
    },
    "dotnet-program": {
        "csharp-cli.csproj": """\
<Project Sdk="Microsoft.NET.Sdk">
 <PropertyGroup>
<OutputType>Exe</OutputType>
<TargetFramework>net6.0</TargetFramework>
</PropertyGroup>
</Project>
""",
    },
    "dotnet-solution": {
        "Shop.sln": "",
        "src/Web/Web.csproj": """\
<Project Sdk="Microsoft.NET.Sdk.Web">
<PropertyGroup>
<TargetFramework>net9.0</TargetFramework>
</PropertyGroup>
</Project>
""",
        "src/Lib/Lib.csproj": """\
<Project Sdk="Microsoft.NET.Sdk">
<PropertyGroup>
<TargetFramework>net9.0</TargetFramework>
</PropertyGroup>
</Project>
""",
        "tests/T/T.csproj": """\
<Project Sdk="Microsoft.NET.Sdk">
<PropertyGroup>
<TargetFramework>net9.0</TargetFramework>
</PropertyGroup>
<ItemGroup>
<PackageReference Include="Microsoft.NET.Test.Sdk" Version="1"/>
</ItemGroup>
</Project>
""",
    },
    "dotnet-web": {
        "api.csproj": """\
<Project Sdk="Microsoft.NET.Sdk.Web">
<PropertyGroup>
<TargetFramework>net7.0</TargetFramework>
</PropertyGroup>
</Project>
""",
        "global.json": '{"sdk":{"version":"7.0.0"}}',
    },
    "dotnet-with-pages": {
        "Shop.csproj": """\
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup><TargetFramework>net8.0</TargetFramework><SpaRoot>ClientApp\\</SpaRoot></PropertyGroup>
  <Target Name="PublishPages" AfterTargets="ComputeFilesToPublish">
    <Exec WorkingDirectory="$(SpaRoot)" Command="npm install" />
    <Exec WorkingDirectory="$(SpaRoot)" Command="npm run build" />
  </Target>
</Project>
""",
        "Program.cs": "",
        "ClientApp/package.json": "{}",
    },
    "elixir": {
        "mix.exs": '[app: :elixir_example, elixir: "~> 1.13"]',
    },
    "elixir-phoenix": {
        "mix.exs": """\
defmodule A.MixProject do
 def project do
 [app: :shop, elixir: "~> 1.14"]
 end
 defp deps do
 [{:phoenix, "~> 1.7"}, {:postgrex, ">= 0.0.0"}]
 end
 defp aliases do
 ["assets.deploy": []]
 end
end
""",
        "mix.lock": "",
        ".tool-versions": """\
erlang 26.2
elixir 1.16.1-otp-26
""",
        "config/config.exs": "import Config\n",
        "rel/overlays/bin/migrate": "",
    },
    "elixir-umbrella": {
        "mix.exs": '[apps_path: "apps", deps: []]\n',
        "apps/web/mix.exs": '[app: :web, deps: [{:plug_cowboy, "~> 2.0"}]]\n',
    },
    "gleam": {
        "gleam.toml": """\
name="a"
[dependencies]
mist=">= 1"
""",
        "manifest.toml": "",
        ".tool-versions": "gleam 1.13.0",
    },
    "haskell-cabal": {
        "x.cabal": """\
name: x
executable my-app
  main-is: Main.hs
  build-depends: base, scotty, postgresql-simple
""",
    },
    "haskell-stack": {
        "stack.yaml": "resolver: lts-19.9\n",
        "package.yaml": """\
name: h
dependencies:
- base >= 4.7
executables:
  haskell-stack-exe:
    main: Main.hs
tests:
  x:
    main: S.hs
""",
    },
    "hugo": {
        "hugo.toml": 'baseURL = "https://example.org/"\npublishDir = "./out/"\n',
        "content/first.md": "",
        "netlify.toml": '[build.environment]\nHUGO_VERSION = "0.145.0"\n',
        "go.mod": "module example.org/site\n",
    },
    "java-gradle": {
        "build.gradle": """\
/* x */ plugins {
 // hi
 id 'application'
}
jar { manifest { attributes('Main-Class': 'gradle.App') } }
""",
        "gradlew": "",
        "gradle/wrapper/gradle-wrapper.jar": "",
        "gradle/wrapper/gradle-wrapper.properties": "distributionUrl=https\\://services.gradle.org/distributions/gradle-8.2.1-bin.zip",
    },
    "java-gradle-jar": {
        "build.gradle": """\
/*
apply plugin: 'x'
*/
apply plugin: 'java'
jar {
 manifest {
 attributes(
 'Main-Class': 'hello.HelloWorld'
)
}
}
""",
        "settings.gradle": "rootProject.name = 'hello'",
    },
    "java-gradle-with-pages": {
        "build.gradle": """\
plugins {
    id 'org.springframework.boot' version '3.4.3'
}

task buildPages(type: Exec) {
    commandLine("npm", "--prefix", "./frontend", "run", "build")
}
""",
        "frontend/package.json": '{"scripts": {"build": "vite build"}}',
    },
    "java-maven": {
        "pom.xml": """\
<project>
<parent>
<groupId>org.springframework.boot</groupId>
<artifactId>spring-boot-starter-parent</artifactId>
<version>2.3.0</version>
</parent>
<artifactId>shop</artifactId>
<version>1.0</version>
<properties>
<java.version>1.8</java.version>
</properties>
<dependencies>
<dependency>
<artifactId>postgresql</artifactId>
</dependency>
</dependencies>
<build>
<plugins>
<plugin>
<artifactId>spring-boot-maven-plugin</artifactId>
</plugin>
</plugins>
</build>
</project>
""",
        "src/test/java/A.java": "",
    },
    "java-maven-modules": {
        "pom.xml": """\
<project>
<artifactId>p</artifactId>
<version>1.0</version>
<packaging>pom</packaging>
<properties>
<maven.compiler.release>17</maven.compiler.release>
</properties>
<modules>
<module>lib</module>
<module>app</module>
</modules>
</project>
""",
        "lib/pom.xml": "<project><artifactId>lib</artifactId></project>",
        "app/pom.xml": """\
<project>
<parent>
<artifactId>p</artifactId>
<version>1.0</version>
</parent>
<artifactId>java-app</artifactId>
<build>
<plugins>
<plugin>
<artifactId>maven-assembly-plugin</artifactId>
<configuration>
<mainClass>
 a.B
</mainClass>
<descriptorRef>jar-with-dependencies</descriptorRef>
</configuration>
</plugin>
</plugins>
</build>
</project>
""",
    },
    "java-maven-with-pages": {
        "pom.xml": """\
<project>
  <artifactId>shop</artifactId>
  <version>1.0</version>
  <build><plugins>
    <plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin>
    <plugin>
      <artifactId>exec-maven-plugin</artifactId>
      <configuration><executable>yarn</executable></configuration>
    </plugin>
  </plugins></build>
</project>
""",
        "package.json": '{"scripts": {"build": "vite build"}}',
        "yarn.lock": "",
    },
    "java-maven-wrapper": {
        "pom.xml": """\
<project>
<parent>
<groupId>org.springframework.boot</groupId>
<artifactId>spring-boot-starter-parent</artifactId>
<version>2.3.0</version>
</parent>
<artifactId>shop</artifactId>
<version>1.0</version>
<properties>
<java.version>1.8</java.version>
</properties>
<dependencies>
<dependency>
<artifactId>postgresql</artifactId>
</dependency>
</dependencies>
<build>
<plugins>
<plugin>
<artifactId>spring-boot-maven-plugin</artifactId>
</plugin>
</plugins>
</build>
</project>
""",
        "mvnw": "",
        ".mvn/wrapper/maven-wrapper.properties": "",
    },
    "java-quarkus": {
        "pom.xml": """\
<project>
<artifactId>q</artifactId>
<version>1</version>
<properties>
<maven.compiler.release>21</maven.compiler.release>
</properties>
<build>
<plugins>
<plugin>
<groupId>io.quarkus</groupId>
<artifactId>quarkus-maven-plugin</artifactId>
</plugin>
</plugins>
</build>
</project>
""",
    },
    "java-spring-boot-1": {
        "build.gradle": """\
buildscript {
 ext {
 springBootVersion = '1.5.9.RELEASE'
 }
}
apply plugin: 'java'
apply plugin: 'org.springframework.boot'
sourceCompatibility = 1.8
""",
        "gradlew": "",
        "gradle/wrapper/gradle-wrapper.jar": "",
        "gradle/wrapper/gradle-wrapper.properties": "distributionUrl=https\\://services.gradle.org/distributions/gradle-4.10.3-bin.zip",
    },
    "java-spring-boot-gradle": {
        "build.gradle.kts": """\
plugins {
  java
  id("org.springframework.boot") version "3.3.0"
}
java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }
dependencies {
  runtimeOnly("org.postgresql:postgresql")
}
""",
        "settings.gradle.kts": 'rootProject.name = "shop"\n',
        "src/test/java/A.java": "",
    },
    "jekyll": {
        "_config.yml": "title: shop\ndestination: ./public\n",
        "Gemfile": 'source "https://rubygems.org"\ngem "jekyll", "~> 4.3"\n',
        "Gemfile.lock": "",
    },
    "jekyll-of-github": {"_config.yml": "theme: minima\n", "_posts/2020-01-01-first.md": "", "index.html": ""},
    "kotlin-ktor": {
        "build.gradle.kts": """\
plugins {
 kotlin("jvm") version "2.0.0"
 id("io.ktor.plugin") version "2.3.0"
}
kotlin { jvmToolchain(17) }
""",
        "settings.gradle.kts": 'rootProject.name = "api"',
    },
    "middleman": {
        "Gemfile": "source 'https://rubygems.org'\ngem 'middleman', '~> 4.4'\n",
        "Gemfile.lock": "GEM\n  specs:\n    middleman (4.5.1)\n",
        "config.rb": "activate :autoprefixer\nset :build_dir, 'out'\n",
        "source/index.html.erb": "",
    },
    "mkdocs": {
        "mkdocs.yml": "site_name: shop\ntheme:\n  name: material\n",
        "docs/index.md": "",
        "requirements.txt": "mkdocs-material\n",
    },
    "mkdocs-alone": {"mkdocs.yml": "site_name: shop\n", "docs/index.md": ""},
    "pelican": {
        "pelicanconf.py": "AUTHOR = 'x'\nPATH = 'content'\n",
        "publishconf.py": "from pelicanconf import *\n",
        "requirements.txt": "pelican[markdown]\n",
        "tasks.py": "",
        "content/a.md": "",
    },
    "scala-assembly": {
        "build.sbt": 'scalaVersion := "2.13.12"\n',
        "project/plugins.sbt": 'addSbtPlugin("com.eed3si9n" % "sbt-assembly" % "2.1.5")\n',
    },
    "scala-play": {
        "build.sbt": """\
lazy val root = (project in file(".")).enablePlugins(PlayScala)
scalaVersion := "3.3.1"
""",
        "project/plugins.sbt": "",
    },
    "scala-sbt": {
        "build.sbt": """\
val scala3Version = "3.2.2"
lazy val root = project
  .settings(scalaVersion := scala3Version, executableScriptName := "main")
  .enablePlugins(JavaAppPackaging)
""",
        "project/plugins.sbt": "",
        "project/build.properties": "sbt.version=1.8.2\n",
    },
    "scheme-chicken": {
        "server.scm": """\
(import scheme (chicken base) spiffy)
(start-server)
""",
    },
    "scheme-guile": {
        "main.scm": "(use-modules (web server))",
    },
    "scheme-haunt": {
        "haunt.scm": "(site)",
        "init.scm": "",
    },
    "shell": {
        "start.sh": """\
#!/usr/bin/env bash
echo hi
""",
    },
    "shell-zsh": {
        "start.sh": """\
#!/bin/zsh
echo hi
""",
    },
    "sphinx": {
        "docs/conf.py": 'project = "shop"\nextensions = ["myst_parser"]\nhtml_theme = "furo"\n',
        "docs/index.md": "",
    },
    "static": {
        "htdocs/index.html": "",
    },
    "staticfile": {
        "Staticfile": "root: dist\n",
        "dist/a.html": "",
    },
    "swift": {
        "Package.swift": """\
// swift-tools-version: 5.4
let package = Package(name: "swift", targets: [.executableTarget(
 name: "swift", dependencies: []), .testTarget(name:"t")])
""",
    },
    "swift-vapor": {
        "Package.swift": """\
let package = Package(
    name: "x",
    dependencies: [.package(url: "https://github.com/vapor/vapor.git", from: "4.0.0")],
    targets: [.target(name: "App"), .executableTarget(name: "Run")])
""",
        "Tests/a": "",
        "Public/x": "",
    },
    "zig": {
        "build.zig": """\
// addExecutable("no", x)
const optimize = b.standardOptimizeOption(.{});
const exe = b.addExecutable(.{
 .name = "zig",
 .root = 1 });
const t = b.step("test", "x");
""",
    },
    "zig-old": {
        "build.zig": """\
const mode = b.standardReleaseOptions();
const exe = b.addExecutable("zig-gyro", "src/main.zig");
""",
    },
    "zola": {
        "config.toml": 'base_url = "https://example.org"\noutput_dir = "site"\n',
        "netlify.toml": '[build.environment]\nZOLA_VERSION = "0.19.2"\n',
        "content/_index.md": "",
        "templates/index.html": "",
    },
}
