/**
 * Of the example "ethernet split": one side, in the place of a network card's driver. It makes its
 * own frames.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { clearFrame, readFrame, writeFrame } from './frame-slot.ts';

export interface SideConfig {
  readonly output: string;
  readonly input: string;
  readonly filter: number;
  /** What it sends, one frame after the other. */
  readonly frames: readonly string[];
}

export function main(pd: ProtectionDomain<SideConfig>): EntryPoints {
  const { output, input, filter, frames } = pd.config;
  const out = pd.region(output);
  const incoming = pd.region(input);
  for (const frame of frames) {
    writeFrame(out, frame);
    pd.notify(filter);
  }
  return {
    notified() {
      const frame = readFrame(incoming);
      clearFrame(incoming);
      if (frame !== undefined) pd.log(`received '${frame}'`);
    },
  };
}
