"""Java and Kotlin, by Maven or Gradle."""

from bakery.stacks import gradle, jvm, maven
from bakery.stacks.gradle import read_gradle
from bakery.stacks.jvm import JvmBuild, jvm_app
from bakery.stacks.maven import read_maven
from bakery.stacks.plan import Found, Said
from bakery.stacks.stack import Stack
from bakery.stacks.tree import Folder

MARKS = (maven.FILE, *gradle.FILES)
READS = (*maven.READS, *gradle.READS, *jvm.READS)


def find_java_app(folder: Folder, _: Said) -> Found | None:
    build = _build(folder)
    return jvm_app(build) if build and not build.is_kotlin else None


def find_kotlin_app(folder: Folder, _: Said) -> Found | None:
    build = _build(folder)
    return jvm_app(build) if build and build.is_kotlin else None


def _build(folder: Folder) -> JvmBuild | None:
    return read_maven(folder) or read_gradle(folder)


JAVA = Stack("java", find_java_app, marks=MARKS, reads=READS, reads_above=jvm.READS_ABOVE, looks_for=MARKS)
KOTLIN = Stack("kotlin", find_kotlin_app, marks=MARKS, reads=READS, reads_above=jvm.READS_ABOVE)
