/**
 * The objects that all JavaScript of a process shares (`Map.prototype`, `JSON` …), while programs
 * of a user's run: what one of them changed, every other domain and the testbed would use.
 *
 * A change is found afterwards. On request (`--harden`) their properties are made constant before,
 * which costs a fifth of the speed of a data path. The objects stay extensible: freezing
 * `Object.prototype` or a typed array's prototype makes every access to an element slow (V8 gives
 * up what it knows about elements), and so does `lockdown` of `ses`, which does the same. What is
 * added is found afterwards, too.
 */

/** An object that is shared, and how a person calls it. */
interface Shared {
  readonly name: string;
  readonly object: object;
}

/** What a program has done to what all share. */
export interface Change {
  /** Such as `Map.prototype.get`. */
  readonly what: string;
  readonly how: 'added' | 'replaced' | 'removed';
}

const NAMES = [
  ...['Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'Date'],
  ...['RegExp', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'Promise', 'Error', 'TypeError'],
  ...['RangeError', 'SyntaxError', 'ReferenceError', 'EvalError', 'URIError', 'AggregateError'],
  ...['ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Int8Array', 'Uint8Array', 'Int16Array'],
  ...['Uint8ClampedArray', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float32Array'],
  ...['Float64Array', 'BigInt64Array', 'BigUint64Array', 'Proxy', 'JSON', 'Math', 'Reflect'],
  ...['Atomics', 'WebAssembly'],
] as const;

/** Programs set these on objects of their own: an assignment there must go on working. */
const OVERRIDDEN = ['Object.prototype', 'Function.prototype', 'Error.prototype'];

/** A shared object as it was. */
interface Remembered extends Shared {
  /** Its properties, without a prototype: keys are all that is in it. */
  readonly properties: Readonly<Record<PropertyKey, PropertyDescriptor>>;
}

/**
 * What looks for changes goes by these, and by syntax alone (no iterators, no methods): a program
 * may have replaced just what would have found it.
 */
const { defineProperty, deleteProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
const isSame = Object.is;

export class Intrinsics {
  readonly #shared: readonly Shared[] = sharedObjects();
  readonly #before: readonly Remembered[];

  /** Remembers them as they are now. */
  constructor() {
    const globals = { name: GLOBALS, object: globalThis, properties: globalsNow() };
    const properties = this.#shared.map((each) => ({ ...each, properties: recordOf(each.object) }));
    this.#before = [...properties, globals];
  }

  /** @returns what has been done to them since; undefined when they are as they were */
  change(): Change | undefined {
    for (let at = 0; at < this.#before.length; at += 1) {
      const each = this.#before[at];
      const change = each === undefined ? undefined : changeOf(each);
      if (change !== undefined) return change;
    }
    return undefined;
  }

  /** Makes them what they were, as far as that can be: whoever says what was changed needs them. */
  restore(): void {
    for (let at = 0; at < this.#before.length; at += 1) {
      const each = this.#before[at];
      if (each !== undefined) restore(each);
    }
  }

  /**
   * From now on nothing of them can be replaced: to try is an error, where it is tried. For good,
   * so only in a process that runs one system and ends.
   */
  hold(): Intrinsics {
    for (const { name, object } of this.#shared) holdProperties(name, object);
    for (const name of NAMES) constant(globalThis, name);
    return new Intrinsics();
  }
}

function sharedObjects(): readonly Shared[] {
  const globals = NAMES.flatMap((name) => {
    const object: unknown = Reflect.get(globalThis, name);
    return isObject(object) ? [{ name, object }] : [];
  });
  const prototypes = globals.flatMap(({ name, object }) => {
    const prototype: unknown = Reflect.get(object, 'prototype');
    return isObject(prototype) ? [{ name: `${name}.prototype`, object: prototype }] : [];
  });
  return [...globals, ...prototypes, ...hidden()];
}

/** Those that have no name of their own: syntax reaches them. */
function hidden(): readonly Shared[] {
  const above = (object: object): object => Reflect.getPrototypeOf(object) ?? Object.prototype;
  const typedArray = above(Int8Array);
  const ofArrays = above([][Symbol.iterator]());
  const generator = above(above((function* () {})()));
  return [
    { name: 'TypedArray', object: typedArray },
    { name: 'TypedArray.prototype', object: above(Int8Array.prototype) },
    { name: 'the iterator of arrays', object: ofArrays },
    { name: 'the iterator of maps', object: above(new Map()[Symbol.iterator]()) },
    { name: 'the iterator of sets', object: above(new Set()[Symbol.iterator]()) },
    { name: 'iterators', object: above(ofArrays) },
    { name: 'generators', object: generator },
  ];
}

const GLOBALS = 'globalThis';

/** Of the global object these alone: programs may have others for themselves. */
function globalsNow(): Remembered['properties'] {
  const record = emptyRecord();
  for (const name of NAMES) {
    const descriptor = getOwnPropertyDescriptor(globalThis, name);
    if (descriptor !== undefined) record[name] = descriptor;
  }
  return record;
}

function recordOf(object: object): Remembered['properties'] {
  const record = emptyRecord();
  for (const [key, descriptor] of propertiesOf(object)) record[key] = descriptor;
  return record;
}

function emptyRecord(): Record<PropertyKey, PropertyDescriptor> {
  const record: unknown = Object.create(null);
  return record as Record<PropertyKey, PropertyDescriptor>;
}

function changeOf({ name, object, properties }: Remembered): Change | undefined {
  const known = ownKeys(properties);
  for (let at = 0; at < known.length; at += 1) {
    const key = known[at] as PropertyKey;
    const now = getOwnPropertyDescriptor(object, key);
    if (now === undefined) return { what: `${name}${shownKey(key)}`, how: 'removed' };
    if (isOther(properties[key], now)) return { what: `${name}${shownKey(key)}`, how: 'replaced' };
  }
  const added = addedTo({ name, object, properties });
  return added === undefined ? undefined : { what: `${name}${shownKey(added)}`, how: 'added' };
}

/** @returns the first property that was not there */
function addedTo({ name, object, properties }: Remembered): PropertyKey | undefined {
  if (name === GLOBALS) return undefined;
  const keys = ownKeys(object);
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at];
    if (key !== undefined && properties[key] === undefined) return key;
  }
  return undefined;
}

function restore(remembered: Remembered): void {
  const { object, properties } = remembered;
  const known = ownKeys(properties);
  for (let at = 0; at < known.length; at += 1) {
    const key = known[at] as PropertyKey;
    const before = properties[key];
    if (before === undefined || !isOther(before, getOwnPropertyDescriptor(object, key))) continue;
    defineProperty(object, key, before);
  }
  for (let key = addedTo(remembered); key !== undefined; key = addedTo(remembered)) {
    if (!deleteProperty(object, key)) return; // it was made constant
  }
}

function propertiesOf(object: object): ReadonlyMap<PropertyKey, PropertyDescriptor> {
  const properties = new Map<PropertyKey, PropertyDescriptor>();
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
    if (descriptor !== undefined) properties.set(key, descriptor);
  }
  return properties;
}

function isOther(
  before: PropertyDescriptor | undefined,
  now: PropertyDescriptor | undefined,
): boolean {
  return (
    before === undefined ||
    now === undefined ||
    !isSame(before.value, now.value) ||
    before.get !== now.get ||
    before.set !== now.set
  );
}

function holdProperties(name: string, object: object): void {
  const isOverridden = OVERRIDDEN.includes(name) || name.endsWith('Error.prototype');
  for (const [key, { configurable, writable }] of propertiesOf(object)) {
    if (configurable !== true) continue;
    if (isOverridden && writable === true) overridable(object, key);
    else constant(object, key);
  }
}

function constant(object: object, key: PropertyKey): void {
  const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
  if (descriptor?.configurable !== true) return;
  const isValue = 'value' in descriptor;
  const held = isValue ? { writable: false, configurable: false } : { configurable: false };
  Reflect.defineProperty(object, key, held);
}

/**
 * Constant here, and yet to be set on whatever inherits it: an assignment to an object whose
 * prototype has a constant of that name would be an error.
 */
function overridable(object: object, key: PropertyKey): void {
  const value: unknown = Reflect.get(object, key);
  Reflect.defineProperty(object, key, {
    configurable: false,
    get: () => value,
    set(this: object, own: unknown) {
      if (this === object) throw new TypeError(`${String(key)} is shared by all programs`);
      const all = { value: own, writable: true, enumerable: true, configurable: true };
      Reflect.defineProperty(this, key, all);
    },
  });
}

function shownKey(key: PropertyKey): string {
  return typeof key === 'symbol' ? `[${key.description ?? 'symbol'}]` : `.${String(key)}`;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
