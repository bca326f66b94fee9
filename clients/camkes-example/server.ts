/**
 * Of the example "camkes": a component that provides `hello`: it prints the text that lies in the
 * dataport.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { messageInfo } from '../../microkit/pd.ts';

export interface ServerConfig {
  readonly hello: { readonly channels: readonly number[] };
  readonly buffer: { readonly region: string };
}

const TEXT_BYTES_MAX = 256;

export function main(pd: ProtectionDomain<ServerConfig>): EntryPoints {
  const buffer = pd.readonlyRegion(pd.config.buffer.region);
  return {
    notified: () => undefined,
    protected() {
      // The caller's number is not trusted.
      const length = Math.min(pd.mr(0), TEXT_BYTES_MAX);
      const bytes = new Uint8Array(length);
      buffer.read(0, bytes);
      pd.log(String.fromCharCode(...bytes));
      pd.setMr(0, length);
      return messageInfo(0, 1);
    },
  };
}
