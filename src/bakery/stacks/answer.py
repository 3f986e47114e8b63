"""The answer in sentences, for a log, a plan or a terminal: what it is, and then why."""

from collections.abc import Iterator

from bakery.stacks.plan import THE_DEFAULT, Alternative, BuildPlan, ToolVersion


def told(plan: BuildPlan) -> tuple[str, ...]:
    return (*_what_it_is(plan), *plan.why)


def _what_it_is(plan: BuildPlan) -> Iterator[str]:
    named = f"{plan.framework} ({plan.stack})" if plan.framework else f"“{plan.stack}”"
    yield f"It is {named}, and runs as “{plan.runtime}”."
    if plan.versions:
        yield f"Versions: {', '.join(map(_version, plan.versions))}."
    if plan.system_packages:
        yield f"Packages of Debian: {', '.join(plan.system_packages)}."
    if plan.variables:
        yield f"Variables that it names: {', '.join(one.name for one in plan.variables)}."
    if plan.alternatives:
        yield f"It could also be: {', '.join(map(_alternative, plan.alternatives))}."


def _version(one: ToolVersion) -> str:
    return f"{one.tool} {one.version} ({one.source if one.source == THE_DEFAULT else f'from {one.source}'})"


def _alternative(one: Alternative) -> str:
    return f"{one.stack} as {one.runtime}{f' in {one.base}' if one.base else ''}"
