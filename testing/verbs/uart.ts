/** Characters on the serial line. */

import type { Given } from '../given/given.ts';
import { readForm } from '../frames/matcher.ts';
import type { Scene } from '../run/scene.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { type Verb, withinOf } from './verb.ts';

/** Characters of output that a failure shows. */
const SHOWN = 200;
const TYPED_MAX = 65_536;

const lacks = ({ has }: Scene): string | undefined =>
  has.uart ? undefined : 'this system has no serial device';

export const UART_VERBS: readonly Verb[] = [
  {
    name: 'type',
    what: 'types on the serial line; "\\r" is Enter, "\\x1c" is Ctrl-\\',
    example: 'type: "help\\r"',
    lacks,
    read: (given) => {
      const bytes = latin1(given, given.text());
      return { run: (run) => typeOn(run, bytes) };
    },
  },
  {
    name: 'expect uart',
    what: 'waits for a text, or for a form between strokes; what is before it counts as read',
    example: 'expect uart: {text: /client[01]/, within: 20ms}',
    lacks,
    read: (given) => {
      const form = textOrForm(given);
      const withinNs = withinOf(given);
      return { run: (run) => expectText(run, form, withinNs) };
    },
  },
  {
    name: 'expect no uart',
    what: 'waits for rest, or as long as told: the text does not come; `any`: nothing at all',
    example: 'expect no uart: any',
    lacks,
    read: (given) => {
      const form = given.value === 'any' ? /[^]/ : textOrForm(given);
      const withinNs = given.field('within') === undefined ? undefined : withinOf(given);
      return { run: (run) => expectNoText(run, form, withinNs) };
    },
  },
];

function typeOn({ uart }: TestRun, bytes: Uint8Array): void {
  const taken = uart?.line.send(bytes) ?? 0;
  if (taken < bytes.length) {
    throw new Unmet('room on the serial line', [`it took ${taken} of ${bytes.length} characters`]);
  }
}

function expectText(run: TestRun, form: RegExp | string, withinNs: number): void {
  const { uart } = run;
  if (uart === undefined) return;
  let at = -1;
  const found = (): boolean => {
    const rest = uart.text.slice(uart.takenTo);
    at = placeOf(rest, form);
    return at >= 0;
  };
  if (!run.until(found, withinNs)) {
    throw new Unmet(`on the serial line ${wordsOf(form)}`, shown(uart.text.slice(uart.takenTo)));
  }
  const rest = uart.text.slice(uart.takenTo + at);
  uart.takenTo +=
    at + (typeof form === 'string' ? form.length : (form.exec(rest)?.[0].length ?? 0));
}

function expectNoText(run: TestRun, form: RegExp | string, withinNs: number | undefined): void {
  if (withinNs === undefined) run.rest();
  else run.wait(withinNs);
  const rest = run.uart?.text.slice(run.uart.takenTo) ?? '';
  if (placeOf(rest, form) >= 0) {
    throw new Unmet(`nothing on the serial line like ${wordsOf(form)}`, shown(rest));
  }
}

function placeOf(text: string, form: RegExp | string): number {
  return typeof form === 'string' ? text.indexOf(form) : text.search(form);
}

function textOrForm(given: Given): RegExp | string {
  const text = given.field('text');
  if (given.isMap && text === undefined) given.problem("the field 'text' says what is expected");
  if (given.isMap) given.onlyHas(['text', 'within']);
  const stated = text ?? given;
  const form = readForm(stated);
  if (form !== undefined) return form;
  const plain = stated.text();
  if (plain === '') stated.problem('an empty text is always there');
  return plain;
}

function wordsOf(form: RegExp | string): string {
  return typeof form === 'string' ? JSON.stringify(form) : String(form);
}

function shown(text: string): readonly string[] {
  if (text === '') return [];
  const last = text.slice(-SHOWN);
  return [`${last.length < text.length ? '…' : ''}${JSON.stringify(last)}`];
}

/** A character is a byte on a serial line. */
export function latin1(given: Given, text: string): Uint8Array {
  const codes = Array.from(text, (letter) => letter.codePointAt(0) ?? 0);
  if (codes.some((code) => code > 0xff))
    given.problem('a serial line carries bytes, up to "\\xff"');
  if (codes.length > TYPED_MAX) given.problem(`more than ${TYPED_MAX} characters at once`);
  return Uint8Array.from(codes);
}
