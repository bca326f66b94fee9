/**
 * Options that are declared once: how one is written, what help says, how its text is read, what
 * completion offers. They stand in tables, and the key of an option in its table is the name of its
 * value.
 *
 *     const OPTIONS = {
 *       forNs: text({ flags: '--for <duration>', help: 'ends after this long', parse: parseDuration }),
 *       output: flag({ flags: '--json', help: 'prints JSON', words: ['text', 'json'] }),
 *     };
 *     addOptions(command, OPTIONS);
 *     const { forNs, output } = readOptions(OPTIONS, raw); // number | undefined, 'text' | 'json'
 */

import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { parseChoice } from './quantities.ts';

/**
 * What commander has read: texts, lists of texts, `true` for flags; nothing for what was not given.
 */
export type RawOptions = Readonly<Record<string, unknown>>;

/**
 * What a shell offers for a value, besides what the placeholder says: files for `<file>`, folders
 * for `<dir>`.
 */
export interface Completes {
  /** Those that end in `=`, `,` or `:` go on; `NAME=@files` goes on with a file. */
  readonly words?: readonly string[];
  /** `choices`: what `--set` takes for the system on the line. */
  readonly others?: 'files' | 'choices';
}

/**
 * One option. `Value` is what its text comes to; with `undefined` among it when the option may be
 * left out.
 */
export interface Declared<Value> {
  readonly flags: string;
  readonly help: string;
  readonly takes: 'nothing' | 'the last text' | 'one text' | 'texts';
  readonly completes: Completes;
  /** @throws UserMistake */
  readonly read: (given: unknown) => Value;
}

export type OptionTable = Readonly<Record<string, Declared<unknown>>>;

type ValueOf<Option_> = Option_ extends Declared<infer Value> ? Value : never;

/**
 * The values of a table's options. One that was not given and has no standard value is not there.
 */
export type OptionValues<Table extends OptionTable> = {
  readonly [Key in keyof Table as undefined extends ValueOf<Table[Key]> ? never : Key]: ValueOf<
    Table[Key]
  >;
} & {
  readonly [Key in keyof Table as undefined extends ValueOf<Table[Key]> ? Key : never]?: Exclude<
    ValueOf<Table[Key]>,
    undefined
  >;
};

interface Written {
  /** As commander takes them, such as `--for <duration>`. */
  readonly flags: string;
  readonly help: string;
}

/** Reads a text. @param option how messages name the option, such as `--for` @throws UserMistake */
type Parse<Value> = (text: string, option: string) => Value;

interface TextOption<Value> extends Written {
  readonly parse: Parse<Value>;
  readonly completes?: Completes;
  /** Given twice, it is refused; else the last one counts. */
  readonly twice?: 'refused';
}

/**
 * An option with a text that is given once at most.
 * @param declared with `standard`, the text when it is left out
 */
export function text<Value>(declared: TextOption<Value> & { standard: string }): Declared<Value>;
export function text<Value>(declared: TextOption<Value>): Declared<Value | undefined>;
export function text<Value>(
  declared: TextOption<Value> & { standard?: string },
): Declared<Value | undefined> {
  const { flags, parse, standard, completes = {}, twice } = declared;
  const name = longName(flags);
  return {
    flags,
    help: withStandard(declared.help, standard),
    takes: twice === 'refused' ? 'one text' : 'the last text',
    completes,
    read: (given) => {
      const meant = typeof given === 'string' ? given : standard;
      return meant === undefined ? undefined : parse(meant, name);
    },
  };
}

interface ChoiceOption<Words extends readonly string[]> extends Written {
  readonly words: Words;
}

/** An option that takes one of several words. */
export function choice<const Words extends readonly string[]>(
  declared: ChoiceOption<Words> & { standard: Words[number] },
): Declared<Words[number]>;
export function choice<const Words extends readonly string[]>(
  declared: ChoiceOption<Words>,
): Declared<Words[number] | undefined>;
export function choice<const Words extends readonly string[]>(
  declared: ChoiceOption<Words> & { standard?: Words[number] },
): Declared<Words[number] | undefined> {
  const { words } = declared;
  const parse = (given: string, option: string): Words[number] => parseChoice(given, option, words);
  return text({ ...declared, parse, completes: { words } });
}

/** An option that may be repeated. */
export function texts<Value>(declared: TextOption<Value>): Declared<readonly Value[]> {
  const { flags, help, parse, completes = {} } = declared;
  const name = longName(flags);
  return {
    flags,
    help,
    takes: 'texts',
    completes,
    read: (given) => (Array.isArray(given) ? given.map((each) => parse(String(each), name)) : []),
  };
}

/**
 * An option without a value.
 * @param declared its `words` are what it comes to when it is left out, and given
 */
export function flag<const Absent, const Given>(
  declared: Written & { readonly words: readonly [Absent, Given] },
): Declared<Absent | Given> {
  const { flags, help, words } = declared;
  const read = (given: unknown): Absent | Given => (given === true ? words[1] : words[0]);
  return { flags, help, takes: 'nothing', completes: {}, read };
}

/** For `text` and `texts`: the text as it is. */
export function asWritten(given: string): string {
  return given;
}

/** A commander option that knows what a shell may offer for its value. */
export class DeclaredOption extends Option {
  readonly completes: Completes;

  constructor({ flags, help, takes, completes }: Declared<unknown>) {
    super(flags, help);
    this.completes = completes;
    if (takes === 'texts') this.argParser(collect);
    if (takes === 'one text') this.argParser((value, before) => once(this.long, value, before));
  }
}

/** A commander argument that knows what a shell may offer for it. */
export class DeclaredArgument extends Argument {
  readonly completes: Completes;

  constructor(written: string, help: string, completes: Completes) {
    super(written, help);
    this.completes = completes;
  }
}

export interface HowShown {
  /** The heading that help shows the options under. */
  readonly heading?: string;
  /** 'no': another command's help tells about them. */
  readonly inHelp?: 'yes' | 'no';
  /** 'yes': the command cannot do without them. */
  readonly needed?: 'yes' | 'no';
}

/** Gives the options to a command; their values are {@link readOptions}' business. */
export function addOptions(command: Command, table: OptionTable, shown: HowShown = {}): void {
  for (const declared of Object.values(table)) {
    const option = new DeclaredOption(declared);
    if (shown.heading !== undefined) option.helpGroup(shown.heading);
    if (shown.inHelp === 'no') option.hideHelp();
    if (shown.needed === 'yes') option.makeOptionMandatory();
    command.addOption(option);
  }
}

/** @throws UserMistake */
export function readOptions<Table extends OptionTable>(
  table: Table,
  raw: RawOptions,
): OptionValues<Table> {
  const values: Record<string, unknown> = {};
  for (const [key, declared] of Object.entries(table)) {
    const value = declared.read(raw[new Option(declared.flags).attributeName()]);
    if (value !== undefined) values[key] = value;
  }
  return values as OptionValues<Table>;
}

function longName(flags: string): string {
  return new Option(flags).long ?? flags;
}

function withStandard(help: string, standard: string | undefined): string {
  return standard === undefined ? help : `${help} (default: ${standard})`;
}

function collect(value: string, before: unknown): readonly string[] {
  return Array.isArray(before) ? [...before.map(String), value] : [value];
}

function once(name: string | undefined, value: string, before: unknown): string {
  if (before !== undefined) throw new InvalidArgumentError(`${name ?? ''} is given twice`);
  return value;
}
