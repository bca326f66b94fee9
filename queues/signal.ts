/**
 * The signalling protocol of sDDF, once: drain, ask to be signalled, look again.
 *
 * A consumer that merely drained its queue and went to sleep could lose a wake-up: the producer may
 * put something in after the last look, and see that no signal is wanted. So the consumer first
 * says that it wants a signal and then looks once more; whichever of the two is later sees the
 * other's store. `signal.test.ts` runs every interleaving.
 *
 * The producer's half is its queue's `publish()`: it makes the batch visible with one ordered
 * store, then looks at the consumer's wish, and answers whether to notify. The wish is withdrawn in
 * the same step, so that a batch notifies once.
 */

/** One direction of work: from where items are taken to where they go. */
export interface Flow {
  /**
   * Moves every item that can be moved now. What it put out need not be published before the flow
   * has ended.
   */
  drain(): void;
  /**
   * Asks whoever can make more work to signal. A flow that is content to find later work when it is
   * next woken for another reason does nothing here and answers 'content'.
   */
  requestSignal(): 'requested' | 'content';
  /** Takes the wish back: the peer need not signal. A hint only; a signal too many does no harm. */
  cancelSignal(): void;
  /**
   * Whether `drain` would move something now: there is an item *and* there is room for it. Both
   * belong here, or a flow whose way out is blocked would go round for ever.
   */
  canMove(): boolean;
}

/** Runs a flow until nothing can be moved and a signal will come when something can. */
export function runFlow(flow: Flow): void {
  for (;;) {
    flow.drain();
    if (flow.requestSignal() === 'content') return;
    if (!flow.canMove()) return;
    flow.cancelSignal();
  }
}
