/**
 * What hot classes are derived from, so that each field is declared together with the value that it
 * is made from.
 *
 *     class Loop extends Configured<LoopOptions> {
 *       readonly #regs = this.options.thread.regs;
 *     }
 *
 * Assigned in a constructor, the same field would not begin with its own kind (`docs/hot-code.md`):
 * a tenth of a frame's way through the NIC. Not for an object that a program is given: the options
 * would come with it.
 */
export abstract class Configured<Options> {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  protected readonly options: Options;

  constructor(options: Options) {
    this.options = options;
  }
}
