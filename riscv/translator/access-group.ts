/** What is known of loads and stores that are checked together (`access-groups.ts` finds them). */
export interface AccessGroup {
  /** The base register. */
  readonly base: number;
  /** Lowest and highest offset that is added to it. */
  low: number;
  high: number;
  /** Whether what is accessed has to be writable. */
  isWrite: boolean;
  /** Place in the block of its first instruction; -1 for an access that is checked by itself. */
  readonly first: number;
}
