/** The system as a picture that lives: Graphviz draws it once, and what happens colours it. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { drawNow } from './draw-now.ts';
import { Help } from './help.tsx';
import { LivePicture, titleOf } from './live-picture.ts';
import { numberedNames } from './now.ts';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';

export function Graph({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [picture, setPicture] = useState<LivePicture | undefined>(undefined);
  const dot = state.info?.dot;
  useEffect(() => {
    const box = place.current;
    const domains = store.state.info?.domains;
    if (dot === undefined || domains === undefined || box === null) return undefined;
    let isOld = false;
    void draw(dot).then((svg) => {
      if (isOld) return;
      box.replaceChildren(svg);
      for (const node of box.querySelectorAll<SVGGElement>('g.node')) openByHand(store, node);
      setPicture(new LivePicture(svg, numberedNames(domains)));
    });
    return () => {
      isOld = true;
    };
  }, [dot, store]);
  useEffect(
    () => (picture === undefined ? undefined : drawNow(store, (now) => picture.show(now))),
    [picture, store],
  );
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

/** Pixels of a picture's point, at most. */
const LARGEST = 1.8;

/** The layout engine is the largest part of the page: it is loaded when it is needed. */
async function draw(dot: string): Promise<SVGSVGElement> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const text = graphviz.dot(dot, 'svg');
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  const svg = document.importNode(parsed, true) as unknown as SVGSVGElement;
  svg.removeAttribute('width');
  svg.removeAttribute('height');
  // A small system is not blown up, and a large one can be read where the screen is small.
  const { width } = svg.viewBox.baseVal;
  svg.style.maxWidth = `${Math.round(LARGEST * width)}px`;
  svg.style.minWidth = `min(34rem, ${Math.round(width)}px)`;
  // A name may be a stranger's; nothing in the picture leads out of the page.
  for (const link of svg.querySelectorAll('a')) {
    for (const { name } of [...link.attributes]) link.removeAttribute(name);
  }
  return svg;
}

/** A domain's capabilities are shown when it is chosen. */
function openByHand(store: Store, node: SVGGElement): void {
  const pd = titleOf(node);
  if (!isDomain(store, pd) || !store.isHeard) return;
  node.setAttribute('tabindex', '0');
  node.setAttribute('role', 'button');
  node.addEventListener('click', () => store.ask({ kind: 'capabilities', pd }));
  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    // The page is not to scroll.
    event.preventDefault();
    store.ask({ kind: 'capabilities', pd });
  });
}

function isDomain({ state }: Store, name: string): boolean {
  return state.info?.domains.some((domain) => domain.name === name) === true;
}
