"""What the audit says is told in words: neither is an action without them, nor are there words without an action."""

import ast
from collections.abc import Iterator
from pathlib import Path

from bakery.model.activity import DID, did
from bakery.model.deployments import DeploymentState
from bakery.model.jobs import JobState

FROM_STATES = {
    "f'deployment.{then}'": {f"deployment.{state}" for state in DeploymentState if state.is_over},
    "f'job.{state}'": {f"job.{state}" for state in JobState if state.is_over},
}


def actions_recorded() -> Iterator[str]:
    for path in sorted(Path("src/bakery").rglob("*.py")):
        module = ast.parse(path.read_text())
        for function, call in calls_of("AuditEntry", module):
            yield from actions_in(call.args[1], function, module)


def actions_in(value: ast.expr, function: ast.AST | None, module: ast.Module) -> Iterator[str]:
    """Whatever it may be. The parameter `action` is what the callers of its function give."""
    written = ast.unparse(value)
    if isinstance(value, ast.Constant):
        yield str(value.value)
    elif isinstance(value, ast.IfExp):
        yield from actions_in(value.body, function, module)
        yield from actions_in(value.orelse, function, module)
    elif written == "action" and isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        place = [parameter.arg for parameter in function.args.args].index(written)
        callers = list(calls_of(function.name, module))
        assert callers, f"nobody in its module calls {function.name}"
        for caller, call in callers:
            yield from actions_in(call.args[place], caller, module)
    else:
        yield from FROM_STATES[written]


def calls_of(name: str, module: ast.Module) -> Iterator[tuple[ast.AST | None, ast.Call]]:
    """With what each stands in: a function, which is no method."""
    for function in module.body:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
                yield function, node


def test_every_action_has_words_and_all_words_are_of_an_action() -> None:
    assert set(actions_recorded()) == set(DID)


def test_an_action_without_words_is_told_as_it_is_written() -> None:
    assert did("app.created_again") == "app created again"
    assert all(words and words == words.strip() for words in DID.values())
