"""How a page looks: light and dark, from 400 pixels to paper. No colour says what no word says."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #566573; --line: #d9e0e7; --back: #f6f8fa;
  --card: #fff; --good: #1a7f4b; --bad: #b3261e; --open: #9a6700; --on: #2f6fb0; --out: #8794a1;
  --bubble: #d9fdd3; --wall: #efe7dd }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa7b4; --line: #30363d;
  --back: #0d1117; --card: #161b22; --good: #4cc38a; --bad: #ff8a80; --open: #e3b341; --on: #6cb0f5;
  --out: #6b7885; --bubble: #144d37; --wall: #1b2228 } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0 }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.7rem; margin: 0; overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { margin: .2rem 0; color: var(--soft); overflow-wrap: anywhere }
.sums { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)) }
section, figure { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: 1rem; margin: 0 }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .5rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top }
tr:last-child > * { border-bottom: 0 } th { font-weight: 600 } td.n, th.n { text-align: right }
p.good, td.good { color: var(--good) } p.bad, td.bad { color: var(--bad) }
p.open, td.open { color: var(--open) }
td.n { white-space: nowrap }
.scroll { overflow-x: auto } figure + section { margin-top: .6rem }
figcaption { color: var(--soft); margin-top: .6rem }
.bars { display: grid; gap: .35rem .7rem; grid-template-columns: minmax(6rem, 14rem) 1fr max-content;
  align-items: center; font-variant-numeric: tabular-nums }
.bars > :nth-child(3n) { text-align: right } .bars > :nth-child(3n+1) { overflow-wrap: anywhere }
.track, .step { display: flex; height: .9rem; border-radius: .2rem; background: var(--line);
  overflow: hidden; print-color-adjust: exact; -webkit-print-color-adjust: exact }
.step { height: 1.5rem; background: transparent; border-radius: 0 }
.track i, .step i { display: block; min-width: 2px; background: var(--on) }
.track i.good, .step i.good { background: var(--good) } .track i.bad, .step i.bad { background: var(--bad) }
.track i.open, .step i.open { background: var(--open) } .track i.out, .step i.out { background: var(--out) }
.step i.told { background: repeating-linear-gradient(45deg, var(--good) 0 6px, transparent 6px 9px) }
.way b { font-variant-numeric: tabular-nums } .way p { margin: 0 0 .7rem }
.key { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; background: var(--on);
  print-color-adjust: exact; -webkit-print-color-adjust: exact }
.key.good { background: var(--good) } .key.bad { background: var(--bad) }
.key.open { background: var(--open) } .key.out { background: var(--out) }
svg { display: block; width: 100%; height: 12rem; border-left: 1px solid var(--line);
  border-bottom: 1px solid var(--line); overflow: hidden }
svg path { fill: none; stroke-width: 2.5; vector-effect: non-scaling-stroke; stroke: var(--on) }
svg path.good { stroke: var(--good); stroke-dasharray: 7 4 }
svg path.open { stroke: var(--open); stroke-dasharray: 2 3 }
svg path.guard { stroke: var(--bad); stroke-dasharray: 9 5; stroke-width: 1.5 }
svg rect { fill: var(--on) } svg rect.bad { fill: var(--bad) }
.ends { display: flex; justify-content: space-between; gap: 1rem; color: var(--soft); font-size: .9rem }
.phones { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)) }
.phone { background: var(--wall); border-radius: .6rem; padding: 1rem; print-color-adjust: exact }
.bubble { background: var(--bubble); color: var(--ink); border-radius: .6rem; padding: .5rem .7rem;
  white-space: pre-line; overflow-wrap: anywhere }
code { overflow-wrap: anywhere }
@media (max-width: 34rem) { main { padding: 1rem .6rem }
  .bars { grid-template-columns: 1fr max-content; grid-auto-flow: dense }
  .bars > .track { grid-column: 1 / -1 }
  .told tr { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 .6rem;
    padding: .25rem 0; border-bottom: 1px solid var(--line) }
  .told tr:last-child { border-bottom: 0 }
  .told td, .told th { border: 0; padding: 0 } .told td:empty { display: none }
  .told tr > :nth-child(n+3) { flex-basis: 100% } }
@media print { body { background: none; font-size: 11pt } main { max-width: none; padding: 0 }
  section, figure { break-inside: avoid } h2 { break-after: avoid }
  .scroll { overflow: visible } table { font-size: 9pt } td { overflow-wrap: anywhere } }
""".strip()
