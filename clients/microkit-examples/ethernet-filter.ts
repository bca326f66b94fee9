/**
 * Of the example "ethernet split", after Microkit's "ethernet": the domain between an outer and an
 * inner side. Neither side can name the other; all that passes goes through here.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { clearFrame, readFrame, writeFrame } from './frame-slot.ts';

export interface FilterConfig {
  readonly outer: { readonly from: string; readonly to: string; readonly channel: number };
  readonly inner: { readonly from: string; readonly to: string; readonly channel: number };
  /** Frames that begin with this do not pass. */
  readonly refused: string;
}

export function main(pd: ProtectionDomain<FilterConfig>): EntryPoints {
  const { outer, inner, refused } = pd.config;
  return {
    notified(channel) {
      const [from, to] = channel === outer.channel ? [outer, inner] : [inner, outer];
      const source = pd.region(from.from);
      const frame = readFrame(source);
      clearFrame(source);
      if (frame === undefined) return;
      if (frame.startsWith(refused)) {
        pd.log(`refused '${frame}'`);
        return;
      }
      writeFrame(pd.region(to.to), frame);
      pd.notify(to.channel);
    },
  };
}
