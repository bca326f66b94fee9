/**
 * The engine that executes translated code, and has the interpreter execute what translated code
 * leaves to it: system calls, CSRs, odd floating-point numbers, accesses to devices, everything
 * that traps, and the last instructions before a limit.
 */

import { assert } from '../../memory/assert.ts';
import type { Ram } from '../../memory/ram.ts';
import type { AddressSpace, CodeRun } from '../address-space.ts';
import { BulkExecution } from '../bulk/execute.ts';
import { BULK_NAMES, bulkEntries, type BulkFunction, type BulkName } from '../bulk/functions.ts';
import type { Instruction } from '../decode.ts';
import { EXIT, HART, HART_BYTES, type Run, SLOT_OF_X } from '../hart.ts';
import type { Address } from '../interpreter/memory.ts';
import { isServable } from './device-sites.ts';
import { ENTRY_BITS } from './entry-points.ts';
import { AREA, KNOWN_RUN, KNOWN_RUN_BYTES, LIMIT_SHORTFALL } from './engine-area.ts';
import { Pieces } from './pieces.ts';
import {
  BULK_IMPORT,
  DEVICE_IMPORT,
  FIND_IMPORT,
  HOST_MODULE,
  NOW_IMPORT,
  TABLE_IMPORT,
} from './runtime-functions.ts';
import type { CompiledText, CompiledUnit, Translations } from './translations.ts';

/** What the translator needs of the interpreter. */
export interface OtherEngine {
  /** @param most instructions to execute at most */
  run(most?: number): number;
  /** Executes one load or store, if it accesses a device. @returns whether it has */
  accessDevice(instruction: Instruction, pc: Address): boolean;
}

export interface TranslatorOptions {
  readonly ram: Ram;
  /** Offset in RAM of the hart's block, in the staging area. */
  readonly at: number;
  readonly space: AddressSpace;
  readonly interpreter: OtherEngine;
  readonly translations: Translations;
  /**
   * Where functions begin in the text at an address, as far as the host knows; nothing breaks when
   * it does not.
   */
  readonly functionStarts?: ((vaddr: number) => readonly number[]) | undefined;
  readonly laziness: Laziness;
  /** Functions that are done at once: see `../bulk/`. */
  readonly bulk?: readonly BulkFunction[] | undefined;
  /** With so many or fewer to execute, translated code is not entered; {@link FEW} unless told. */
  readonly few?: number;
}

/** What is translated when. */
export interface Laziness {
  /** Instructions that are interpreted before the text is looked at. */
  readonly interpretedFirst: number;
  /** A function is translated when it has been seen being interpreted so often. */
  readonly hot: number;
  /** Instructions that are interpreted between two looks at what is. */
  readonly stretch: number;
  /** Instructions that are translated at once, about: a function, and what it calls. */
  readonly unit: number;
}

/** A text that this hart can execute. */
interface LoadedText {
  readonly compiled: CompiledText;
  /** Position in memory of its entry points. */
  readonly table: number;
  readonly functions: WebAssembly.Table;
  /** Units that this hart can execute. */
  readonly units: LoadedUnit[];
  /** Version of the address space that the caches are of. */
  mappings: number;
}

interface LoadedUnit {
  readonly run: (hart: number, word: number) => void;
  /** Empties the caches of runs. */
  readonly forget: () => void;
}

const PC = HART.registers >> 2;
const NEXT_PC = HART.nextPc >> 2;
const TRAP_VALUE = HART.trapValue >> 2;
const HAS_RESERVATION = HART.hasReservation >> 2;
const ECALL_BYTES = 4;
const TOP = 2 ** 32 - 1;
const RETIRED = HART.retired >> 2;
const GRANTED = AREA.granted >> 2;
const REMAINING = HART.remaining >> 2;
/** With less than that, entering translated code is not worth it. */
const FEW = 32;
/**
 * Where nothing is known of the code, this many instructions are interpreted before translated code
 * is looked for again.
 */
const UNKNOWN_STRETCH = 16;
/** So many of these, until a piece of a large text is worth its translation. */
const STRETCHES_FIRST = 3_000;
/** More than translated code wants to be granted at once: with less, it may refuse to begin. */
const MOST_CHARGED = 2200;
const MOST_RUNS = 64;
/**
 * Shorter ones, which only parts of runs are, would be less than what is checked together
 * (`access-groups.ts`).
 */
const LEAST_RUN = 4096;
/** Instead of an entry: the function there is not translated yet. */
const COLD = -1;

export class Translator {
  readonly #options: TranslatorOptions;
  readonly #words: Int32Array;
  readonly #loaded = new WeakMap<CodeRun, LoadedText | 'untranslated'>();
  readonly #pieces = new Pieces();
  /** How often a piece of a large text has been met that is not translated yet. */
  readonly #stretches = new WeakMap<CodeRun, number>();
  readonly #runs: number;
  readonly #bulk: BulkExecution;
  readonly #few: number;
  #interpretedFirst: number;
  #mappings = -1;
  /** The last text that was looked for: nearly always the next one, too. */
  #recentCode: CodeRun | undefined;
  #recent: LoadedText | undefined;

  constructor(options: TranslatorOptions) {
    const { ram, at } = options;
    this.#options = options;
    this.#bulk = new BulkExecution(options);
    this.#words = new Int32Array(ram.u8.buffer, at, HART_BYTES >> 2);
    this.#few = options.few ?? FEW;
    this.#interpretedFirst = options.laziness.interpretedFirst;
    this.#runs = ram.takeStaging(MOST_RUNS * KNOWN_RUN_BYTES);
    this.#words[AREA.runs >> 2] = this.#runs;
  }

  /** Executes until `remaining` is used up or an instruction traps. @returns a member of `EXIT` */
  run(): number {
    this.#refresh();
    const x = this.#words;
    const { interpreter, laziness } = this.#options;
    for (;;) {
      const remaining = x[REMAINING] as number;
      if (remaining <= this.#few) return interpreter.run();
      if (this.#interpretedFirst > 0) {
        const exit = interpreter.run(this.#interpretedFirst);
        this.#interpretedFirst -= remaining - (x[REMAINING] as number);
        if (exit !== EXIT.limit) return exit;
        continue;
      }
      const text = this.#textAt(this.#nextPc());
      const word = text === undefined ? 0 : this.#entryAt(text);
      if (word === COLD) {
        const exit = interpreter.run(laziness.stretch);
        if (exit !== EXIT.limit) return exit;
        continue;
      }
      if (text !== undefined && word !== 0) {
        this.#enter(text, word);
        if (this.#isAtSystemCall(text)) return this.#systemCall();
        if (x[REMAINING] !== remaining && this.#isUntranslated(text)) continue;
      }
      const isRefused = x[REMAINING] === remaining && remaining < MOST_CHARGED;
      const exit = isRefused ? interpreter.run(MOST_CHARGED) : this.#interpretBlock(text);
      if (exit !== EXIT.limit || (x[REMAINING] as number) <= 0) return exit;
    }
  }

  #isAtSystemCall({ compiled }: LoadedText): boolean {
    const isAllowed = (this.#words[REMAINING] as number) > 0;
    return isAllowed && compiled.translation.text.isSystemCall(this.#nextPc());
  }

  /** What the interpreter does at `ecall`: so many are made that its way there would be seen. */
  #systemCall(): number {
    const x = this.#words;
    const low = x[NEXT_PC] as number;
    x[PC] = low;
    x[PC + 1] = x[NEXT_PC + 1] as number;
    x[NEXT_PC] = (low + ECALL_BYTES) | 0;
    if (low >>> 0 > TOP - ECALL_BYTES) x[NEXT_PC + 1] = ((x[NEXT_PC + 1] as number) + 1) | 0;
    x[TRAP_VALUE] = 0;
    x[TRAP_VALUE + 1] = 0;
    x[HAS_RESERVATION] = 0;
    return EXIT.ecall;
  }

  #enter(text: LoadedText, word: number): void {
    const x = this.#words;
    x[AREA.entryPoints >> 2] = text.table;
    this.#setGranted();
    const unit = this.#unitsOf(text)[0];
    assert(unit !== undefined, 'what is entered has been translated');
    // Each unit's can enter all of them.
    unit.run(this.#options.at, word);
    this.#setRetired();
  }

  /** `granted` from `retired` and `remaining`. */
  #setGranted(): void {
    const x = this.#words;
    const remaining = x[REMAINING] as number;
    const low = ((x[RETIRED] as number) + remaining) | 0;
    x[GRANTED] = low;
    x[GRANTED + 1] = (x[RETIRED + 1] as number) + (low >>> 0 < remaining ? 1 : 0);
  }

  /** `retired` from `granted` and `remaining`, which what is done at once may take below 0. */
  #setRetired(): void {
    const x = this.#words;
    const remaining = x[REMAINING] as number;
    const granted = (x[GRANTED] as number) >>> 0;
    const low = granted - remaining;
    x[RETIRED] = low;
    const carry = low < 0 ? -1 : low > TOP ? 1 : 0;
    x[RETIRED + 1] = (x[GRANTED + 1] as number) + carry;
  }

  /** Executes up to where translated code can perhaps be entered. @returns a member of `EXIT` */
  #interpretBlock(text: LoadedText | undefined): number {
    const { interpreter } = this.#options;
    const length = this.#blockLeft(text);
    if (text === undefined || !this.#isAtDevice(text)) return interpreter.run(length);
    // One by one, to see where else it accesses one.
    for (let left = length; left > 0; left -= 1) {
      if (this.#isAtDevice(text)) this.#noteDeviceAccess(text);
      const exit = interpreter.run(1);
      if (exit !== EXIT.limit || (this.#words[REMAINING] as number) <= 0) return exit;
    }
    return EXIT.limit;
  }

  /** Has a function translated anew that accesses a device often. */
  #noteDeviceAccess({ compiled }: LoadedText): void {
    const { translation } = compiled;
    const due = translation.deviceSites.note(this.#nextPc());
    if (due.length === 0) return;
    const functions = new Set(due.map((pc) => translation.functionAt(pc)));
    this.#options.translations.translateAgain(compiled, functions);
  }

  /** Whether the next instruction accesses a device, and is one that could be served. */
  #isAtDevice({ compiled }: LoadedText): boolean {
    const instruction = compiled.translation.text.at(this.#nextPc());
    if (instruction === undefined || !isServable(instruction)) return false;
    const { rs1, imm } = instruction;
    const base = (HART.registers >> 2) + 2 * (SLOT_OF_X[rs1] as number);
    const high = rs1 === 0 ? 0 : (this.#words[base + 1] as number);
    const low = rs1 === 0 ? 0 : (this.#words[base] as number);
    const vaddr = (high >>> 0) * 2 ** 32 + (low >>> 0) + imm;
    if (!Number.isSafeInteger(vaddr)) return false;
    return this.#options.space.runAt(vaddr)?.device !== undefined;
  }

  /**
   * Called by translated code: accesses a device, and may lower `remaining`.
   * @returns 1 when that has been done
   */
  #accessDevice({ translation }: CompiledText, low: number, high: number): number {
    const instruction = translation.text.at((high >>> 0) * 2 ** 32 + (low >>> 0));
    assert(instruction !== undefined, 'what is translated is in the text');
    this.#setRetired();
    const isDone = this.#options.interpreter.accessDevice(instruction, { low, high });
    this.#setGranted();
    return isDone ? 1 : 0;
  }

  /**
   * Whether a function begins here that has no unit yet: a case of a `switch`, or what is called
   * through a pointer.
   */
  #isUntranslated({ compiled: { translation } }: LoadedText): boolean {
    const word = translation.words[translation.text.halfword(this.#nextPc())] ?? 0;
    return word !== 0 && !translation.isTranslated((word - 1) >>> ENTRY_BITS);
  }

  /**
   * Instructions from here to the end of the block: in between, translated code cannot be entered.
   */
  #blockLeft(text: LoadedText | undefined): number {
    if (text === undefined) return UNKNOWN_STRETCH;
    const { translation } = text.compiled;
    const ahead = translation.ahead[translation.text.halfword(this.#nextPc())] ?? 0;
    return ahead === 0 ? UNKNOWN_STRETCH : ahead;
  }

  /**
   * @returns the word of the table of entry points; 0 where there is none, or `COLD`. What is hot
   * is translated.
   */
  #entryAt({ compiled }: LoadedText): number {
    const { translation, heat } = compiled;
    const pc = this.#nextPc();
    const halfword = translation.text.halfword(pc);
    const word = translation.words[halfword] ?? 0;
    const index = word === 0 ? translation.functionAt(pc) : (word - 1) >>> ENTRY_BITS;
    if (index < 0 || translation.isTranslated(index)) return word;
    const { laziness, translations } = this.#options;
    heat[index] = (heat[index] as number) + 1;
    if ((heat[index] as number) < laziness.hot) return COLD;
    translations.translate(compiled, index, laziness.unit);
    return translation.words[halfword] ?? 0;
  }

  /**
   * A hart's units of a text, those among them that other harts have had translated; their caches
   * are of the present mappings.
   */
  #unitsOf(text: LoadedText): readonly LoadedUnit[] {
    const { units, compiled } = text;
    if (text.mappings !== this.#mappings) {
      text.mappings = this.#mappings;
      for (const { forget } of units) forget();
    }
    while (units.length < compiled.units.length) {
      const unit = this.#instantiate(text, compiled.units[units.length] as CompiledUnit);
      unit.forget();
      units.push(unit);
    }
    return units;
  }

  #nextPc(): number {
    const low = this.#words[NEXT_PC] as number;
    const high = this.#words[NEXT_PC + 1] as number;
    return (high >>> 0) * 2 ** 32 + (low >>> 0);
  }

  #textAt(pc: number): LoadedText | undefined {
    const { space } = this.#options;
    if (!Number.isSafeInteger(pc)) return undefined;
    const code = space.codeAt(pc);
    if (code === undefined) return undefined;
    if (code === this.#recentCode) return this.#recent;
    const piece = this.#pieces.at(code, pc);
    const known = this.#loaded.get(piece);
    if (known === 'untranslated' || (known === undefined && piece !== code && !this.#warms(piece)))
      return undefined;
    const loaded = known ?? this.#load(piece, code);
    if (loaded === 'untranslated') return undefined;
    if (piece === code) {
      this.#recentCode = code;
      this.#recent = loaded;
    }
    return loaded;
  }

  /** @returns whether a piece of a large text has been executed often enough to be translated */
  #warms(piece: CodeRun): boolean {
    const stretches = (this.#stretches.get(piece) ?? 0) + 1;
    this.#stretches.set(piece, stretches);
    return stretches > STRETCHES_FIRST;
  }

  /** @param whole the text that it is a piece of */
  #load(code: CodeRun, whole: CodeRun): LoadedText | 'untranslated' {
    const { ram, translations, functionStarts, bulk = [] } = this.#options;
    const starts = functionStarts?.(code.vaddr) ?? [];
    const compiled = translations.of(code, starts, bulkEntries(whole, bulk));
    const table = compiled === undefined ? undefined : translations.tableIn(ram, compiled);
    if (compiled === undefined || table === undefined) {
      this.#loaded.set(code, 'untranslated');
      return 'untranslated';
    }
    const functions = new WebAssembly.Table({
      element: 'anyfunc',
      initial: compiled.translation.size,
    });
    const loaded = { compiled, table, functions, units: [], mappings: -1 };
    this.#loaded.set(code, loaded);
    return loaded;
  }

  /**
   * Also makes its entry points known to the harts of this RAM: they all look for new units before
   * they enter one.
   */
  #instantiate({ compiled, table, functions }: LoadedText, unit: CompiledUnit): LoadedUnit {
    const { ram } = this.#options;
    const { exports } = new WebAssembly.Instance(unit.module, {
      [HOST_MODULE]: {
        memory: ram.memory,
        [TABLE_IMPORT]: functions,
        [NOW_IMPORT]: () => this.#options.space.outside.nowNs(),
        [FIND_IMPORT]: (_hart: number, low: number, high: number) => this.#find(low, high),
        [DEVICE_IMPORT]: (_hart: number, low: number, high: number) =>
          this.#accessDevice(compiled, low, high),
        [BULK_IMPORT]: (_hart: number, index: number) => this.#doAtOnce(index),
      },
    });
    compiled.translation.publish(unit.functions, ram.i32, table >>> 2);
    return {
      run: exports['run'] as LoadedUnit['run'],
      forget: exports['forget'] as LoadedUnit['forget'],
    };
  }

  /** Forgets what changed mappings have made void. */
  #refresh(): void {
    const { space } = this.#options;
    space.refresh();
    if (space.version === this.#mappings) return;
    this.#mappings = space.version;
    this.#words[AREA.runCount >> 2] = 0;
  }

  /** Called by translated code. @returns 1 when the function has been done */
  #doAtOnce(index: number): number {
    const charge = this.#bulk.execute(BULK_NAMES[index] as BulkName);
    this.#words[REMAINING] = (this.#words[REMAINING] as number) - charge;
    return charge === 0 ? 0 : 1;
  }

  /**
   * Called by translated code: makes a run known to it.
   * @returns 1 when there is one that it did not know
   */
  #find(low: number, high: number): number {
    const { space } = this.#options;
    const vaddr = (high >>> 0) * 2 ** 32 + (low >>> 0);
    if (!Number.isSafeInteger(vaddr)) return 0;
    const run = space.runAt(vaddr);
    if (run === undefined || run.at < 0 || !run.isReadable) return 0;
    // Code that may be written is not written here: what changes would not be noticed.
    const written = space.plainRunAt(vaddr, true);
    const toRead = space.unwatchedPart(run, vaddr, 'read');
    const toWrite = written && space.unwatchedPart(written, vaddr, 'write');
    if (toRead === run && toWrite === run) return this.#learn(run, true);
    return this.#learnPart(toRead, run, false) | this.#learnPart(toWrite, run, true);
  }

  /** @param part undefined: none that may be known @returns 1 when it was not known */
  #learnPart(part: Run | undefined, whole: Run, isWritable: boolean): number {
    if (part === undefined || (part !== whole && part.sizeBytes < LEAST_RUN)) return 0;
    return this.#learn(part, isWritable);
  }

  /** @returns 1 when it was not known */
  #learn(run: Run, isWritable: boolean): number {
    const x = this.#words;
    const count = x[AREA.runCount >> 2] as number;
    for (let index = 0; index < count; index += 1) {
      if (this.#isKnownAs(index, run.vaddr, isWritable)) return 0;
    }
    // All are found again when there are more than there is room for.
    const index = count < MOST_RUNS ? count : 0;
    const { view } = this.#options.ram;
    const at = this.#runs + index * KNOWN_RUN_BYTES;
    view.setUint32(at + KNOWN_RUN.first, run.vaddr, true);
    view.setUint32(at + KNOWN_RUN.first + 4, Math.floor(run.vaddr / 2 ** 32), true);
    view.setUint32(at + KNOWN_RUN.limit, run.sizeBytes - LIMIT_SHORTFALL, true);
    view.setUint32(at + KNOWN_RUN.limit + 4, 0, true);
    view.setInt32(at + KNOWN_RUN.delta, (run.at - run.vaddr) | 0, true);
    view.setInt32(at + KNOWN_RUN.isWritable, isWritable ? 1 : 0, true);
    x[AREA.runCount >> 2] = index + 1;
    return 1;
  }

  #isKnownAs(index: number, vaddr: number, isWritable: boolean): boolean {
    const { view } = this.#options.ram;
    const at = this.#runs + index * KNOWN_RUN_BYTES;
    const first = at + KNOWN_RUN.first;
    const known = view.getUint32(first + 4, true) * 2 ** 32 + view.getUint32(first, true);
    const isKnownWritable = view.getInt32(at + KNOWN_RUN.isWritable, true) === 1;
    return known === vaddr && isKnownWritable === isWritable;
  }
}
