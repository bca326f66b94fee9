/** Draws what moves with each picture of the screen, apart from the rest of the page. */

import { useEffect, useState } from 'preact/hooks';
import type { Now } from './now.ts';
import type { Store } from './store.ts';

/** @param draw called with the next picture of the screen after a change, and at first */
export function drawNow(store: Store, draw: (now: Now) => void): () => void {
  let isDue = false;
  let isOver = false;
  const show = (): void => {
    isDue = false;
    if (!isOver && store.now !== undefined) draw(store.now);
  };
  show();
  const leave = store.onNow(() => {
    if (!isDue) requestAnimationFrame(show);
    isDue = true;
  });
  return () => {
    isOver = true;
    leave();
  };
}

/** @returns the moment that is shown, and has the component drawn anew with each picture */
export function useNow(store: Store): Now | undefined {
  const [now, setNow] = useState(store.now);
  useEffect(() => drawNow(store, setNow), [store]);
  return now;
}
