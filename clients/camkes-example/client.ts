/**
 * Of the example "camkes": after CAmkES's tutorials, a component that uses an interface, a dataport
 * and an event: it puts a text into the dataport, calls `hello`, and waits for `tick`.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import { messageInfo } from '../../microkit/pd.ts';

export interface ClientConfig {
  readonly hello: { readonly channel: number };
  readonly buffer: { readonly region: string };
  readonly tick: { readonly channels: readonly number[] };
  /** A CAmkES attribute: who it is to greet. */
  readonly greeting: string;
}

export function main(pd: ProtectionDomain<ClientConfig>): EntryPoints {
  const { hello, buffer, tick, greeting } = pd.config;
  const bytes = Uint8Array.from(greeting, (character) => character.charCodeAt(0));
  pd.region(buffer.region).write(0, bytes);
  pd.setMr(0, bytes.length);
  pd.ppcall(hello.channel, messageInfo(0, 1));
  pd.log(`the server has printed ${pd.mr(0)} characters`);
  return {
    notified(channel) {
      if (tick.channels.includes(channel)) pd.log('tick');
    },
  };
}
