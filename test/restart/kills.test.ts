/**
 * Any domain may die: the simulator kills each of a supervised system's domains at its wake-ups and
 * at its system calls, in pairs, and several times in a row. All oracles speak, and are forgiven
 * nothing but the loss of what was on its way to or from the one that died.
 *
 * `npm test` takes one or two of the first 300 wake-ups, and two pairs; SDDF_RESTART_EVERY=1 takes
 * all of them, and each pair of domains dies at so many pairs of moments as SDDF_RESTART_PAIRS
 * says. Worlds of machine code take several times as long: of those, the first 40.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { machinePrograms } from '../../cli/run/machine-programs.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { WorldMemory } from '../../sim/world-memory.ts';
import { blkSystem } from '../../systems/blk.ts';
import { echo } from '../../systems/echo.ts';
import { fatSystem } from '../../systems/fat.ts';
import { serialSystem } from '../../systems/serial.ts';
import { vswitchSystem } from '../../systems/vswitch.ts';
import { completeChoices, type SystemModule } from '../../systems/system.ts';
import { buildPrograms, COMPILER, hasCompiler, ROOT_FOLDER } from '../support/c-programs.ts';
import { type Kill, killRun, type KillRun } from './kill-run.ts';

const EVERY = Number(process.env['SDDF_RESTART_EVERY'] ?? 299);
/** For each pair of domains; two pairs of all, unless told. */
const PAIRS = process.env['SDDF_RESTART_PAIRS'];
/** `npm test`. */
const IS_SHORT = EVERY > 100;
const WAKE_UPS = 300;
const FLOWS_WITHIN_NS = 10_000_000;
const OTHERS_WAIT_NS = 1_000_000;

interface Case {
  readonly name: string;
  /** Some of it is C. */
  readonly isMachineCode?: boolean;
  readonly module: SystemModule;
  readonly choices: Readonly<Record<string, string>>;
  readonly domains: readonly string[];
  /** So much traffic that each of them is woken 300 times, unless less is said. */
  readonly amount: number;
  /** In which two die, or one three times: 600 unless less is said. */
  readonly severalAmount?: number;
  readonly wakeUps?: Readonly<Record<string, number>>;
  /** Pairs die within this time, in which all domains are busy. */
  readonly momentNsMax: number;
}

const NET_DOMAINS = [
  'ethernet_driver',
  'net_virt_tx',
  'net_virt_rx',
  'client1_net_copier',
  'client0',
];
const IN_C = {
  isMachineCode: true,
  module: echo,
  domains: NET_DOMAINS,
  amount: 500,
  severalAmount: 200,
  wakeUps: Object.fromEntries(NET_DOMAINS.map((domain) => [domain, 40])),
  momentNsMax: 1_000_000,
};

const CASES: readonly Case[] = [
  {
    name: 'echo, five domains on the path',
    module: echo,
    choices: {},
    domains: NET_DOMAINS,
    amount: 2_800,
    momentNsMax: 3_000_000,
  },
  {
    name: 'echo, four domains, memory fresh',
    module: echo,
    choices: { path: '4pd', restart: 'fresh' },
    domains: ['ethernet_driver', 'net_virt_tx', 'net_virt_rx', 'client0'],
    amount: 2_800,
    momentNsMax: 3_000_000,
  },
  {
    name: 'vswitch',
    module: vswitchSystem,
    choices: {},
    domains: [
      'ethernet_driver',
      'net_virt_tx',
      'net_virt_rx',
      'vswitch',
      'client1_net_copier',
      'client0',
    ],
    amount: 1_500,
    wakeUps: { net_virt_rx: 180, client0: 270 },
    momentNsMax: 3_000_000,
  },
  {
    name: 'blk',
    module: blkSystem,
    choices: {},
    domains: ['blk_driver', 'blk_virt', 'client'],
    amount: 330,
    momentNsMax: 3_000_000,
  },
  {
    name: 'fat',
    module: fatSystem,
    choices: {},
    domains: ['blk_driver', 'blk_virt', 'fat'],
    amount: 420,
    wakeUps: { fat: 200 },
    momentNsMax: 3_000_000,
  },
  {
    // A line of 115,200 baud: a world has few wake-ups, whatever is typed.
    name: 'serial',
    module: serialSystem,
    choices: {},
    domains: ['serial_driver', 'serial_virt_tx', 'serial_virt_rx', 'client0'],
    amount: 120,
    wakeUps: { serial_driver: 70, serial_virt_tx: 22, serial_virt_rx: 21, client0: 15 },
    momentNsMax: 50_000_000,
  },
];

/** `npm test` leaves the mixed system out: what is new in it are the meetings of the two. */
const CASES_IN_C: readonly Case[] = [
  { ...IN_C, name: `echo in C (needs ${COMPILER})`, choices: { code: 'c' } },
  {
    ...IN_C,
    name: `echo, the virtualisers in C, the rest in TypeScript (needs ${COMPILER})`,
    choices: { rx: 'c', tx: 'c' },
  },
].slice(0, IS_SHORT ? 1 : 2);

describe.each(CASES)('$name', (each) => dieAndGoOn(each));
describe.skipIf(!hasCompiler).each(CASES_IN_C)('$name', (each) => {
  beforeAll(buildPrograms, 120_000);
  dieAndGoOn(each);
});

function dieAndGoOn(each: Case): void {
  const { module, choices, domains, amount, wakeUps, momentNsMax, severalAmount = 600 } = each;
  const system = systemOf(module, choices);
  const memory = new WorldMemory();
  let images: ReturnType<typeof machinePrograms> | undefined;
  const run = (kills: readonly Kill[], questions = amount): KillRun => {
    if (each.isMachineCode === true) images ??= machinePrograms({ system, folders: [ROOT_FOLDER] });
    const rest = images === undefined ? {} : { images };
    return killRun({
      system,
      counters: module.counters,
      kills,
      amount: questions,
      memory,
      ...rest,
    });
  };

  it.each(domains)('%s dies when it is woken, and traffic goes on', (domain) => {
    const last = wakeUps?.[domain] ?? WAKE_UPS;
    for (let nth = 1; nth <= last; nth += EVERY) {
      // Enough to come to this wake-up, and to see what follows.
      const enough = Math.min(amount, Math.ceil(60 + (1.3 * amount * nth) / last));
      const died = run([{ domain, when: { nth: [nth] } }], enough);
      expectHeld(died, { deaths: 1 }, `${domain} at wake-up ${nth}`);
      expect(died.downNs.get(domain), `${domain} is down`).toBeLessThan(FLOWS_WITHIN_NS);
      expectOthersServed(died, domain);
    }
  });

  it('two of them die', () => {
    const random = new Random(7);
    const pairs = pairsOf(domains);
    const begin = random.below(pairs.length);
    const worlds = PAIRS === undefined ? 2 : Number(PAIRS) * pairs.length;
    for (let world = 0; world < worlds; world += 1) {
      const [first, second] = pairs[(begin + world) % pairs.length] as readonly [string, string];
      const moments = [random.below(momentNsMax), random.below(momentNsMax)] as const;
      // As often as not, the one dies while the other is down.
      const atOnce = random.below(2) === 0 ? moments[0] : moments[1];
      const died = run(
        [
          { domain: first, when: { timeNs: moments[0] } },
          { domain: second, when: { timeNs: atOnce } },
        ],
        severalAmount,
      );
      const what = `${first} at ${moments[0]} ns, ${second} at ${atOnce} ns`;
      expectHeld(died, { deaths: 2 }, what);
    }
  });

  it.each(domains)('%s dies three times in a row', (domain) => {
    const died = run([{ domain, when: { nth: [6, 7, 8] } }], severalAmount);
    expectHeld(died, { deaths: 3 }, domain);
    // The third time it has backed off for 2 ms.
    expect(died.downNs.get(domain)).toBeGreaterThan(2_000_000);
    expect(died.downNs.get(domain)).toBeLessThan(3 * FLOWS_WITHIN_NS);
  });
}

function systemOf(
  module: SystemModule,
  choices: Readonly<Record<string, string>>,
): SystemDescription {
  const built = module.build(completeChoices(module, { ...choices, supervised: 'on' }));
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));
  return built.system;
}

function expectHeld(
  { outcome, supervisor }: KillRun,
  { deaths }: { readonly deaths: number },
  what: string,
): void {
  // A kill that never struck makes a world void.
  expect([what, outcome.verdict, outcome.violations]).toEqual([what, 'passed', []]);
  // Nobody has died but who was killed.
  const expected = { deaths, restarts: deaths, givenUp: 0, unanswered: 0, pretended: 0 };
  expect([what, supervisor]).toEqual([what, expect.objectContaining(expected)]);
}

/** Clients of the network that have nothing to do with the one that has died. */
function expectOthersServed({ longestNs }: KillRun, domain: string): void {
  const own = /^client(\d)/.exec(domain)?.[1];
  if (own === undefined) return;
  for (const [client, ns] of longestNs) {
    if (client !== Number(own)) expect(ns, `client${client} waits`).toBeLessThan(OTHERS_WAIT_NS);
  }
}

/** In both orders: it matters who dies first. */
function pairsOf(domains: readonly string[]): readonly (readonly [string, string])[] {
  return domains.flatMap((first) =>
    domains.filter((second) => second !== first).map((second) => [first, second] as const),
  );
}
