/**
 * The report's style sheet. Colours of series are Okabe and Ito's, which colour-blind people tell
 * apart, fitted to each ground.
 */

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --card: #f6f7f9; --ink: #1b1f24; --muted: #57606a; --grid: #dfe3e8; --edge: #d0d7de;
  --good: #1a7f37; --bad: #b35900; --link: #0b5cad;
  --c0: #0072b2; --c1: #d55e00; --c2: #008a64; --c3: #aa4499; --c4: #8a6d00; --c5: #3a8fc4; --c6: #5b5b5b; --c7: #c2185b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1318; --card: #171c23; --ink: #e6e9ed; --muted: #9aa4af; --grid: #2a313a; --edge: #333c47;
    --good: #56d364; --bad: #ffa657; --link: #79b8ff;
    --c0: #56b4e9; --c1: #ff8c42; --c2: #2fc99a; --c3: #e08fd0; --c4: #f0d34a; --c5: #8fa8ff; --c6: #b8bec6; --c7: #ff7aa8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1040px; margin: 0 auto; padding: 20px 16px 60px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; padding-bottom: .2rem; border-bottom: 2px solid var(--edge); }
h3 { font-size: 1.05rem; line-height: 1.35; margin: 0 0 .4rem; }
h4 { font-size: .9rem; margin: 1rem 0 .2rem; color: var(--muted); font-weight: 600; }
a { color: var(--link); }
p { margin: .4rem 0; }
.muted { color: var(--muted); font-size: .9rem; }
section.question {
  background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 16px; margin: 0 0 18px;
}
.answer { margin: 0 0 .6rem; max-width: 46rem; }
nav ul { columns: 2; column-gap: 24px; padding-left: 18px; margin: .4rem 0; font-size: .9rem; }
nav li { break-inside: avoid; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; padding: 0; margin: .5rem 0 .2rem; font-size: .85rem; }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend svg { width: 26px; height: 14px; flex: none; }
svg.plot, figure svg { display: block; max-width: min(100%, 714px); height: auto; }
figure { margin: 0; }
figure .narrow { display: none; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--muted); }
svg text.label { fill: var(--ink); font-size: 12.5px; }
svg text.value { fill: var(--ink); }
svg text.level { fill: var(--bad); }
.grid { stroke: var(--grid); stroke-width: 1; }
.tick { stroke: var(--muted); stroke-width: 1; }
line.level { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 2 3; }
.line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.mark { fill: currentColor; stroke: var(--card); stroke-width: 1; }
.bar { fill: currentColor; }
.spread { stroke: currentColor; stroke-width: 1.2; opacity: .6; }
rect.bar + .spread { stroke: var(--ink); opacity: .55; }
.beside .line { stroke-dasharray: 6 4; stroke-width: 1.6; }
.beside .mark { fill: var(--card); stroke: currentColor; stroke-width: 1.6; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); }
.c4 { color: var(--c4); } .c5 { color: var(--c5); } .c6 { color: var(--c6); } .c7 { color: var(--c7); }
.scroll { overflow-x: auto; margin-top: .6rem; }
table { border-collapse: collapse; font-size: .84rem; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 9px; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { color: var(--muted); font-weight: 600; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { padding-left: 0; }
td.text, th.text { text-align: left; white-space: normal; }
.scroll table + table { margin-top: .9rem; }
.folded { margin-top: .6rem; }
.folded label { cursor: pointer; color: var(--link); font-size: .9rem; }
.folded input { margin: 0 6px 0 0; vertical-align: middle; }
table.targets { width: 100%; }
table.targets td, table.targets th { white-space: normal; vertical-align: top; text-align: left; }
table.targets td.number { white-space: nowrap; }
table.targets td:last-child { white-space: nowrap; }
.reached { color: var(--good); font-weight: 600; } .missed { color: var(--bad); font-weight: 600; } .unknown { color: var(--muted); }
.tally { display: flex; flex-wrap: wrap; gap: 8px; margin: .8rem 0; }
.tally span { border: 1px solid var(--edge); border-radius: 999px; padding: 2px 12px; background: var(--card); font-size: .9rem; }
@media (max-width: 560px) {
  main { padding: 14px 10px 40px; }
  section.question { padding: 12px 10px; border-radius: 8px; }
  h1 { font-size: 1.35rem; }
  nav ul { columns: 1; }
  figure .wide { display: none; }
  figure .narrow { display: block; }
  table.targets thead { display: none; }
  table.targets tr { display: block; padding: 8px 0; border-bottom: 1px solid var(--grid); }
  table.targets td { display: block; border: 0; padding: 0; }
  table.targets td[data-label]::before { content: attr(data-label) ": "; color: var(--muted); }
}
@media screen { .folded input:not(:checked) ~ .scroll { display: none; } }
@media print {
  @page { size: A4; margin: 12mm; }
  :root { font-size: 11px; }
  body { font-size: 1rem; }
  main { max-width: none; padding: 0; }
  h2, h3 { break-after: avoid; }
  section.question { border: 0; padding: 0; background: none; }
  figure, tr { break-inside: avoid; }
  thead { display: table-header-group; }
  nav, .folded input { display: none; }
  .folded label { color: var(--muted); }
  table { font-size: 9.5px; }
  th, td { padding: 1px 6px; }
  .scroll { overflow: visible; }
}
`;
