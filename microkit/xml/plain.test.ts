// Goal: the quick way through a plain text gives what the XML parser gives, positions included, or
// leaves the text to it. Method: both read the same texts: written by hand, the tool's corpus where
// it is present, and seeded mutations of these.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mutate, seeded } from '../../test/support/description-mutations.ts';
import type { Element } from './element.ts';
import { LineIndex } from './line-index.ts';
import { parseFully, parseXml } from './parse.ts';
import { parsePlain } from './plain.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus/microkit-sdf');
const MUTATIONS = 3000;

const PLAIN = [
  '<system/>',
  '<?xml version="1.0" encoding="UTF-8"?>\n<system>\n</system>\n',
  "<?xml version='1.0'?><system a='1' b=\"2\"></system>",
  '<!-- a comment, with - dashes -->\n<system  a = "x > y, \'z\'"\n  b="" ><a.b-c _d="é"/><!----></system >\n<!-- behind -->',
  '<system><protection_domain name="p"><program_image path="p.ts" /></protection_domain></system>',
];

/** Left to the parser: most of them are mistakes, the others mean more than they show. */
const OTHER = [
  '',
  'x',
  '<system>',
  '</system>',
  '<a></b>',
  '<a/><b/>',
  '<a b="1" b="2"/>',
  '<a b="1"c="2"/>',
  '<a b=1/>',
  '<a b="<"/>',
  '<a b="&amp;"/>',
  '<a b="x\ny"/>',
  '<a b="x\ty"/>',
  '<a>text</a>',
  '<a><![CDATA[]]></a>',
  '<a><!-- -- --></a>',
  '<a><!-- - ---></a>',
  '<a><?p ?></a>',
  '<!DOCTYPE a><a/>',
  ' <?xml version="1.0"?><a/>',
  '<?xml version="1.1"?><a/>',
  '<a>\r\n</a>',
  '<a b="\u0000"/>',
  '<a b="𝔸"/>',
  '<ns:a/>',
  `${'<a>'.repeat(101)}${'</a>'.repeat(101)}`,
];

function seen(element: Element): object {
  const { tag, span, attributes, children } = element;
  return {
    tag,
    span,
    attributes: attributes.map((each) => [each.name, each.value, each.span]),
    children: children.map(seen),
  };
}

/** @returns whether the quick way answered; then both have given the same */
function compare(text: string): boolean {
  const root = parsePlain(text, new LineIndex(text));
  if (root === undefined) return false;
  const full = parseFully(text, 'test.system');
  expect(full.ok && seen(full.root)).toEqual(seen(root));
  return true;
}

function seeds(): string[] {
  if (!existsSync(CORPUS)) return PLAIN;
  const files = readdirSync(CORPUS).filter((file) => file.endsWith('.system'));
  return [...PLAIN, ...files.map((file) => readFileSync(join(CORPUS, file), 'utf8'))];
}

it.each([
  '<a><!-- x --',
  '<a><!-- x -',
  '<a><!-- x',
  '<a><!-',
  '<a b="',
  '<a b',
  '<',
  '<a><![CDATA[x]]',
])('a text that ends anywhere is refused, not a crash: %s', (text) => {
  const { ok } = parseXml(text, 'test.system');
  expect(ok).toBe(false);
});

describe('the quick way through a text', () => {
  it.each(PLAIN)('reads what is plain: %j', (text) => {
    expect(compare(text)).toBe(true);
  });

  it.each(OTHER)('leaves the rest: %j', (text) => {
    expect(compare(text)).toBe(false);
  });

  it('never says anything that the parser does not say', () => {
    const texts = seeds();
    let answered = texts.filter(compare).length;
    expect(answered).toBeGreaterThanOrEqual(texts.length * 0.9);
    for (let seed = 1; seed <= MUTATIONS; seed += 1) {
      const random = seeded(seed);
      const text = mutate(texts[random(texts.length)] ?? '', random);
      try {
        if (compare(text)) answered += 1;
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    // Most mutations of the few texts without the corpus are not plain any more.
    expect(answered).toBeGreaterThan(existsSync(CORPUS) ? 200 : 40);
  });
});
