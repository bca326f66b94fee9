/**
 * As `Configured`, for objects that programs hold: what they are made from, as a rule raw memory,
 * stays out of reach.
 *
 *     export class Reader extends Sealed<Placement> {
 *       static {
 *         Object.freeze(this);
 *         Object.freeze(this.prototype);
 *       }
 *       readonly #words: Int32Array = partsOf(this).ram.i32;
 *     }
 *
 * Without the static block a program could give the class another base, whose constructor would be
 * handed the parts. {@link partsOf} opens every such object, so the same rooms may import it that
 * may open a region.
 */

let read: <Parts>(object: Sealed<Parts>) => Parts;

export abstract class Sealed<Parts> {
  readonly #parts: Parts;

  static {
    read = (object) => object.#parts;
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  constructor(parts: Parts) {
    this.#parts = parts;
  }
}

/** @returns what an object was made from */
export function partsOf<Parts>(object: Sealed<Parts>): Parts {
  return read(object);
}
