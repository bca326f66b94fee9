/**
 * The supervisor where it has to say no: to a child that dies without end, to one that says it has
 * been started, to a stranger's child, and to two neighbours of which neither can let go. And where
 * it has to wait: for who does not answer, and no longer than is said.
 */

import { describe, expect, it } from 'vitest';
import { main as echoClient } from '../../clients/echo/echo.ts';
import { main as supervisorProgram } from '../../clients/supervisor/main.ts';
import { SUPERVISOR_COUNTERS } from '../../clients/supervisor/counters.ts';
import { main as ethernetDriver } from '../../drivers/network/virtio/driver.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { type PdBuilder, type SystemBuilder, system } from '../../microkit/builder.ts';
import type { Program, ProtectionDomain } from '../../microkit/pd.ts';
import { net } from '../../microkit/sddf/net.ts';
import { supervise, type SuperviseOptions } from '../../microkit/sddf/supervision.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { readEpoch, writeAnswer } from '../../queues/restart/pages.ts';
import { WorldMemory } from '../../sim/world-memory.ts';
import { networkDevice } from '../../systems/devices.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { main as virtRx } from '../../virtualisers/network/rx/virt-rx.ts';
import { main as virtTx } from '../../virtualisers/network/tx/virt-tx.ts';
import { type Kill, killRun, type KillRun } from './kill-run.ts';

const memory = new WorldMemory();

describe('a supervisor', () => {
  it('gives up a child that dies without end; the others go on', () => {
    const died = runEcho({}, [
      { domain: 'client0', when: { nth: [20, 21, 22, 23, 24, 25] } },
      { domain: 'client1_net_copier', when: { nth: [30] } },
    ]);
    expect(died.supervisor).toMatchObject({ deaths: 7, restarts: 6, givenUp: 1 });
    // Nobody answers for client0 any more, which its deaths excuse; everybody else is served.
    expect(died.outcome.violations).toEqual([]);
  });

  it('takes along who stands behind, when it is told to', () => {
    const kills = [{ domain: 'net_virt_rx', when: { nth: [40] } }];
    const died = runEcho({ restart: 'rest-for-one' }, kills);
    expect(died.outcome.violations).toEqual([]);
    expect(died.supervisor).toMatchObject({ deaths: 1, takenAlong: 4, restarts: 5 });
    expect(died.downNs.get('net_virt_tx')).toBe(0);
    expect(died.downNs.get('client1')).toBeGreaterThan(0);
  });

  it('takes along who stands behind and is only being started', () => {
    const kills = [{ domain: 'net_virt_rx', when: { nth: [40, 41] } }];
    const died = runEcho({ restart: 'rest-for-one' }, kills);
    expect(died.outcome.violations).toEqual([]);
    // The two copiers; their clients wait for them, and have not begun.
    expect(died.supervisor).toMatchObject({ deaths: 2, takenAlong: 4 + 2, givenUp: 0 });
  });

  it('does not believe a child that says it has been started', () => {
    const epochs: number[] = [];
    const programs = new Map([['client0', pretender(epochs) as unknown as Program]]);
    const run = runEcho({}, [], programs);
    expect(run.outcome.violations).toEqual([]);
    expect(run.supervisor).toMatchObject({ deaths: 0, restarts: 0 });
    expect(run.supervisor['pretended']).toBeGreaterThan(3);
    expect(new Set(epochs)).toEqual(new Set([0]));
  });

  it("cannot restart a stranger's child", () => {
    const built = echo.build(completeChoices(echo, { supervised: 'on' }));
    if (!built.ok) throw new Error('the system is sound');
    const heard: string[] = [];
    const stranger: Program = (pd) => {
      pd.restart(50);
      return { notified: () => undefined };
    };
    const testbed = createTestbed({
      system: built.system,
      clock: 'virtual',
      programs: new Map([['supervisor', stranger]]),
      observer: {
        log: () => undefined,
        faulted: (pd) => heard.push(pd),
      },
    });
    testbed.settle();
    expect(heard).toEqual(['supervisor']);
    expect(testbed.counters().pds['supervisor']?.exceptions).toBe(1);
  });
});

describe('a child that does not answer', () => {
  const asleep = (domain: string): Kill => ({
    domain,
    fault: 'sleep',
    when: { timeNs: 2_000_000 },
    forNs: 15_000_000,
  });

  it.each(['client0', 'net_virt_rx', 'ethernet_driver'])('is taken for dead: %s', (domain) => {
    const died = runEcho({ hang: '10ms' }, [asleep(domain)]);
    expect(died.outcome.violations).toEqual([]);
    expect(died.supervisor).toMatchObject({ hangs: 1, deaths: 1, restarts: 1, givenUp: 0 });
    expect(died.downNs.get(domain)).toBeGreaterThan(0);
  });

  it('is given up when it hangs again and again', () => {
    const died = runEcho({ hang: '10ms' }, [{ ...asleep('client0'), forNs: 1_000_000_000 }]);
    expect(died.supervisor).toMatchObject({ hangs: 6, restarts: 5, givenUp: 1 });
  });

  it('has time to answer', () => {
    const died = runEcho({ hang: '100ms' }, [asleep('client0')]);
    expect(died.supervisor).toMatchObject({ hangs: 0, deaths: 0 });
  });

  it('is waited for before its neighbour starts again, and then no longer', () => {
    // It comes to answer when its client has died, later than anybody has patience; the client is
    // started then, and runs when the processor is free.
    const late = { fault: 'late', parameters: { by: 9_000_000 } } as const;
    const died = runEcho({}, [
      { domain: 'net_virt_tx.entry', when: { nth: [3] }, ...late },
      { domain: 'client0', when: { timeNs: 310_000 } },
    ]);
    expect(died.outcome.violations).toEqual([]);
    expect(died.supervisor).toMatchObject({ deaths: 1, restarts: 1, unanswered: 1 });
    expect(died.downNs.get('client0')).toBeGreaterThan(5_000_000);
    expect(died.downNs.get('client0')).toBeLessThan(10_000_000);
  });

  it('is not waited for at all, and every buffer is there in the end', () => {
    let unanswered = 0;
    for (const nth of [5, 9, 14, 20]) {
      const impatient = small([], { patienceNs: 0 });
      const died = run(impatient, [{ domain: 'client0', when: { nth: [nth] } }]);
      expect([nth, died.outcome.violations]).toEqual([nth, []]);
      expect(died.supervisor).toMatchObject({ deaths: 1, restarts: 1 });
      unanswered += died.supervisor['unanswered'] ?? 0;
    }
    expect(unanswered).toBe(4);
  });
});

describe('a domain without the protocol', () => {
  it('is contained: its neighbours take back what it had, and it begins anew', () => {
    for (const mute of ['net_virt_rx', 'client0']) {
      const died = run(small([mute]), [{ domain: mute, when: { nth: [10] } }]);
      // What the plan forgives is that of a domain that nobody restarts: it is not needed.
      expect([mute, died.outcome.violations]).toEqual([mute, []]);
      expect(died.supervisor).toMatchObject({ deaths: 1, restarts: 1, takenAlong: 0 });
    }
  });

  it('is started together with a neighbour that has died', () => {
    const died = run(small(['ethernet_driver']), [{ domain: 'net_virt_rx', when: { nth: [10] } }]);
    expect(died.outcome.violations).toEqual([]);
    expect(died.supervisor).toMatchObject({ deaths: 1, restarts: 2, takenAlong: 1 });
  });

  it('is given up together with a neighbour that has none either', () => {
    const died = run(small(['ethernet_driver', 'net_virt_rx']), [
      { domain: 'ethernet_driver', when: { nth: [10] } },
    ]);
    expect(died.supervisor).toMatchObject({ deaths: 1, givenUp: 1 });
  });
});

function runEcho(
  choices: Readonly<Record<string, string>>,
  kills: readonly Kill[],
  programs?: ReadonlyMap<string, Program>,
): KillRun {
  const built = echo.build(completeChoices(echo, { ...choices, supervised: 'on' }));
  if (!built.ok) throw new Error('the system is sound');
  const rest = programs === undefined ? {} : { programs };
  const { counters } = echo;
  return killRun({ system: built.system, counters, kills, amount: 300, memory, ...rest });
}

function run(described: SystemDescription, kills: readonly Kill[]): KillRun {
  const counters = { supervisor: SUPERVISOR_COUNTERS };
  return killRun({ system: described, counters, kills, amount: 200, memory });
}

/** An echo client that says after each wake-up that it runs again. */
function pretender(epochs: number[]) {
  return (pd: ProtectionDomain<Parameters<typeof echoClient>[0]['config']>) => {
    const { answers, epochs: page, self, supervisor } = pd.config.restart as MemberConfig;
    const entry = echoClient(pd);
    let said = 1;
    return {
      ...entry,
      notified: (channel: number) => {
        entry.notified(channel);
        writeAnswer(pd.region(answers), self, said);
        said += 2;
        pd.notify(supervisor);
        epochs.push(readEpoch(pd.readonlyRegion(page), self));
      },
    };
  };
}

/** Driver, virtualisers and one client, of which some do not speak the protocol. */
function small(
  mute: readonly string[],
  limits: Pick<SuperviseOptions, 'patienceNs'> = {},
): SystemDescription {
  const sys = system({ name: 'small' });
  const supervisor = makeSupervisor(sys);
  const child = (name: string, program: Program, priority: number): PdBuilder =>
    supervisor.child(name, { program, image: `${name}.ts`, priority });
  const driver = child('ethernet_driver', ethernetDriver, 101);
  const tx = child('net_virt_tx', virtTx, 100);
  const rx = child('net_virt_rx', virtRx, 99);
  const client = child('client0', echoClient, 97);
  net(sys, { device: networkDevice, driver, tx, rx }).addClient(client, { ip: '10.0.2.15' });
  const children = [driver, tx, rx, client];
  supervise(sys, {
    supervisor,
    children,
    mute: children.filter(({ name }) => mute.includes(name)),
    ...limits,
  });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('\n'));
  return built.system;
}

function makeSupervisor(sys: SystemBuilder): PdBuilder {
  const pd = sys.pd('supervisor', {
    program: supervisorProgram,
    image: 'clients/supervisor/main.ts',
    priority: 102,
  });
  const stats = sys.region('supervisor_stats', { size: '4K' });
  pd.map(stats, { perms: 'rw' });
  pd.configure({ stats: stats.name });
  return pd;
}
