"""The style sheet of the page, light and dark."""

STYLE = """
:root { color-scheme: light dark; --text: #1c2024; --page: #ffffff; --soft: #5c6670; --line: #d8dde2; --code: #f4f6f8;
  --error: #b3261e; --warning: #8a5a00; --note: #3c5a78; --writes: #c98500; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e9ec; --page: #16191c; --soft: #a0a9b2; --line: #363c42; --code: #20252a;
    --error: #ff8a80; --warning: #f0b429; --note: #9ec1e4; --writes: #f0b429; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 60rem; margin: 1rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 0 0 .25rem; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
.basis, .place { color: var(--soft); font-size: .9em; }
.facts { font-weight: 600; }
section { border-left: 5px solid var(--note); border-radius: 4px; padding: .6rem 1rem; margin: .8rem 0; background: var(--code); }
section.error { border-color: var(--error); }
section.warning { border-color: var(--warning); }
.severity { text-transform: uppercase; font-size: .75em; margin-right: .6em; padding: .1em .5em; border-radius: 3px;
  color: var(--page); background: var(--note); }
.error .severity { background: var(--error); }
.warning .severity { background: var(--warning); }
pre { font: 13px/1.4 ui-monospace, monospace; overflow-x: auto; margin: .4rem 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.picture { overflow-x: auto; margin: 1rem 0; }
svg { display: block; width: 100%; min-width: 46rem; height: auto; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .scale { fill: var(--soft); }
svg .axis { stroke: var(--line); }
svg .reads { fill: var(--error); }
svg .writes { fill: var(--writes); }
svg .queue { fill: var(--page); fill-opacity: .55; }
"""
