"""Breaks of promises, written down by hand: there was a time when no test noticed them."""

from typing import Final

import msgspec


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """*before* stands in the module exactly once; *tests* are the files of which one must notice *after*."""

    what: str
    module: str
    before: str
    after: str
    tests: tuple[str, ...]


_SUBMIT: Final = ("campaign/test_submit.py",)
_LIMITER: Final = ("quota/test_quota_limiter.py",)

BREAKS: Final = (
    Break(
        what="a submit leaves although the circuit breaker tripped while it waited for its place",
        module="campaign/submit",
        before="if timely and not holds_one and self._breaker.closed and self._control.commit(scope):",
        after="if timely and not holds_one and self._control.commit(scope):",
        tests=_SUBMIT,
    ),
    Break(
        what="a submit leaves although its hours ended while it waited for its place",
        module="campaign/submit",
        before="if timely and not holds_one and self._breaker.closed and self._control.commit(scope):",
        after="if not holds_one and self._breaker.closed and self._control.commit(scope):",
        tests=("campaign/test_timetable.py",),
    ),
    Break(
        what="the first byte leaves although the hours ended while the intent was written",
        module="campaign/submit",
        before="age.objection() or self._out_of_hours(number)",
        after="age.objection()",
        tests=("campaign/test_timetable.py",),
    ),
    Break(
        what="a place in the quota is asked for out of hours",
        module="campaign/submit",
        before="if self.stopped is not None or self._out_of_hours(number) is not None:",
        after="if self.stopped is not None:",
        tests=("campaign/test_timetable.py",),
    ),
    Break(
        what="a part of a chunk goes by the hours of its number, not of where it was cut from",
        module="campaign/timetable",
        before="number = parent\n",
        after="number = 1\n",
        tests=("campaign/test_timetable.py",),
    ),
    Break(
        what="an hour before the clocks are set forward counts as an hour after",
        module="model/hours",
        before="now = _change(zone, math.floor(now), ahead)",
        after="now = ahead",
        tests=("campaign/test_hours.py",),
    ),
    Break(
        what="the doubt is raised after the loss is written, not before",
        module="campaign/submit",
        before="self._heed(verdict)\n                    await self._write(chunk, verdict)",
        after="await self._write(chunk, verdict); self._heed(verdict)",
        tests=_SUBMIT,
    ),
    Break(
        what="no doubt after a refused connection",
        module="campaign/submit",
        before="case Unknown(reason=reason) | Unsent(reason=reason):\n                self._breaker.trip",
        after="case Unknown(reason=reason):\n                self._breaker.trip",
        tests=_SUBMIT,
    ),
    Break(
        what="a refused chunk is cut outside the shield of its attempt",
        module="campaign/bisect",
        before="""as verdict:
                if isinstance(verdict, Refusal):
                    await self._refused(self._chunks[self._piece], verdict)
""",
        after="""as verdict:
                pass
            if isinstance(verdict, Refusal):
                await self._refused(self._chunks[self._piece], verdict)
""",
        tests=_SUBMIT,
    ),
    Break(
        what="the search for culprits has no ceiling",
        module="campaign/bisect",
        before="return self._evidence.cuts >= MOST_CUTS",
        after="return self._evidence.cuts < 0",
        tests=("campaign/test_bisect.py",),
    ),
    Break(
        what="a suspended account is taken for culprits, one by one",
        module="campaign/bisect",
        before="return alike.count(True) + (False in alike) >= STANDS_FOR_EVERYBODY",
        after="return False",
        tests=("campaign/test_bisect.py",),
    ),
    Break(
        what="culprits side by side are taken for everybody",
        module="campaign/bisect",
        before="return alike.count(True) + (False in alike) >= STANDS_FOR_EVERYBODY",
        after="return len(alike) >= STANDS_FOR_EVERYBODY",
        tests=("campaign/test_bisect.py",),
    ),
    Break(
        what="progress is not weighed by the guard",
        module="campaign/run",
        before="if isinstance(event, BroadcastProgress) and (why",
        after="if not event and (why",
        tests=("campaign/test_run.py",),
    ),
    Break(
        what="counters go back in a running campaign",
        module="campaign/chunks",
        before="sent, failed = max(sent, before.sent), max(failed, before.failed)",
        after="pass",
        tests=("campaign/test_chunks.py",),
    ),
    Break(
        what="a cancellation ends a write that has begun",
        module="campaign/keeping",
        before="anyio.fail_after(LONGEST_WRITE, shield=True)",
        after="anyio.fail_after(LONGEST_WRITE)",
        tests=("campaign/test_chunks.py",),
    ),
    Break(
        what="counters go back on disk",
        module="journal/rules",
        before="sent=max(sent, chunk.sent),\n        failed=max(failed, chunk.failed)",
        after="sent=sent,\n        failed=failed",
        tests=("journal/test_journal_contract.py",),
    ),
    Break(
        what="a pause of an hour is cut short by a later one of a minute",
        module="quota/pause",
        before="until=max(pause.until, now + length)",
        after="until=now + length",
        tests=("quota/test_quota_pause.py",),
    ),
    Break(
        what="the default limiter has no margin in seconds",
        module="quota/limiter",
        before="seconds: float = 0.05",
        after="seconds: float = 0.0",
        tests=_LIMITER,
    ),
    Break(
        what="the default limiter has no margin for clocks that drift",
        module="quota/limiter",
        before="drift: float = 0.0002",
        after="drift: float = 0.0",
        tests=_LIMITER,
    ),
    Break(
        what="the default limiter has no margin at all",
        module="quota/limiter",
        before="margin: Margin = Margin(),",
        after="margin: Margin = Margin(seconds=0.0, drift=0.0),",
        tests=_LIMITER,
    ),
)
