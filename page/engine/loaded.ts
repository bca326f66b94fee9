/** A scenario with its system and its plan, and what the page is told of it. */

import { capabilitiesOf } from '../../microkit/capability-table.ts';
import { renderDot } from '../../microkit/graph/dot.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import { devicesOf, pointsOf } from '../../sim/points/system-points.ts';
import type { Plan } from '../../sim/plan/plan.ts';
import { uartsOf } from '../../systems/serial-devices.ts';
import type { FoundSystem } from './found-system.ts';
import { contentOf, guestsAtCable, nicsOf } from './plugs.ts';
import type { Ability, CapabilityRow, SystemInfo } from './protocol.ts';
import type { Scenario } from './scenario.ts';
import { readScenarioPlan } from './scenario-plan.ts';

export interface Loaded {
  readonly found: FoundSystem;
  readonly system: SystemDescription;
  scenario: Scenario;
  /** That of the scenario, read. */
  plan: Plan;
}

/** @throws Error with what is wrong, as one line */
export function loadedOf(found: FoundSystem, scenario: Scenario): Loaded {
  const { system } = found.target;
  return { found, system, scenario, plan: planOf(system, scenario) };
}

/** @throws Error with the first thing that is wrong in it */
function planOf(system: SystemDescription, scenario: Scenario): Plan {
  const read = readScenarioPlan(scenario, pointsOf(system));
  if (read.ok) return read.plan;
  throw new Error(read.problems[0] ?? 'the plan cannot be read');
}

function disksOf(system: SystemDescription): number {
  return devicesOf(system).filter((device) => device.class === 'blk').length;
}

export function infoOf({ found, system, scenario }: Loaded): SystemInfo {
  const { summary, systems, options } = found;
  return {
    name: system.name,
    summary,
    systems,
    dot: renderDot(system),
    domains: flatten(system).map(({ pd: { name, priority } }) => ({ name, priority })),
    uarts: scenario.net === 'test' ? [] : uartsOf(system),
    nics: nicsOf(system).length,
    disks: scenario.net === 'test' ? 0 : disksOf(system),
    content: contentOf(system),
    guests: guestsAtCable(system),
    points: pointsOf(system),
    options,
    abilities: [...abilitiesOf(scenario), ...(found.isReadyMade ? (['links'] as const) : [])],
  };
}

/** Where somebody asks who knows the answers, nobody else does. */
function abilitiesOf({ net }: Scenario): readonly Ability[] {
  return net === 'test' ? ['time', 'faults', 'oracles'] : ['time', 'faults', 'console', 'frames'];
}

export function rowsOf({ system }: Loaded, pd: string): readonly CapabilityRow[] {
  const flat = flatten(system).find((each) => each.pd.name === pd);
  if (flat === undefined) return [];
  return capabilitiesOf(system, flat).map(({ cnode, slot, type, object, rights, badge }) => ({
    slot: cnode === 'own' ? String(slot) : `root ${slot}`,
    type,
    object,
    rights,
    badge: badge === undefined ? '' : `0x${badge.toString(16)}`,
  }));
}
