/** Notifications between peers and the unit. */

import type { Given } from '../given/given.ts';
import type { Scene } from '../run/scene.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { type Verb, withinOf } from '../verbs/verb.ts';
import type { BenchConnection } from './bench.ts';
import { takeWishBack } from './net-verbs.ts';
import { BENCH_NS, quiet } from './patience.ts';

export const NOTIFY_VERBS: readonly Verb[] = [
  {
    name: 'notify',
    what: 'a peer, or several, notifies the unit, which then runs until it waits',
    example: 'notify: driver',
    read: (given, scene) => {
      const peers = given.items().map((each) => readPeer(each, scene));
      return { run: (run) => notifyFrom(run, peers) };
    },
  },
  {
    name: 'expect notify',
    what: 'the unit has notified this peer, since the last such step',
    example: 'expect notify: client1',
    read: (given, scene) => {
      const peers = listed(given).map((each) => readPeer(each, scene));
      const withinNs = given.isMap ? withinOf(given) : BENCH_NS;
      return { run: (run) => peers.forEach((peer) => expectNotify(run, peer, withinNs)) };
    },
  },
  {
    name: 'expect no notify',
    what: 'the unit has not notified this peer, nor does it, so long; `any`: none of them',
    example: 'expect no notify: client0',
    read: (given, scene) => {
      const all = scene.bench?.connections ?? [];
      const peers =
        given.value === 'any' ? all : listed(given).map((each) => readPeer(each, scene));
      const within = given.isMap ? given.field('within') : undefined;
      const ns = within?.duration();
      const pass = (run: TestRun): void => (ns === undefined ? quiet(run) : run.wait(ns));
      return {
        run: (run) => {
          pass(run);
          for (const peer of peers) expectNoNotify(run, peer);
        },
      };
    },
  },
];

/** `client1`, `[client0, client1]` or `{from the fields} of: client1, within: 5ms`. */
function listed(given: Given): readonly Given[] {
  if (!given.isMap) return given.items();
  given.onlyHas(['of', 'within']);
  const of = given.field('of');
  if (of === undefined) given.problem("the field 'of' names the peer");
  return of?.items() ?? [];
}

function readPeer(given: Given, { bench }: Scene): BenchConnection | undefined {
  const connections = bench?.connections ?? [];
  const peer = given.choice(connections.map((each) => each.peer));
  return connections.find((each) => each.peer === peer);
}

function notifyFrom(run: TestRun, peers: readonly (BenchConnection | undefined)[]): void {
  for (const each of peers) {
    if (each === undefined) continue;
    const { pd, channel } = each;
    if (each.class === 'net') takeWishBack(run, each);
    run.bench?.peers.get(pd)?.do((domain) => domain.notify(channel));
  }
  run.settle();
}

function taken(run: TestRun, { pd, channel }: BenchConnection): number {
  return run.bench?.peers.get(pd)?.takeNotifications(channel) ?? 0;
}

function expectNotify(run: TestRun, peer: BenchConnection | undefined, withinNs: number): void {
  if (peer === undefined) return;
  let count = 0;
  const isNotified = (): boolean => {
    count += taken(run, peer);
    return count > 0;
  };
  if (!run.until(isNotified, withinNs))
    throw new Unmet(`the unit to notify ${peer.peer}`, ['no notification']);
}

function expectNoNotify(run: TestRun, peer: BenchConnection | undefined): void {
  const count = peer === undefined ? 0 : taken(run, peer);
  if (count > 0)
    throw new Unmet(`the unit not to notify ${peer?.peer}`, [`${count} notifications`]);
}
