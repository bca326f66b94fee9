/**
 * Test support: a program under observation. It runs unchanged; each entry of it and each signal
 * that it sends is written down, with the peer's name in place of the channel's number.
 */

import { channelsOf, type SystemDescription } from '../../microkit/model.ts';
import type { EntryPoints, Program, ProtectionDomain } from '../../microkit/pd.ts';

/** Who is at the other end of each identifier of one domain. */
function peersOf(system: SystemDescription, name: string): Map<number, string> {
  const peers = new Map<number, string>();
  for (const { own, peer } of channelsOf(system, name)) peers.set(own.id, peer.pd);
  const pd = system.protectionDomains.find((each) => each.name === name);
  for (const irq of pd?.irqs ?? []) {
    peers.set(irq.id, irq.kind === 'conventional' ? `irq ${irq.irq}` : 'irq');
  }
  return peers;
}

function traceEntries(
  entry: EntryPoints,
  say: (event: string) => void,
  peers: Map<number, string>,
) {
  const traced: EntryPoints = {
    ...entry,
    notified: (channel) => {
      say(`notified by ${peers.get(channel)}`);
      entry.notified(channel);
    },
  };
  const { protected: protectedCall } = entry;
  if (protectedCall !== undefined) {
    traced.protected = (channel, message) => {
      say(`called by ${peers.get(channel)}`);
      const reply = protectedCall(channel, message);
      say('replies');
      return reply;
    };
  }
  return traced;
}

/** The same domain, telling what is done with it. */
function tracePd(
  pd: ProtectionDomain<unknown>,
  say: (event: string) => void,
  peers: Map<number, string>,
): ProtectionDomain<unknown> {
  return {
    name: pd.name,
    config: pd.config,
    vars: pd.vars,
    region: (name) => pd.region(name),
    readonlyRegion: (name) => pd.readonlyRegion(name),
    deviceRegion: (name) => pd.deviceRegion(name),
    notify: (channel) => {
      say(`notifies ${peers.get(channel)}`);
      pd.notify(channel);
    },
    deferredNotify: (channel) => {
      say(`notifies ${peers.get(channel)} with its next wait`);
      pd.deferredNotify(channel);
    },
    irqAck: (channel) => {
      say(`acknowledges ${peers.get(channel)}`);
      pd.irqAck(channel);
    },
    deferredIrqAck: (channel) => {
      say(`acknowledges ${peers.get(channel)} with its next wait`);
      pd.deferredIrqAck(channel);
    },
    ppcall: (channel, message) => {
      say(`calls ${peers.get(channel)}`);
      const reply = pd.ppcall(channel, message);
      say(`has the reply of ${peers.get(channel)}`);
      return reply;
    },
    mr: (index) => pd.mr(index),
    setMr: (index, value) => pd.setMr(index, value),
    restart: (child) => pd.restart(child),
    stop: (child) => pd.stop(child),
    resume: (child) => pd.resume(child),
    userTcb: (slot) => pd.userTcb(slot),
    log: (text) => pd.log(text),
  };
}

/**
 * @returns the same system with every program observed; `tell` gets lines such as "client0:
 * notified by net_virt_tx"
 */
export function traced(system: SystemDescription, tell: (line: string) => void): SystemDescription {
  const protectionDomains = system.protectionDomains.map((pd) => {
    const { program } = pd.image;
    if (program === undefined) return pd;
    const peers = peersOf(system, pd.name);
    const say = (event: string): void => tell(`${pd.name}: ${event}`);
    const inner = program as unknown as Program<unknown>;
    const observed: Program<unknown> = (own) =>
      traceEntries(inner(tracePd(own, say, peers)), say, peers);
    return { ...pd, image: { ...pd.image, program: observed as unknown as Program } };
  });
  return { ...system, protectionDomains };
}
