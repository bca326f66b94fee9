// The line editor, judged by a terminal of one line: what is printed is played back, and the screen
// has to show the line.

import { describe, expect, it } from 'vitest';
import { completions } from './commands.ts';
import { LineEditor } from './line-editor.ts';

/** Shows what a terminal would, as far as the editor uses one. */
class Screen {
  row: string[] = [];
  column = 0;
  readonly scrolled: string[] = [];

  print(text: string): void {
    for (let at = 0; at < text.length; at += 1) {
      if (text[at] !== '\u001b') {
        this.#put(text[at] as string);
        continue;
      }
      const end = at + 1 + text.slice(at + 1).search(/[A-Za-z]/);
      this.#sequence(text.slice(at + 2, end), text[end] as string);
      at = end;
    }
  }

  get text(): string {
    return this.row.join('').trimEnd();
  }

  #put(character: string): void {
    if (character === '\n') {
      this.scrolled.push(this.text);
      this.row = [];
      this.column = 0;
    } else if (character !== '\u0007') {
      while (this.row.length < this.column) this.row.push(' ');
      this.row[this.column] = character;
      this.column += 1;
    }
  }

  #sequence(parameter: string, letter: string): void {
    if (letter === 'D') this.column -= Number(parameter);
    else if (letter === 'K') this.row.length = Math.min(this.row.length, this.column);
    else if (letter === 'J') this.row = [];
    else if (letter === 'H') this.column = 0;
    else throw new Error(`the terminal does not know ${parameter}${letter}`);
  }
}

const WORDS = ['help', 'halt', 'pds'];
const UP = '\u001b[A';
const DOWN = '\u001b[B';
const RIGHT = '\u001b[C';
const LEFT = '\u001b[D';

function bench() {
  const screen = new Screen();
  const lines: string[] = [];
  const editor = new LineEditor('$ ', {
    print: (text) => screen.print(text),
    line: (text) => lines.push(text),
    complete: (before) => WORDS.filter((word) => word.startsWith(before.split(' ').at(-1) ?? '')),
  });
  editor.show();
  const type = (text: string): void => {
    for (const character of text) editor.input(character.charCodeAt(0));
  };
  return { screen, lines, type };
}

describe('the line editor', () => {
  it.each([
    ['plain text', 'abc', 'abc'],
    ['insertion', `ac${LEFT}b`, 'abc'],
    ['backspace', 'abx\u007fc', 'abc'],
    ['backspace in the middle', `axbc${LEFT}${LEFT}\b`, 'abc'],
    ['backspace at the beginning', '\u007fabc', 'abc'],
    ['delete', `xabc\u0001\u001b[3~`, 'abc'],
    ['Ctrl-D', `xabc\u0001\u0004`, 'abc'],
    ['Home and End', `bc\u001b[Ha\u001b[Fd`, 'abcd'],
    ['the other Home and End', `bc\u001b[1~a\u001b[4~d`, 'abcd'],
    ['Ctrl-A and Ctrl-E', 'bc\u0001a\u0005d', 'abcd'],
    ['Ctrl-U', `gone${LEFT}${LEFT}\u0015`, 'ne'],
    ['Ctrl-K', `abgone${LEFT.repeat(4)}\u000b`, 'ab'],
    ['Ctrl-W', 'one two  \u0017three', 'one three'],
    ['Right beyond the end', `ab${RIGHT}${RIGHT}c`, 'abc'],
    ['Left beyond the beginning', `bc${LEFT.repeat(9)}a`, 'abc'],
    ['unknown keys', 'a\u001b[15~b\u001bOPc\u0000', 'abc'],
    ['an endless sequence', `ab\u001b[1;2;3;4;5;6;7;8Cc`, 'abc'],
    ['Ctrl-L', 'abc\u000c', 'abc'],
  ])('handles %s, on the screen and in the line', (_name, typed, line) => {
    const { screen, lines, type } = bench();
    type(typed);
    expect(screen.text).toBe(`$ ${line}`);
    type('\r');

    expect(lines).toEqual([line]);
  });

  it('takes CR, LF and CR LF for one Enter each', () => {
    const { lines, type } = bench();
    type('a\rb\nc\r\nd\r');

    expect(lines).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives a line up with Ctrl-C', () => {
    const { screen, lines, type } = bench();
    type('wrong\u0003right\r');

    expect(lines).toEqual(['right']);
    expect(screen.scrolled[0]).toBe('$ wrong^C');
  });

  it('recalls lines, and the one that was being written', () => {
    const { screen, lines, type } = bench();
    type('first\rsecond\rsecond\r\rdraft');
    type(UP);
    expect(screen.text).toBe('$ second');
    type(UP + UP + UP);
    expect(screen.text).toBe('$ first');
    type(DOWN + DOWN + DOWN);
    expect(screen.text).toBe('$ draft');
    type(`${UP}!\r`);

    expect(lines.at(-1)).toBe('second!');
  });

  it('completes a word, a common beginning, or shows the choices', () => {
    const { screen, lines, type } = bench();
    type('p\tx\u007f');
    expect(screen.text).toBe('$ pds');
    type('\u0015h\t');
    expect(screen.scrolled).toEqual(['$ h', 'help  halt']);
    expect(screen.text).toBe('$ h');
    type('e\t\r');

    expect(lines).toEqual(['help ']);
  });

  it('refuses what would make the line too long', () => {
    const { lines, type } = bench();
    type(`${'x'.repeat(300)}\r`);

    expect(lines[0]).toHaveLength(200);
  });
});

describe('completion', () => {
  const view = {
    pds: [{ name: 'serial_driver', priority: 200, passive: 'no' as const }],
    queues: [],
    irqs: [],
    regions: [],
    net: [],
    blk: [],
  };

  it('knows commands, and the domains for pds', () => {
    expect(completions(view, 'u')).toEqual(['uptime']);
    expect(completions(view, 'pds ser')).toEqual(['serial_driver']);
    expect(completions(view, 'time ')).toEqual([]);
  });
});
