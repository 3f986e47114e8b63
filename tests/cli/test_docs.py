from tests.cli.commands import reference
from tests.test_docs import DOCS, generated


def test_the_documentation_lists_every_command_with_its_options() -> None:
    generated(DOCS / "commands.md", "commands", reference(of_apps=True))
    generated(DOCS / "commands-server.md", "commands", reference(of_apps=False))
