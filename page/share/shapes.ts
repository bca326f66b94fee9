/**
 * Shapes of plain data that comes from outside, held against the types that it is to have: a field
 * of the type that no shape has is an error of the compiler.
 */

/** Whether a value has the shape of this type. */
export interface Shape<out Type> {
  (value: unknown): boolean;
  /** There for the compiler alone. */
  readonly type?: Type;
}

/** No engine says more: a look at each takes time. */
const LIST_MAX = 1_000_000;
const FIELDS_MAX = 1000;

export const text: Shape<string> = (value) => typeof value === 'string';
export const number: Shape<number> = (value) => typeof value === 'number' && !Number.isNaN(value);
export const flag: Shape<boolean> = (value) => typeof value === 'boolean';
export const bytes: Shape<Uint8Array> = (value) => value instanceof Uint8Array;
/** Typed arrays of a worker, or lists from a wire. */
export const numbers: Shape<ArrayLike<number>> = (value) =>
  value instanceof Float64Array || listOf(number)(value);

/** One of a few words, by which the page goes. */
export function oneOf<Word extends string>(words: readonly Word[]): Shape<Word> {
  return (value) => words.some((word) => word === value);
}

/** One of a few words, which the page does no more than show. */
export function word<Word extends string>(): Shape<Word> {
  return text as Shape<never>;
}

export function maybe<Type>(shape: Shape<Type>): Shape<Type | undefined> {
  return (value) => value === undefined || shape(value);
}

export function either<One, Other>(one: Shape<One>, other: Shape<Other>): Shape<One | Other> {
  return (value) => one(value) || other(value);
}

export function listOf<Type>(shape: Shape<Type>): Shape<readonly Type[]> {
  return (value) =>
    Array.isArray(value) && value.length <= LIST_MAX && value.every((each) => shape(each));
}

/** By names that are not known. */
export function byName<Type>(shape: Shape<Type>): Shape<Readonly<Record<string, Type>>> {
  return (value) => {
    if (!isRecord(value)) return false;
    const values = Object.values(value);
    return values.length <= FIELDS_MAX && values.every((each) => shape(each));
  };
}

/** Fields that are not named may be there, too: nobody looks at them. */
export function record<Type extends object>(fields: {
  readonly [Name in keyof Type]-?: Shape<Type[Name]>;
}): Shape<Type> {
  const shapes = Object.entries<Shape<unknown>>(fields);
  return (value) => isRecord(value) && shapes.every(([name, shape]) => shape(own(value, name)));
}

function own(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
