/**
 * A line editor for a terminal that sends one character at a time: cursor keys, history,
 * completion.
 *
 *     Left, Right, Home, End, Ctrl-A, Ctrl-E   move        Backspace, Delete, Ctrl-D   delete
 *     Up, Down                                 history     Ctrl-U, Ctrl-K, Ctrl-W      delete line, to the end, word
 *     Tab                                      complete    Ctrl-C                      give the line up
 *     Ctrl-L                                   redraw on a clear screen
 */

const CTRL_A = 1;
const CTRL_C = 3;
const CTRL_D = 4;
const CTRL_E = 5;
const BACKSPACE = 8;
const TAB = 9;
const LF = 10;
const CTRL_K = 11;
const CTRL_L = 12;
const CR = 13;
const CTRL_U = 21;
const CTRL_W = 23;
const ESCAPE = 27;
const SPACE = 32;
const TILDE = 126;
const DELETE = 127;

const LINE_MAX = 200;
const HISTORY_MAX = 32;
/**
 * Longest escape sequence that is understood; a longer one is swallowed to its end and means
 * nothing.
 */
const SEQUENCE_MAX = 8;

export interface LineEditorEvents {
  /** Text for the terminal. */
  print(text: string): void;
  /** A line has been entered. */
  line(text: string): void;
  /** @returns what could stand in place of the last word of `before` */
  complete(before: string): readonly string[];
}

export class LineEditor {
  readonly #prompt: string;
  readonly #events: LineEditorEvents;
  #text = '';
  #cursor = 0;
  readonly #history: string[] = [];
  /** Place in the history; its length is the line that is being written. */
  #place = 0;
  #draft = '';
  #sequence: string | undefined;
  #last = 0;

  constructor(prompt: string, events: LineEditorEvents) {
    this.#prompt = prompt;
    this.#events = events;
  }

  /** Shows the prompt, and what is written so far. */
  show(): void {
    this.#events.print(`${this.#prompt}${this.#text}${back(this.#text.length - this.#cursor)}`);
  }

  /** One character from the terminal. */
  input(byte: number): void {
    const before = this.#last;
    this.#last = byte;
    if (this.#sequence !== undefined) this.#continueSequence(byte);
    else if (byte === ESCAPE) this.#sequence = '';
    else if (byte === CR) this.#enter();
    // A terminal that sends CR LF means one Enter.
    else if (byte === LF && before !== CR) this.#enter();
    else if (byte >= SPACE && byte <= TILDE) this.#insert(String.fromCharCode(byte));
    else this.#control(byte);
  }

  #control(byte: number): void {
    switch (byte) {
      case CTRL_A:
        this.#moveTo(0);
        break;
      case CTRL_E:
        this.#moveTo(this.#text.length);
        break;
      case CTRL_C:
        this.#events.print('^C\n');
        this.#replace('');
        this.#place = this.#history.length;
        this.show();
        break;
      case CTRL_D:
        this.#deleteRange(this.#cursor, this.#cursor + 1);
        break;
      case BACKSPACE:
      case DELETE:
        this.#deleteRange(this.#cursor - 1, this.#cursor);
        break;
      case TAB:
        this.#complete();
        break;
      case CTRL_K:
        this.#deleteRange(this.#cursor, this.#text.length);
        break;
      case CTRL_L:
        this.#events.print('\u001b[2J\u001b[H');
        this.show();
        break;
      case CTRL_U:
        this.#deleteRange(0, this.#cursor);
        break;
      case CTRL_W:
        this.#deleteRange(this.#wordStart(), this.#cursor);
        break;
      default:
      // Any other control character means nothing here.
    }
  }

  /** ESC [ letter, ESC [ digits ~, ESC O letter. */
  #continueSequence(byte: number): void {
    const sequence = `${this.#sequence ?? ''}${String.fromCharCode(byte)}`;
    const introduced = sequence === '[' || sequence === 'O';
    const isParameter = byte >= 0x30 && byte <= 0x3b;
    if (introduced || isParameter) {
      this.#sequence = sequence.slice(0, SEQUENCE_MAX);
      return;
    }
    this.#sequence = undefined;
    this.#key(sequence);
  }

  #key(sequence: string): void {
    switch (sequence) {
      case '[A':
      case 'OA':
        this.#recall(this.#place - 1);
        break;
      case '[B':
      case 'OB':
        this.#recall(this.#place + 1);
        break;
      case '[C':
      case 'OC':
        this.#moveTo(this.#cursor + 1);
        break;
      case '[D':
      case 'OD':
        this.#moveTo(this.#cursor - 1);
        break;
      case '[H':
      case 'OH':
      case '[1~':
        this.#moveTo(0);
        break;
      case '[F':
      case 'OF':
      case '[4~':
        this.#moveTo(this.#text.length);
        break;
      case '[3~':
        this.#deleteRange(this.#cursor, this.#cursor + 1);
        break;
      default:
      // A key that means nothing here.
    }
  }

  #enter(): void {
    const line = this.#text;
    this.#text = '';
    this.#cursor = 0;
    this.#events.print('\n');
    if (line.trim() !== '' && line !== this.#history.at(-1)) {
      this.#history.push(line);
      if (this.#history.length > HISTORY_MAX) this.#history.shift();
    }
    this.#place = this.#history.length;
    this.#events.line(line);
    this.show();
  }

  #insert(text: string): void {
    if (this.#text.length + text.length > LINE_MAX) {
      this.#events.print('\u0007');
      return;
    }
    const tail = this.#text.slice(this.#cursor);
    this.#text = this.#text.slice(0, this.#cursor) + text + tail;
    this.#cursor += text.length;
    this.#events.print(`${text}${tail}${back(tail.length)}`);
  }

  #deleteRange(from: number, to: number): void {
    const start = Math.max(0, from);
    const end = Math.min(to, this.#text.length);
    if (start >= end) return;
    const tail = this.#text.slice(end);
    const moved = this.#cursor - start;
    this.#text = this.#text.slice(0, start) + tail;
    this.#cursor = start;
    this.#events.print(`${back(moved)}${tail}\u001b[K${back(tail.length)}`);
  }

  #moveTo(place: number): void {
    const to = Math.min(Math.max(0, place), this.#text.length);
    if (to < this.#cursor) this.#events.print(back(this.#cursor - to));
    else this.#events.print(this.#text.slice(this.#cursor, to));
    this.#cursor = to;
  }

  #recall(place: number): void {
    if (place < 0 || place > this.#history.length) return;
    if (this.#place === this.#history.length) this.#draft = this.#text;
    this.#place = place;
    const text = this.#history[place] ?? this.#draft;
    this.#events.print(`${back(this.#cursor)}${text}\u001b[K`);
    this.#replace(text);
  }

  #replace(text: string): void {
    this.#text = text;
    this.#cursor = text.length;
  }

  #wordStart(): number {
    const before = this.#text.slice(0, this.#cursor).trimEnd();
    return before.lastIndexOf(' ') + 1;
  }

  #complete(): void {
    const before = this.#text.slice(0, this.#cursor);
    const word = before.slice(before.lastIndexOf(' ') + 1);
    const choices = this.#events.complete(before);
    const [only] = choices;
    if (only === undefined) return;
    if (choices.length === 1) {
      this.#insert(`${only.slice(word.length)} `);
      return;
    }
    const common = commonPrefix(choices);
    if (common.length > word.length) {
      this.#insert(common.slice(word.length));
      return;
    }
    this.#events.print(`\n${choices.join('  ')}\n`);
    this.show();
  }
}

function back(columns: number): string {
  return columns > 0 ? `\u001b[${columns}D` : '';
}

function commonPrefix(texts: readonly string[]): string {
  const [first = '', ...others] = texts;
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1;
  return first.slice(0, length);
}
