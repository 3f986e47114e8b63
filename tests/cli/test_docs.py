from tests.cli.commands import reference
from tests.test_docs import DOCS, generated


def test_the_documentation_lists_every_command_with_its_options() -> None:
    generated(DOCS / "cli.md", "commands", reference())
