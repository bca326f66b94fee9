/**
 * A sentence that says what a thing is, with its words explained in the glossary: `[queues|active
 * queue]` shows "queues", and leads to "active queue" there.
 */

import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { glossaryPlace } from '../glossary/glossary-place.ts';

const LINK = /\[([^|\]]+)\|([^\]]+)\]/g;

export function Help({ text }: { text: string }): JSX.Element {
  // The same element each time: then nothing of it is looked at while time passes.
  return useMemo(() => <p class="help">{partsOf(text)}</p>, [text]);
}

function partsOf(text: string): readonly (string | JSX.Element)[] {
  const parts: (string | JSX.Element)[] = [];
  let from = 0;
  for (const { 0: whole, 1: shown = '', 2: word = '', index } of text.matchAll(LINK)) {
    parts.push(text.slice(from, index), <Term shown={shown} word={word} />);
    from = index + whole.length;
  }
  parts.push(text.slice(from));
  return parts;
}

/** The glossary is a page of its own: a run goes on while one reads. */
function Term({ shown, word }: { shown: string; word: string }): JSX.Element {
  return (
    <a href={`glossary.html#${glossaryPlace(word)}`} target="_blank" rel="noopener">
      {shown}
    </a>
  );
}
