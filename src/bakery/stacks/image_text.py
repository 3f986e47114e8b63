"""A Dockerfile as a person would keep it, written stage by stage; the same hand for every language:

    text = ImageText(("go.mod", "go.sum"), ignores=("bin",))
    text.stage("build", "golang:1.23")
    text.arguments(names)
    text.copy("go.mod", "go.sum", comment="Before the sources: fetched anew only when these files change.")
    text.run(words("go", "mod", "download"), caches=("/go/pkg/mod",))
    text.copy(".")
    text.build(commands.build, caches=("/go/pkg/mod", "/root/.cache/go-build"))
    text.test(commands.test, caches=("/go/pkg/mod",))
    text.stage("", "debian:bookworm-slim")
    text.packages("ca-certificates")
    text.copy_built("/app/bin/server", "/app/server")
    text.new_user()
    text.serve(commands.start, port=port, user="app")
    return text.done()

What comes from a repository gets in through `run` and `serve`, which quote, and `copy`, which takes plain names only.
"""

from collections.abc import Sequence

from bakery.model.app_commands import AppCommand
from bakery.model.names import Port
from bakery.model.repository_paths import RepositoryPath
from bakery.model.variables import VariableName
from bakery.stacks import dockerfile_text as lines
from bakery.stacks.plan import GeneratedDockerfile
from bakery.stacks.tree import is_plain_path

FOLDER = "/app"


class ImageText:
    """`sources`: the files that it was made from. `context`: see GeneratedDockerfile."""

    def __init__(
        self, sources: Sequence[str], *, ignores: Sequence[str] = (), context: RepositoryPath | None = None
    ) -> None:
        self._text = lines.heading(sources or ("its files",))
        self._ignores = tuple(ignores)
        self._context = context
        self._stages: list[str] = []
        self._has_test = False
        self._holds_only_files = False

    def stage(self, name: str, source: str, *, folder: str = FOLDER, comment: str = "") -> None:
        """`source`: an image, or a stage before this one. The last stage has no name."""
        self._text += "\n" if self._stages else ""
        if comment:
            self.comment(comment)
        self._text += f"FROM {source}{f' AS {name}' if name else ''}\n"
        if source not in self._stages or folder != FOLDER:
            self._text += f"WORKDIR {folder}\n"
        self._stages.append(name)

    def folder(self, path: str) -> None:
        """Where all that follows in this stage is done."""
        self._text += f"WORKDIR {path}\n"

    def comment(self, sentence: str) -> None:
        self._text += f"# {sentence}\n"

    def packages_of_alpine(self, *names: str) -> None:
        if names:
            self._text += f"RUN apk add --no-cache {' '.join(sorted(set(names)))}\n"

    def packages(self, *names: str) -> None:
        """Of Debian."""
        if names:
            self._text += (
                "RUN apt-get update \\\n"
                f"    && apt-get install --yes --no-install-recommends {' '.join(sorted(set(names)))} \\\n"
                "    && rm -rf /var/lib/apt/lists/*\n"
            )

    def env(self, **variables: str) -> None:
        self._text += f"ENV {' '.join(f'{name}={value}' for name, value in variables.items())}\n"

    def copy(self, *names: str, to: str = "./", comment: str = "", owner: str = "") -> None:
        """Names of files that are there; “.” is everything. One that a Dockerfile could misread brings everything."""
        if comment:
            self.comment(comment)
        owned = f"--chown={owner}:{owner} " if owner else ""
        if all(is_plain_path(name.lstrip(".")) for name in names if name != "."):
            self._text += f"COPY {owned}{' '.join(names)} {'.' if names == ('.',) and to == './' else to}\n"
        else:
            self._text += f"COPY {owned}. .\n"

    def copy_built(self, path: str, to: str = "./", *, source: str = "build", owner: str = "") -> None:
        """From another stage or image."""
        owned = f" --chown={owner}:{owner}" if owner else ""
        self._text += f"COPY --from={source}{owned} {path} {to}\n"

    def run(self, command: AppCommand | None, *, caches: Sequence[str] = (), with_variables: bool = False) -> None:
        if command is not None:
            self._text += lines.run(command, caches=caches, with_variables=with_variables)

    def shell(self, *lines: str) -> None:
        """A text of ours for a shell, a command a line: never with a word of a repository in it."""
        self._text += "RUN " + " \\\n    && ".join(lines) + "\n"

    def arguments(self, names: Sequence[VariableName]) -> None:
        """Those of the build that a person named, for all that follows in this stage."""
        self._text += lines.arguments(names)

    def build(self, command: AppCommand | None, *, caches: Sequence[str] = ()) -> None:
        """With the app's variables for it."""
        if command is not None:
            self.comment("Variables for the build are mounted here, and in no layer.")
            self.run(command, caches=caches, with_variables=True)

    def test(self, command: AppCommand | None, *, caches: Sequence[str] = (), after: str = "build") -> None:
        """A stage that is no part of the image: `docker build --target test` runs it."""
        if command is not None:
            self._has_test = True
            self._text += f"\nFROM {after} AS {lines.TEST_STAGE}\n"
            self.run(command, caches=caches, with_variables=True)

    def new_user(self, name: str = "app") -> None:
        """One who is not root, in an image of Debian that brings none."""
        self._text += f"RUN useradd --create-home --uid 1000 {name}\n"

    def ends_by(self, signal: str) -> None:
        """For a program that is the first process of its container and does not hear what others end by."""
        self.comment(f"As the first process it does not hear SIGTERM, but {signal}.")
        self._text += f"STOPSIGNAL {signal}\n"

    def below_tini(self) -> None:
        """For programs that hear no signal as a first process. Debian and Alpine have the package."""
        self.comment("The first process hands signals on, which the program itself would not hear in its place.")
        self._text += 'ENTRYPOINT ["tini", "--"]\n'

    def serve(self, command: AppCommand | None, *, port: Port | None, user: str, **variables: str) -> None:
        """The end of a last stage that is started. Without a port nobody asks it anything."""
        if port is not None:
            variables |= {"HOST": "0.0.0.0", "PORT": str(port)}  # noqa: S104 - inside a container
        if variables:
            self.env(**variables)
        self._text += f"USER {user}\n"
        if port is not None:
            self._text += f"EXPOSE {port}\n"
        self._text += lines.start(command)

    def only_files(self, folder: str) -> None:
        """A last stage that holds what nginx hands out, and nothing that could be started."""
        self._holds_only_files = True
        self._text += lines.only_files(folder)

    def done(self) -> GeneratedDockerfile:
        return lines.dockerfile(
            self._text,
            has_test=self._has_test,
            holds_only_files=self._holds_only_files,
            ignores=self._ignores,
            context=self._context,
        )
