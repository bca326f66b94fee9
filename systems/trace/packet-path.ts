/**
 * Where one frame or one block request went: what `packet-watch.ts` and `request-watch.ts` find out
 * and `cli/measure/path-….ts` shows. Plain data; times in nanoseconds.
 */

/** A buffer: where the bytes of a packet are. */
export interface BufferPlace {
  /** Name of the data region; empty when it is none that a queue uses. */
  readonly region: string;
  /** Bytes from the region's start. */
  readonly offset: number;
}

/** One stage of the way. */
export interface PathHop {
  /** A protection domain, or the device. */
  readonly at: string;
  /**
   * 'received' and 'sent' by the device; 'passed': the same buffer goes on; 'copied': the same
   * bytes go on in another buffer; 'answered': changed bytes go on in another buffer; 'ended':
   * nothing goes on. Of a request: 'asked' by a client; 'read' and 'wrote' by the device, from the
   * disk and to it; 'finished' what moves no bytes; 'replied': the response goes back; 'taken' by
   * the client.
   */
  readonly what:
    | 'received'
    | 'passed'
    | 'copied'
    | 'answered'
    | 'sent'
    | 'ended'
    | 'asked'
    | 'read'
    | 'wrote'
    | 'finished'
    | 'replied'
    | 'taken';
  /** When the handler began that did it; for the device, when it did it. */
  readonly beganNs: number;
  /** When its entry was there for the next stage to see. */
  readonly doneNs: number;
  /** Where the packet was put: the region of a queue, a virtqueue, or the wire. */
  readonly into: string;
  /**
   * Slot of that queue, and entries before it that had not been taken yet; -1 where there is no
   * such queue.
   */
  readonly slot: number;
  readonly ahead: number;
  /** Where the bytes are afterwards. */
  readonly buffer: BufferPlace;
  readonly lengthBytes: number;
  /** Copies by the program, and the bytes of them. What a device moves is not one. */
  readonly copies: number;
  readonly bytesCopied: number;
  /** The system call that made it known, such as "Send: notify net_virt_rx". */
  readonly by: string;
}

/** One stage of an empty buffer's way back. */
export interface ReturnHop {
  readonly at: string;
  readonly into: string;
  readonly buffer: BufferPlace;
  readonly doneNs: number;
}

export interface FollowedPath {
  readonly subject: 'packet' | 'request';
  /**
   * Of a packet: its number among the frames that the NIC has taken from the wire since power-on.
   * Of a request: among those that clients have made. The first is 1.
   */
  readonly number: number;
  /**
   * 'sent': something went back to the wire; 'ended': a program kept or dropped it; 'lost': the
   * device dropped it; 'taken': the client has the response; 'refused': it has a response that says
   * no.
   */
  readonly outcome: 'sent' | 'ended' | 'lost' | 'taken' | 'refused' | 'under way';
  readonly hops: readonly PathHop[];
  /** The empty buffers' way back, in the order of time. */
  readonly returns: readonly ReturnHop[];
}

export function copiesOf(path: FollowedPath): number {
  return path.hops.reduce((sum, hop) => sum + hop.copies, 0);
}

export function bytesCopiedOf(path: FollowedPath): number {
  return path.hops.reduce((sum, hop) => sum + hop.bytesCopied, 0);
}
