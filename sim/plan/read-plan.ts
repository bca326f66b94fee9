/**
 * Reads fault plans: JSON, with comments allowed, checked against the points of a system. Whatever
 * is wrong is said with file, line and column, all of it at once.
 */

import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { didYouMean } from '../../microkit/read/spelling.ts';
import { type FaultKind, faultNamed, type PointKind } from '../points/point.ts';
import { readDurationNs } from './duration.ts';
import { tooDeepAt } from './nesting.ts';
import type { Amount, Extent, Plan, Rule, When } from './plan.ts';
import { PLAN_SCHEMA } from './plan.ts';

/** Larger files are refused unread: a plan is written by a person, or shrunk by a program. */
export const PLAN_BYTES_MAX = 1_048_576;
const RULES_MAX = 10_000;
const INCLUDES_MAX = 32;
/** Characters that are said of what should be a name. */
const NO_NAME_SHOWN = 40;
const PROBLEMS_MAX = 20;

/** Fields of "when", and what they are called in a plan that has been read. */
const CONDITIONS: Readonly<Record<string, keyof When>> = {
  time: 'timeNs',
  nth: 'nth',
  every: 'every',
  probability: 'probability',
  state: 'state',
  from: 'fromNs',
  until: 'untilNs',
};

export interface PlanSource {
  /** Name of the file, or another name of where it is from. */
  readonly name: string;
  readonly text: string;
  /** Where in it the plan stands, when it is a part of a larger file. */
  readonly under?: readonly string[];
}

export interface PlanReading {
  readonly points: readonly PointKind[];
  /** Finds what a plan includes. @returns why it cannot be read, as a text */
  include(from: string, reference: string): PlanSource | string;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: Plan }
  /** One line each. */
  | { readonly ok: false; readonly problems: readonly string[] };

export function readPlan(source: PlanSource, reading: PlanReading): PlanResult {
  const reader = new PlanReader(reading);
  const rules = reader.read(source, []);
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems };
  return { ok: true, plan: { name: source.name, rules } };
}

class PlanReader {
  readonly problems: string[] = [];
  readonly #reading: PlanReading;
  #includes = 0;
  #rules = 0;

  constructor(reading: PlanReading) {
    this.#reading = reading;
  }

  /** @param path the files that include this one, outermost first */
  read(source: PlanSource, path: readonly string[]): readonly Rule[] {
    // Of a larger file its own reader says how long it may be.
    if (source.under === undefined && source.text.length > PLAN_BYTES_MAX) {
      this.problems.push(`${source.name}: is larger than 1 MiB, which no plan needs`);
      return [];
    }
    const place = new Place(source);
    const tooDeep = tooDeepAt(source.text);
    if (tooDeep !== undefined) {
      this.#say(place.at(tooDeep), 'is nested more deeply than any plan');
      return [];
    }
    const errors: ParseError[] = [];
    const whole = parseTree(source.text, errors, { allowTrailingComma: true });
    // The first mistake alone: what the parser says behind it is mostly its consequence.
    const [mistake] = errors;
    if (mistake !== undefined) {
      const what = inWords(printParseErrorCode(mistake.error));
      this.#say(place.at(mistake.offset), `no JSON: ${what}`);
    }
    if (whole === undefined || mistake !== undefined) return [];
    const root = findNodeAtLocation(whole, [...(source.under ?? [])]);
    if (root === undefined) {
      this.#say(place.of(whole), 'has no plan');
      return [];
    }
    const top = this.#fields(root, place, 'a plan', ['schema', 'name', 'include', 'rules']);
    const schema = top.get('schema');
    if (schema === undefined || getNodeValue(schema) !== PLAN_SCHEMA) {
      this.#say(place.of(schema ?? root), `"schema" is ${PLAN_SCHEMA} in plans of this version`);
    }
    const included = this.#included(top.get('include'), place, [...path, source.name]);
    const own = this.#items(top.get('rules'), place, '"rules"').map((node) =>
      this.#rule(node, place),
    );
    return [...included, ...own.filter((rule) => rule !== undefined)];
  }

  #included(node: Node | undefined, place: Place, path: readonly string[]): readonly Rule[] {
    return this.#items(node, place, '"include"').flatMap((item) => {
      const reference: unknown = getNodeValue(item);
      if (typeof reference !== 'string') {
        this.#say(place.of(item), '"include" is a list of file names and of "preset:NAME"');
        return [];
      }
      this.#includes += 1;
      if (this.#includes > INCLUDES_MAX) {
        this.#say(place.of(item), `more than ${INCLUDES_MAX} files are included`);
        return [];
      }
      const found = this.#reading.include(place.source.name, reference);
      if (typeof found === 'string') {
        this.#say(place.of(item), found);
        return [];
      }
      if (path.includes(found.name)) {
        this.#say(place.of(item), `includes itself: ${[...path, found.name].join(' → ')}`);
        return [];
      }
      return this.read(found, path);
    });
  }

  #rule(node: Node, place: Place): Rule | undefined {
    const names = ['at', 'fault', 'when', 'for', 'parameters', 'optional', 'comment'];
    const fields = this.#fields(node, place, 'a rule', names);
    this.#rules += 1;
    if (this.#rules === RULES_MAX + 1) this.#say(place.of(node), `more than ${RULES_MAX} rules`);
    const point = this.#point(fields.get('at') ?? node, fields.has('at'), place);
    if (point === undefined) return undefined;
    const kind = this.#fault(point, fields.get('fault') ?? node, fields.has('fault'), place);
    if (kind === undefined) return undefined;
    const when = this.#when(fields.get('when'), place, point);
    if (kind.trigger === 'moment') this.#checkMoment(when, place.of(fields.get('when') ?? node));
    return {
      at: point.name,
      fault: kind.name,
      when,
      for: this.#extent(fields.get('for'), place),
      parameters: this.#parameters(fields.get('parameters'), place, kind),
      optional: this.#optional(fields.get('optional'), place),
    };
  }

  #checkMoment(when: When, where: string): void {
    const { nth, every, probability } = when;
    if (nth !== undefined || every !== undefined || probability !== undefined) {
      this.#say(where, 'nothing passes there that could be counted: this fault takes "time" alone');
    }
  }

  #point(node: Node, isThere: boolean, place: Place): PointKind | undefined {
    const name = isThere ? nameIn(node) : '';
    const found = this.#reading.points.find((each) => each.name === name);
    if (found !== undefined) return found;
    const names = this.#reading.points.map((each) => each.name);
    const what = isThere ? `no point '${name}' in this system` : 'a rule has no "at"';
    this.#say(place.of(node), `${what}; ${advice(name, names)}`);
    return undefined;
  }

  #fault(point: PointKind, node: Node, isThere: boolean, place: Place): FaultKind | undefined {
    const name = isThere ? nameIn(node) : '';
    const found = faultNamed(point, name);
    if (found !== undefined) return found;
    const names = point.faults.map((each) => each.name);
    const what = isThere ? `${point.name} has no fault '${name}'` : 'a rule has no "fault"';
    this.#say(place.of(node), `${what}; ${advice(name, names)}`);
    return undefined;
  }

  #when(node: Node | undefined, place: Place, point: PointKind): When {
    if (node === undefined) return {};
    const when: Record<string, unknown> = {};
    for (const [name, value] of this.#fields(node, place, '"when"', Object.keys(CONDITIONS))) {
      const read = this.#condition(name, value, place, point);
      if (read !== undefined) when[CONDITIONS[name] ?? name] = read;
    }
    return when as When;
  }

  #condition(name: string, node: Node, place: Place, point: PointKind): unknown {
    switch (name) {
      case 'nth':
        return this.#ordinals(node, place);
      case 'every':
        return this.#number(node, place, '"every"', { min: 1, max: 1e9, whole: true });
      case 'probability':
        return this.#number(node, place, '"probability"', { min: 0, max: 1, whole: false });
      case 'state':
        return this.#state(node, place, point);
      default:
        return this.#duration(node, place, `"${name}"`);
    }
  }

  #state(node: Node, place: Place, point: PointKind): string | undefined {
    const value = nameIn(node);
    if (point.states.includes(value)) return value;
    this.#say(
      place.of(node),
      point.states.length === 0
        ? `${point.name} has no states`
        : `${point.name} has no state '${value}'; ${advice(value, point.states)}`,
    );
    return undefined;
  }

  #ordinals(node: Node, place: Place): readonly number[] {
    const nodes = node.type === 'array' ? (node.children ?? []) : [node];
    return nodes.flatMap((each) => {
      const value = this.#number(each, place, '"nth"', { min: 1, max: 1e9, whole: true });
      return value === undefined ? [] : [value];
    });
  }

  #extent(node: Node | undefined, place: Place): Extent {
    if (node === undefined) return {};
    if (node.type !== 'object') {
      const durationNs = this.#duration(node, place, '"for"');
      return durationNs === undefined ? {} : { durationNs };
    }
    const fields = this.#fields(node, place, '"for"', ['times', 'duration']);
    const times = fields.get('times');
    const duration = fields.get('duration');
    const count = times && this.#number(times, place, '"times"', { min: 1, max: 1e9, whole: true });
    const durationNs = duration && this.#duration(duration, place, '"duration"');
    return {
      ...(count === undefined ? {} : { times: count }),
      ...(durationNs === undefined ? {} : { durationNs }),
    };
  }

  #parameters(node: Node | undefined, place: Place, kind: FaultKind): Rule['parameters'] {
    if (node === undefined) return {};
    const names = Object.keys(kind.parameters);
    const read: Record<string, Amount> = {};
    for (const [name, value] of this.#fields(node, place, `parameters of '${kind.name}'`, names)) {
      const amount = this.#amount(name, value, place, kind);
      if (amount !== undefined) read[name] = amount;
    }
    return read;
  }

  #amount(name: string, node: Node, place: Place, kind: FaultKind): Amount | undefined {
    const bounds = kind.parameters[name];
    if (bounds === undefined) return undefined;
    const { min, max, unit } = bounds;
    const one = (value: Node): number | undefined => {
      if (unit === 'ns' && value.type === 'string') {
        const ns = this.#duration(value, place, `"${name}"`);
        if (ns === undefined || (ns >= min && ns <= max)) return ns;
      }
      return this.#number(value, place, `"${name}"`, { min, max, whole: true });
    };
    if (node.type !== 'object') return one(node);
    const fields = this.#fields(node, place, `"${name}"`, ['min', 'max']);
    const [low, high] = [fields.get('min'), fields.get('max')].map((each) => each && one(each));
    if (low === undefined || high === undefined || low > high) {
      this.#say(place.of(node), `a range has "min" and "max", in this order`);
      return undefined;
    }
    return { min: low, max: high };
  }

  #optional(node: Node | undefined, place: Place): Rule['optional'] {
    const value: unknown = node && getNodeValue(node);
    if (value === undefined || value === false) return 'no';
    if (value !== true) this.#say(place.of(node as Node), '"optional" is true or false');
    return 'yes';
  }

  #duration(node: Node, place: Place, what: string): number | undefined {
    const value: unknown = getNodeValue(node);
    const ns = readDurationNs(value);
    if (ns === undefined) {
      this.#say(place.of(node), `${what} is a time such as "3ms", "250us", or nanoseconds`);
    }
    return ns;
  }

  #number(
    node: Node,
    place: Place,
    what: string,
    bounds: { readonly min: number; readonly max: number; readonly whole: boolean },
  ): number | undefined {
    const value: unknown = getNodeValue(node);
    const isIn = typeof value === 'number' && value >= bounds.min && value <= bounds.max;
    if (isIn && (!bounds.whole || Number.isInteger(value))) return value;
    const kind = bounds.whole ? 'a whole number' : 'a number';
    this.#say(place.of(node), `${what} is ${kind} from ${bounds.min} to ${bounds.max}`);
    return undefined;
  }

  #items(node: Node | undefined, place: Place, what: string): readonly Node[] {
    if (node === undefined) return [];
    if (node.type === 'array') return node.children ?? [];
    this.#say(place.of(node), `${what} is a list`);
    return [];
  }

  /** @returns an object's fields by name; what is no object, and unknown fields, are problems */
  #fields(
    node: Node,
    place: Place,
    what: string,
    known: readonly string[],
  ): ReadonlyMap<string, Node> {
    const fields = new Map<string, Node>();
    if (node.type !== 'object') {
      this.#say(place.of(node), `${what} is an object`);
      return fields;
    }
    for (const property of node.children ?? []) {
      const [key, value] = property.children ?? [];
      if (key === undefined || value === undefined) continue;
      const name = String(getNodeValue(key));
      if (fields.has(name)) this.#say(place.of(key), `"${name}" is there twice`);
      if (known.includes(name)) fields.set(name, value);
      else this.#say(place.of(key), `${what} has no "${name}"; ${advice(name, known)}`);
    }
    return fields;
  }

  #say(where: string, what: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(`${where}: ${what}`);
  }
}

/** 'CloseBracketExpected' as a person would say it. */
function inWords(code: string): string {
  return code.replaceAll(/(?<=[a-z])[A-Z]/g, ' $&').toLowerCase();
}

/**
 * @returns the name that stands there, and of what is no name its beginning as JSON: it is only to
 * be said, and an object of a plan may have a `toString` of its own
 */
function nameIn(node: Node): string {
  const value: unknown = getNodeValue(node);
  return typeof value === 'string' ? value : JSON.stringify(value).slice(0, NO_NAME_SHOWN);
}

/** Where in a file something stands. */
class Place {
  readonly source: PlanSource;

  constructor(source: PlanSource) {
    this.source = source;
  }

  of(node: Node): string {
    return this.at(node.offset);
  }

  at(offset: number): string {
    const before = this.source.text.slice(0, offset);
    const line = before.split('\n').length;
    return `${this.source.name}:${line}:${offset - before.lastIndexOf('\n')}`;
  }
}

function advice(name: string, known: readonly string[]): string {
  const near = didYouMean(name, known);
  if (near !== undefined) return near;
  return known.length === 0 ? 'there are none' : `there is ${known.join(', ')}`;
}
