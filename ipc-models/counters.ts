/**
 * What a model counts. Kernel entries and context switches are counted by the scheduler, in
 * `KernelCounters`, for all of them alike.
 */
export interface ModelCounters {
  /**
   * Times that the payload of a message was moved. One that is moved page by page is moved once.
   */
  copies: number;
  bytesCopied: number;
  /**
   * Translations of a name that a thread uses (descriptor, port name, thread id, connection id)
   * into a kernel object.
   */
  nameLookups: number;
  /** Translations of a path in a name space that all tasks share. */
  pathLookups: number;
  /** Entries of page tables that were written. */
  pageMappings: number;
}

export function newCounters(): ModelCounters {
  return { copies: 0, bytesCopied: 0, nameLookups: 0, pathLookups: 0, pageMappings: 0 };
}
