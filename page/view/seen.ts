/** Whether a part of the page is on the screen: what nobody sees is drawn when somebody does. */

import { useEffect, useState } from 'preact/hooks';

export function useSeen(place: { readonly current: HTMLElement | null }): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const box = place.current;
    if (box === null) return undefined;
    const observer = new IntersectionObserver((entries) => {
      setSeen(entries.at(-1)?.isIntersecting === true);
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, [place]);
  return isSeen;
}
