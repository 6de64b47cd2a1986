"""The limits that the contract names, checked before a request is spent. Pure."""

from collections.abc import Mapping

from keebai_async.errors import InvalidInput
from keebai_async.inputs import check_word as check_word
from keebai_async.keebai.settings import MAX_RECIPIENTS, MAX_TEXT
from keebai_async.model.limits import E164
from keebai_async.privacy import mask, shown


def check_number(to: object, *, field: str = "to") -> str:
    """*to*, if it is E.164 with its plus. The error shows it masked."""
    if not isinstance(to, str) or not E164.fullmatch(to):
        shown = mask(to) if isinstance(to, str) else type(to).__name__
        raise InvalidInput(
            f"{field} must be a phone number in E.164, such as +5491155555555, not {shown}",
            field=field,
            value=shown,
        )
    return to


def check_text(value: object) -> str:
    """*value*, if it is 1 to 4,096 characters. Source: contract, section 3.4."""
    if not isinstance(value, str) or not value:
        raise InvalidInput("text is empty", field="text")
    if len(value) > MAX_TEXT:
        raise InvalidInput(
            f"text has {len(value):,} characters, {MAX_TEXT:,} are allowed",
            field="text",
            value=str(len(value)),
        )
    return value


def check_variables(variables: object, *, field: str = "variables") -> dict[str, str]:
    """*variables*, if names and values are texts. Source: contract, section 3.1: string to string."""
    if variables is None:
        return {}
    if not isinstance(variables, Mapping):
        raise InvalidInput(f"{field} must map names to texts", field=field)
    for name, value in variables.items():
        if not isinstance(name, str) or not isinstance(value, str):
            where = f"{field}.{shown(str(name))}"  # somebody's number may be the name of a column
            raise InvalidInput(
                f"{where} must be a text, not {type(value).__name__}",
                field=where,
                value=type(value).__name__,
            )
    return dict(variables)


def check_meta_data(meta_data: object, *, field: str = "meta_data") -> dict[str, object]:
    """*meta_data*, if it is a mapping with names of text."""
    if meta_data is None:
        return {}
    if not isinstance(meta_data, Mapping) or not all(isinstance(name, str) for name in meta_data):
        raise InvalidInput(f"{field} must be a mapping with names of text", field=field)
    return dict(meta_data)


def check_size(recipients: int) -> None:
    """1 to 5,000. Source: contract, section 3.1."""
    if not 1 <= recipients <= MAX_RECIPIENTS:
        raise InvalidInput(
            f"a broadcast takes 1 to {MAX_RECIPIENTS:,} recipients, not {recipients:,}",
            field="recipients",
            value=str(recipients),
        )
