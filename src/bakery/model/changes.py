"""What a deployment brings, in words for lists."""


def change_in_words(title: str, *, back_to: int | None, applies: bool) -> str:
    """`title` is that of its build, which only a deployment that builds brings."""
    if back_to is not None:
        return f"Rollback to #{back_to}"
    return "Variables applied" if applies else title
