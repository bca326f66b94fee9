/**
 * The system as a picture that lives: Graphviz draws it once, and what happens colours it. A domain
 * that has entered the kernel since the last frame is lit, a line on which a signal flew too; the
 * one in the middle of a kernel entry has a frame.
 */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Help } from './help.tsx';
import type { PageState, Store } from './store.ts';

export function Graph({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const dot = state.info?.dot;
  useEffect(() => {
    const box = place.current;
    if (dot === undefined || box === null) return;
    void draw(dot).then((svg) => {
      box.replaceChildren(svg);
      for (const node of box.querySelectorAll<SVGGElement>('g.node')) {
        const pd = titleOf(node);
        if (!isDomain(store, pd) || !store.isHeard) continue;
        node.setAttribute('tabindex', '0');
        node.setAttribute('role', 'button');
        node.addEventListener('click', () => store.ask({ kind: 'capabilities', pd }));
        node.addEventListener('keydown', ({ key }) => {
          if (key === 'Enter' || key === ' ') store.ask({ kind: 'capabilities', pd });
        });
      }
    });
  }, [dot, store]);
  useEffect(() => {
    if (place.current !== null) colour(place.current, state);
  }, [state.view, state.before, state]);
  return (
    <section aria-labelledby="graph-title" class={state.playing ? 'graph playing' : 'graph'}>
      <h2 id="graph-title">System</h2>
      <Help text="[Domains|protection domain] by priority, with [channels|channel] and [memory|memory region] between them. What has run since the last picture is lit, and a line on which a [notification|notification] flew is thick. Choose a domain to see what it holds." />
      <div ref={place} class="picture" role="group" aria-label="Graph of the system's domains">
        <p>The picture is being drawn …</p>
      </div>
    </section>
  );
}

/** The layout engine is the largest part of the page: it is loaded when it is needed. */
async function draw(dot: string): Promise<SVGSVGElement> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const text = graphviz.dot(dot, 'svg');
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  const svg = document.importNode(parsed, true) as unknown as SVGSVGElement;
  svg.removeAttribute('width');
  svg.removeAttribute('height');
  // A name may be a stranger's; nothing in the picture leads out of the page.
  for (const link of svg.querySelectorAll('a')) {
    for (const { name } of [...link.attributes]) link.removeAttribute(name);
  }
  return svg;
}

function isDomain({ state }: Store, name: string): boolean {
  return state.info?.domains.some((domain) => domain.name === name) === true;
}

function titleOf(element: Element): string {
  return element.querySelector('title')?.textContent ?? '';
}

function colour(box: HTMLElement, { view, before }: PageState): void {
  if (view === undefined) return;
  const counted = new Map(before?.domains.map(({ name, entries }) => [name, entries]));
  const busy = new Set(
    view.domains.filter(({ name, entries }) => entries !== counted.get(name)).map((pd) => pd.name),
  );
  const flown = new Map(before?.signals.map(({ from, to, count }) => [`${from}->${to}`, count]));
  const flying = new Set<string>();
  for (const { from, to, count } of view.signals) {
    if (count === flown.get(`${from}->${to}`)) continue;
    flying.add(`${from}->${to}`);
    flying.add(`${to}->${from}`); // a line is drawn once, from the higher priority
  }
  for (const node of box.querySelectorAll('g.node')) {
    const name = titleOf(node);
    node.classList.toggle('busy', busy.has(name));
    node.classList.toggle('under-way', view.underWay?.pd === name);
    const isFaulted = view.domains.some((pd) => pd.name === name && pd.faults > 0);
    node.classList.toggle('faulted', isFaulted);
  }
  for (const edge of box.querySelectorAll('g.edge')) {
    edge.classList.toggle('flying', flying.has(titleOf(edge)));
  }
}
