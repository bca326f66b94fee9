/**
 * The objects that all JavaScript of a process shares (`Map.prototype`, `JSON` …), while programs
 * of a user's run: what one of them changed, every other domain and the testbed would use.
 *
 * A change is found afterwards. On request (`--harden`) their properties are made constant before,
 * which costs a fifth to a third of a data path's speed. The objects stay extensible: freezing
 * `Object.prototype` or a typed array's prototype makes every access to an element slow (V8 gives
 * up what it knows about elements), and so does `lockdown` of `ses`, which does the same. What is
 * added is found afterwards, too. Of what Node adds to the language (`process`, `console`, timers),
 * changes are found, and nothing is made constant.
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

/** What Node adds to the language, and the testbed goes by. */
const HOST_NAMES = [
  ...['process', 'console', 'performance', 'Buffer', 'URL', 'TextEncoder', 'TextDecoder'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'structuredClone'],
  ...['clearTimeout', 'clearInterval', 'clearImmediate', 'AbortController', 'Event', 'EventTarget'],
];
/** Of these objects of Node's, the methods alone: their other properties change by themselves. */
const PROCESS_METHODS = [
  ...['emit', 'on', 'once', 'off', 'addListener', 'removeListener', 'removeAllListeners', 'cwd'],
  ...['exit', 'reallyExit', 'abort', 'kill', 'chdir', 'nextTick', 'hrtime', '_fatalException'],
  ...['_tickCallback', 'emitWarning', 'stdout', 'stderr', 'env', 'argv', 'listeners'],
];
const STREAM_METHODS = ['write', 'end', 'destroy', 'emit', 'on', 'once', '_write', '_writev'];
const CONSOLE_METHODS = ['log', 'error', 'warn', 'info', 'debug', 'trace'];

/** Programs set these on objects of their own: an assignment there must go on working. */
const OVERRIDDEN = ['Object.prototype', 'Function.prototype', 'Error.prototype'];

/** A shared object as it was. */
interface Remembered extends Shared {
  /**
   * Its properties, without a prototype: keys are all that is in it. Undefined is one that it did
   * not have.
   */
  readonly properties: Readonly<Record<PropertyKey, PropertyDescriptor | undefined>>;
  /** Whether another property is a change, too. */
  readonly isWhole: boolean;
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
    const whole = [...this.#shared, ...hostPrototypes()].map(rememberedWhole);
    this.#before = [...whole, ...hostObjects()];
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

/** Those above the streams that the command writes to: whatever listens and is listened to. */
function hostPrototypes(): readonly Shared[] {
  const found: Shared[] = [{ name: 'Buffer.prototype', object: Buffer.prototype }];
  for (const stream of [process.stdout, process.stderr]) {
    let object = Reflect.getPrototypeOf(stream);
    while (object !== null && object !== Object.prototype) {
      const name = `${object.constructor.name}.prototype`;
      if (!found.some((each) => each.object === object)) found.push({ name, object });
      object = Reflect.getPrototypeOf(object);
    }
  }
  return found;
}

/** Of the global object the known names alone: programs may have others for themselves. */
function hostObjects(): readonly Remembered[] {
  const globals = { name: 'globalThis', object: globalThis };
  const { stdout, stderr } = process;
  return [
    rememberedInPart(globals, [...NAMES, ...HOST_NAMES]),
    rememberedInPart({ name: 'process', object: process }, PROCESS_METHODS),
    rememberedInPart({ name: 'process.stdout', object: stdout }, STREAM_METHODS),
    rememberedInPart({ name: 'process.stderr', object: stderr }, STREAM_METHODS),
    rememberedInPart({ name: 'console', object: console }, CONSOLE_METHODS),
  ];
}

function rememberedWhole(shared: Shared): Remembered {
  const properties = emptyRecord();
  for (const [key, descriptor] of propertiesOf(shared.object)) properties[key] = descriptor;
  return { ...shared, properties, isWhole: true };
}

function rememberedInPart(shared: Shared, keys: readonly string[]): Remembered {
  const properties = emptyRecord();
  for (const key of keys) {
    Reflect.get(shared.object, key); // Node makes some of them when they are first asked for
    properties[key] = getOwnPropertyDescriptor(shared.object, key);
  }
  return { ...shared, properties, isWhole: false };
}

function emptyRecord(): Record<PropertyKey, PropertyDescriptor | undefined> {
  const record: unknown = Object.create(null);
  return record as Record<PropertyKey, PropertyDescriptor | undefined>;
}

function changeOf(remembered: Remembered): Change | undefined {
  const { name, object, properties } = remembered;
  const known = ownKeys(properties);
  for (let at = 0; at < known.length; at += 1) {
    const key = known[at] as PropertyKey;
    const before = properties[key];
    const now = getOwnPropertyDescriptor(object, key);
    const what = `${name}${shownKey(key)}`;
    if (now === undefined && before !== undefined) return { what, how: 'removed' };
    if (isOther(before, now)) return { what, how: 'replaced' };
  }
  const added = addedTo(remembered);
  return added === undefined ? undefined : { what: `${name}${shownKey(added)}`, how: 'added' };
}

/** @returns the first property that was not there */
function addedTo({ object, properties, isWhole }: Remembered): PropertyKey | undefined {
  if (!isWhole) return undefined;
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
    if (!isOther(before, getOwnPropertyDescriptor(object, key))) continue;
    if (before === undefined) deleteProperty(object, key);
    else defineProperty(object, key, before);
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
  if (before === undefined || now === undefined) return before !== now;
  return !isSame(before.value, now.value) || before.get !== now.get || before.set !== now.set;
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
