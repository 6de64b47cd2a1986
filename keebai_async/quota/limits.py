"""Limits: how much a token may spend, as its store keeps it for all who share the token. Pure.

Two who share a token share its limits. If each of them went by its own, the one with the larger one would
fill what the other leaves free, and the service, which knows one limit, would shut out both. So the first
to come writes down its limits beside the spending, who comes later is held to the smaller ones, and they hold
until somebody sets others on purpose. Windows that only one of them knows of hold for all.
"""

import msgspec

from keebai_async.quota.window import Quota


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The *quotas* that hold, shortest window first, and the *version* by which the store knows them.

    *on_purpose* says that somebody set them so.
    """

    quotas: tuple[Quota, ...]
    version: str = ""
    on_purpose: bool = False


def agreed(kept: Limits | None, said: Limits) -> Limits:
    """What holds when somebody who goes by *said* comes to a store that keeps *kept*."""
    if kept is None or not kept.quotas:
        return said
    if kept.on_purpose and not said.on_purpose:
        return kept  # who goes by less keeps to that by itself
    return Limits(
        quotas=smallest(kept.quotas, said.quotas),
        version=kept.version,
        on_purpose=kept.on_purpose and said.on_purpose,
    )


def renewed(kept: Limits | None, said: Limits, *, replace: bool, version: str) -> Limits:
    """What a store is to keep from now on, under a new *version* if that is something else."""
    if replace:
        return Limits(quotas=said.quotas, version=version, on_purpose=True)
    now = agreed(kept, said)
    if kept is not None and (now.quotas, now.on_purpose) == (kept.quotas, kept.on_purpose):
        return kept
    return Limits(quotas=now.quotas, version=version, on_purpose=now.on_purpose)


def smallest(*many: tuple[Quota, ...]) -> tuple[Quota, ...]:
    """The smallest limit of each window, shortest window first."""
    limits: dict[float, int] = {}
    for quotas in many:
        for quota in quotas:
            limits[quota.per] = min(quota.limit, limits.get(quota.per, quota.limit))
    return tuple(Quota(limits[per], per) for per in sorted(limits))


def held_to(own: tuple[Quota, ...], kept: Limits, *, yields: bool) -> tuple[Quota, ...]:
    """What somebody who came with *own* may spend; if *own* is only a guess, it *yields* to what was set."""
    return kept.quotas if kept.on_purpose and yields else smallest(own, kept.quotas)


def larger(own: tuple[Quota, ...], holds: tuple[Quota, ...]) -> bool:
    """Whether *own* would allow more than what *holds*."""
    mine = {quota.per: quota.limit for quota in own}
    return any(mine.get(quota.per, quota.limit + 1) > quota.limit for quota in holds)
