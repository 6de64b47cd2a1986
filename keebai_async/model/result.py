"""Result: what a call gives, as web frameworks encode it. Pure.

The problem: a handler sends a message and returns its Receipt. A framework that does not know our structs
fails when it encodes the answer, after the message has gone, and says 500; who asked tries again.
"""

from collections.abc import KeysView

import msgspec


class Result(msgspec.Struct, frozen=True):
    """Base of what calls give.

    FastAPI encodes it, with an annotation and without one; so does what knows msgspec, such as Litestar. For
    all others `dict(result)` is plain data, such as JSON knows: texts, numbers, lists, dicts.
    """

    def keys(self) -> KeysView[str]:
        return _plain(self).keys()

    def __getitem__(self, name: str) -> object:
        return _plain(self)[name]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> dict[str, object]:
        """How pydantic, which FastAPI asks, takes it (as it is) and writes it."""
        writing = {"type": "function-plain", "function": _plain}
        return {"type": "is-instance", "cls": cls, "serialization": writing}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, object]:
        """What an OpenAPI document says of it: an object."""
        return {"type": "object", "title": cls.__name__}


def _plain(result: Result) -> dict[str, object]:
    # Not msgspec.to_builtins: it knows nothing of the pieces of JSON that a service gave (msgspec.Raw).
    return msgspec.json.decode(msgspec.json.encode(result), type=dict[str, object])
