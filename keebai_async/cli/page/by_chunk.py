"""The share that failed, chunk by chunk, with the line that stops a campaign. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from keebai_async.cli.figures import people_figure, share
from keebai_async.cli.language import phrase
from keebai_async.model.guard import CANARY_SHARE
from keebai_async.model.report import ChunkLine

_WIDE: Final = 1_000
_TALL: Final = 300
_MOST_BARS: Final = 100
_LEAST_TOP: Final = 0.02
"""Of a share below it nobody can be alarmed by a tall bar."""


class _Bar(msgspec.Struct, frozen=True):
    """Neighbours: from one number to another, how many of them failed, of how many that came to an end."""

    first: int
    last: int
    failed: int
    ended: int

    @property
    def share(self) -> float:
        return self.failed / self.ended

    @property
    def words(self) -> str:
        if self.first == self.last:
            return phrase("chunk {number}", number=self.first)
        return phrase("chunks {first} to {last}", first=self.first, last=self.last)


def by_chunk(chunks: Iterable[ChunkLine], *, guard: float | None) -> Iterator[str]:
    """The drawing with its text; nothing where nobody failed. *guard* is the share that may fail, 0 to 1."""
    bars = _bars([chunk for chunk in chunks if chunk.sent + chunk.failed])
    if not any(bar.failed for bar in bars):
        return
    worst = max(bars, key=lambda bar: bar.share)
    top = max(worst.share, guard or 0.0, _LEAST_TOP) * 1.1
    part = share(worst.failed, worst.ended)
    words = phrase(
        "the most failed in {chunks}: {share} of {people}",
        chunks=worst.words,
        share=part,
        people=people_figure(worst.ended),
    )
    if guard is not None:
        words += phrase(
            "; above {share} of all together (the dashed line) the campaign stops", share=f"{guard:.0%}"
        )
    yield f"<h2>{phrase('Who failed, by chunk')}</h2><figure>"
    yield f'<div class="ends"><span>{_as_share(top / 1.1)}</span></div>'
    yield f'<svg viewBox="0 0 {_WIDE} {_TALL}" preserveAspectRatio="none" role="img" aria-label="{words}">'
    wide = _WIDE / len(bars)
    limit = CANARY_SHARE if guard is None else guard
    for place, bar in enumerate(bars):
        tall = _TALL * bar.share / top
        look = "bad" if bar.share > limit else ""
        yield (
            f'<rect class="{look}" x="{place * wide + wide * 0.1:.1f}" y="{_TALL - tall:.1f}"'
            f' width="{wide * 0.8:.1f}" height="{tall:.1f}"/>'
        )
    if guard is not None:
        yield f'<path class="guard" d="M0 {_TALL * (1 - guard / top):.1f}H{_WIDE}"/>'
    yield "</svg>"
    ends = (bars[0].words, bars[-1].words) if len(bars) > 1 else (bars[0].words,)
    yield f'<div class="ends">{"".join(f"<span>{each}</span>" for each in ends)}</div>'
    yield f"<figcaption>{words[0].upper()}{words[1:]}.</figcaption></figure>"


def _bars(chunks: Sequence[ChunkLine]) -> list[_Bar]:
    together = -(-len(chunks) // _MOST_BARS) or 1
    made = []
    for start in range(0, len(chunks), together):
        some = chunks[start : start + together]
        failed, sent = sum(chunk.failed for chunk in some), sum(chunk.sent for chunk in some)
        made.append(_Bar(some[0].number, some[-1].number, failed, failed + sent))
    return made


def _as_share(part: float) -> str:
    return share(round(part * 1_000), 1_000)
