/** Runs of the same scenario beside the one that is shown: nothing of what is shown changes. */

import { worldOptions } from '../../sim/failure/replay.ts';
import type { WorldMemory } from '../../sim/world-memory.ts';
import { instrument } from '../../systems/trace/observed-parts.ts';
import type { FollowedPath } from '../../systems/trace/packet-path.ts';
import { PacketWatch } from '../../systems/trace/packet-watch.ts';
import { perfettoTrace } from '../../systems/trace/perfetto.ts';
import { startRecording } from '../../systems/trace/recording.ts';
import { judge, type Judgement } from './judgement.ts';
import type { Onlooker, ShownWorld } from './shown-world.ts';
import { specOf } from './tested-world.ts';
import { World, type WorldParts } from './world.ts';

/** A packet has so long to come, and to go again. */
const PATH_LIMIT_NS = 1_000_000_000;
const PATH_SLICE_NS = 200_000;

/** What they are made of. */
export interface Worlds extends Omit<WorldParts, 'onlooker'> {
  /** What ran there before is gone. */
  readonly memory: WorldMemory;
  readonly make: (onlooker: Onlooker) => ShownWorld;
}

/** @param packet its number among those that the NIC takes, from 1 */
export function followPacket(packet: number, { target, make }: Worlds): FollowedPath {
  let now = (): number => 0;
  const watch = new PacketWatch({ system: target.system, packet, now: () => now() });
  const world = make({
    instrument: (inner) => instrument(watch, inner),
    wires: (wires, { ram, board }) => {
      now = () => board.now();
      return wires.net === undefined ? wires : { ...wires, net: watch.watch(wires.net, ram) };
    },
  });
  while (!watch.isOver && !world.isAtEnd(PATH_LIMIT_NS)) {
    world.runSlice(PATH_LIMIT_NS, PATH_SLICE_NS);
  }
  return watch.path();
}

/** @returns all that happens up to a time, for Perfetto */
export function recorded(untilNs: number, { target, scenario, make }: Worlds): string {
  const { recorder, around } = startRecording({ system: target.system, clock: 'virtual' });
  const world = make({ instrument: around });
  while (!world.isAtEnd(untilNs)) world.runSlice(untilNs);
  recorder.complete();
  const about = { system: target.system.name, clock: 'virtual', seed: scenario.seed };
  return [...perfettoTrace({ recorder, clock: 'virtual', about })].join('');
}

/** @returns what `sddf run --clock virtual --json` prints of the same run */
export function reportOf(forNs: number, worlds: Worlds): string {
  if (worlds.scenario.net === 'test') throw new Error('a tested world is judged, and not reported');
  const world = new World(worlds);
  const untilNs = world.now() + forNs;
  // As the command does: one slice at least, also where nothing is left to happen.
  do {
    world.runSlice(untilNs);
    world.takeConsoles();
  } while (!world.isAtEnd(untilNs));
  return world.report(untilNs);
}

/** Of a tested world: it is run to its end. */
export function judged({ target, scenario, plan, memory }: Worlds): Judgement {
  return judge(worldOptions(specOf(scenario, plan), { ...target, memory }));
}
