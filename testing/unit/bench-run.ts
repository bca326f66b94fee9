/** The peers of a bench, for one run. */

import type { Board } from '../../board/board.ts';
import type { Program } from '../../microkit/pd.ts';
import type { Bench, BenchRun } from './bench.ts';
import { Peer } from './peer.ts';

export function startBench(bench: Bench): BenchRun {
  const peers = bench.peers.map(({ pd, manners }) => [pd, new Peer(pd, manners)] as const);
  const programs = peers.map(([pd, { program }]) => [pd, program as unknown as Program] as const);
  return { programs: new Map(programs), peers: new Map(peers), taken: [], transactions: [] };
}

/** Gives each peer the interrupt that wakes it. */
export function plugInPeers(bench: Bench, { peers }: BenchRun, board: Board): void {
  for (const { pd, doorbellIrq } of bench.peers) peers.get(pd)?.plugIn(board.irqLine(doorbellIrq));
}
