"""How many requests really left, by what they were for."""

import msgspec


class Requests(msgspec.Struct, kw_only=True):
    """Requests that really left, counted by what they were for; *throttled* counts the 429s among them."""

    submits: int = 0
    polls: int = 0
    other: int = 0
    throttled: int = 0

    def __add__(self, other: "Requests") -> "Requests":
        return Requests(
            submits=self.submits + other.submits,
            polls=self.polls + other.polls,
            other=self.other + other.other,
            throttled=self.throttled + other.throttled,
        )
