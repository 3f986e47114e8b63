"""What a browser's form brought, and what to show when it is refused."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from litestar.datastructures import UploadFile

from bakery.model.errors import BadInput, BakeryError
from bakery.model.secret import Secret
from bakery.web.context import WebRequest
from bakery.web.views.forms import Form

_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields by name. Text is taken as it is; the use case decides what is acceptable."""

    values: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]]

    def text(self, name: str) -> str:
        return self.values.get(name, "")

    def secret(self, name: str) -> Secret:
        return Secret(self.text(name))

    @property
    def made_from(self) -> Collection[str] | None:
        """The version that the form was made from; None: it does not say."""
        return {self.text("version")} if "version" in self.values else None

    def all(self, name: str) -> tuple[str, ...]:
        return self.lists.get(name, ())

    def is_on(self, name: str) -> bool:
        return bool(self.text(name))

    def refused(self, error: BakeryError, *, shown: Collection[str], hidden: Collection[str] = ()) -> Form:
        """The form again: `shown` fields keep what was typed, `hidden` ones (passwords, codes) are typed anew."""
        field = error.field if isinstance(error, BadInput) else ""
        values = {name: self.text(name) for name in shown}
        if field in {*shown, *hidden}:
            return Form(values=values, errors={field: error.message})
        return Form(values=values, problem=f"{error.message} {error.hint}".strip())


async def typed(request: WebRequest, *, longest: int = _LONGEST) -> Typed:
    data = await request.form()
    lists: dict[str, list[str]] = {}
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            raise BadInput("This form takes no files.", field=name)
        if len(str(value)) > longest:
            raise BadInput("This is longer than anybody types.", field=name)
        lists.setdefault(name, []).append(str(value))
    return Typed(
        {name: values[-1] for name, values in lists.items()}, {name: tuple(values) for name, values in lists.items()}
    )
