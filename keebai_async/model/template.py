"""A template, as the service lists it."""

import msgspec

from keebai_async.model.result import Result


class Template(Result, frozen=True, kw_only=True):
    """A template as its service lists it. *variables* are the names its body asks for.

    *components* is Meta's own structure, which the list's page does not show; when it is there, the
    text of the body can be previewed.
    """

    name: str
    language: str
    status: str
    id: str = ""
    category: str = ""
    parameter_format: str = "NAMED"
    variables: tuple[str, ...] = ()
    components: tuple[msgspec.Raw, ...] = ()

    @property
    def approved(self) -> bool:
        return self.status.upper() == "APPROVED"

    @property
    def marketing(self) -> bool:
        """Whether it is known to be of the category MARKETING."""
        return self.category.upper() == "MARKETING"
