/**
 * Numbers that hot code keeps in fields must be *small integers* to V8. The result of a subtraction
 * of addresses above 2^31, of a division or of `2 ** n` is a floating-point number to it, even when
 * it is whole: it then lies on the heap, and each use converts it to an integer and back. Once a
 * field has held such a number it stays so for good.
 *
 * Found in the virtualisers, where these conversions were a third of the time.
 */

/** @returns the same number, which is a whole one of 32 bits with sign, held as a small integer */
export function smallInteger(value: number): number {
  return value | 0;
}

/**
 * Zero as a floating-point number: what fields begin with that will outgrow 2^31, such as a time in
 * nanoseconds after two seconds. A field that began as a small integer changes its kind then, and
 * V8 throws away all compiled code that knows the class. Equal to 0 in all but `Object.is`; a
 * constructor sets a field that is shown to 0, and it keeps its kind.
 */
export const FLOAT_ZERO = -0;
