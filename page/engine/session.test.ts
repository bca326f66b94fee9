// The engine without a browser: the same bytes as the command line, and moments that are the same
// from whichever side one comes to them.

import { describe, expect, it } from 'vitest';
import { longTest } from '../../test/support/long-test.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import type { Rule } from '../../sim/plan/plan.ts';
import { frameText, pingFrame, udpFrame } from './frames.ts';
import type { Answer, Request } from './protocol.ts';
import { FIRST_SCENARIO, type Scenario } from './scenario.ts';
import { Session } from './session.ts';
import type { WorldView } from './world-view.ts';

const SCENARIO: Scenario = { ...FIRST_SCENARIO, seed: 7 };

class Page {
  readonly answers: Answer[] = [];
  readonly session = new Session((answer) => this.answers.push(answer));

  static async open(scenario: Scenario = SCENARIO): Promise<Page> {
    const page = new Page();
    await page.ask({ kind: 'load', scenario });
    return page;
  }

  async ask(request: Request): Promise<WorldView> {
    await this.session.ask(request);
    return this.view;
  }

  get view(): WorldView {
    const answer = this.last('view');
    return answer.view;
  }

  last<Kind extends Answer['kind']>(kind: Kind): Extract<Answer, { kind: Kind }> {
    const found = this.answers.findLast((each) => each.kind === kind);
    if (found === undefined) throw new Error(`nothing of ${kind} was said`);
    return found as Extract<Answer, { kind: Kind }>;
  }

  play(forNs: number): void {
    this.session.advance(forNs, () => false);
  }
}

describe('a run in the page', () => {
  // The same of one more scenario, in npm test too: share/command-line.test.ts.
  longTest('prints the same bytes as sddf run --clock virtual --json', async () => {
    const page = await Page.open({ ...FIRST_SCENARIO, seed: 7 });
    await page.ask({ kind: 'report', forNs: 5_000_000 });

    const line =
      'run echo --clock virtual --json --net loop --rate 2000 --burst 1 --seed 7 --for 5ms';
    const { stdout } = await sddfInProcess(...line.split(' '));
    expect(`${page.last('report').json}\n`).toBe(stdout);
  });

  it('has the same digest at a moment, whichever way one has come there', async () => {
    const page = await Page.open();
    const there = await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 4_000_000 } });
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 9_000_000 } });
    const back = await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 4_000_000 } });
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 2_500_000 } });
    page.play(1_500_000);
    const played = await page.ask({ kind: 'pause' });

    expect(there.digest).toBeTypeOf('number');
    expect(back).toEqual(there);
    expect(played).toEqual(there);
  });

  it.each(['entry', 'event', 'packet'] as const)(
    'steps by %s, forwards and backwards',
    async (unit) => {
      const page = await Page.open();
      await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 4_000_000 } });
      const before = page.view.counts[unit];
      const first = await page.ask({ kind: 'step', unit, by: 1 });
      const second = await page.ask({ kind: 'step', unit, by: 1 });
      const again = await page.ask({ kind: 'step', unit, by: -1 });

      expect(first.counts[unit]).toBe(before + 1);
      expect(second.counts[unit]).toBe(before + 2);
      expect(second.timeNs).toBeGreaterThanOrEqual(first.timeNs);
      expect(again).toEqual(first);
      expect(first.stands).toBe('middle');
    },
  );

  it('goes on from the middle of a kernel entry as if nobody had looked', async () => {
    const looked = await Page.open();
    await looked.ask({ kind: 'seek', moment: { kind: 'entry', count: 300 } });
    await looked.ask({ kind: 'play', speed: 1 });
    await looked.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 20_000_000 } });
    const straight = await Page.open();
    await straight.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 20_000_000 } });

    expect(looked.view).toEqual(straight.view);
  });

  it('knows who is in the middle of what', async () => {
    const page = await Page.open();
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 4_000_000 } });
    const seen = new Set<string>();
    for (let step = 0; step < 12; step += 1) {
      const { underWay } = await page.ask({ kind: 'step', unit: 'entry', by: 1 });
      seen.add(`${underWay?.pd}: ${underWay?.call}`);
    }

    expect([...seen]).toContain('net_virt_rx: NBSendRecv: notify client1_net_copier');
  });

  it('follows a packet from the NIC to the wire', async () => {
    const page = await Page.open();
    await page.ask({ kind: 'path', packet: 2 });
    const { path } = page.last('path');

    expect(path.outcome).toBe('sent');
    expect(path.hops.map(({ at }) => at)).toEqual([
      'NIC',
      'ethernet_driver',
      'net_virt_rx',
      'client1_net_copier',
      'client1',
      'net_virt_tx',
      'ethernet_driver',
      'NIC',
    ]);
  });

  it('says when a program printed, also before the system had booted', async () => {
    const page = await Page.open();

    expect(page.last('log')).toMatchObject({ pd: 'ethernet_driver' });
    expect(page.last('log').timeNs).toBeGreaterThan(1_000_000);
  });

  it('lists what a domain holds, and records what happens for Perfetto', async () => {
    const page = await Page.open();
    await page.ask({ kind: 'capabilities', pd: 'ethernet_driver' });
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 3_000_000 } });
    await page.ask({ kind: 'trace' });

    const types = page.last('capabilities').rows.map(({ type }) => type);
    expect(types).toContain('IRQHandler');
    const trace: unknown = JSON.parse(page.last('trace').json);
    expect(trace).toHaveProperty('traceEvents');
  });
});

describe('what a person does', () => {
  const guest = { ip: '10.0.2.15', mac: '52:54:01:00:00:01' };

  it('sends a ping and a datagram, and both are answered', async () => {
    const page = await Page.open({ ...SCENARIO, net: 'hand' });
    const { guests } = page.last('loaded').info;
    const to = guests.find(({ ip }) => ip === guest.ip) ?? guest;
    await page.ask({ kind: 'input', input: { kind: 'frame', bytes: pingFrame(to, 1) } });
    await page.ask({ kind: 'input', input: { kind: 'frame', bytes: udpFrame(to, 1235, 'hi') } });
    page.play(20_000_000);
    const frames = page.answers.flatMap((each) => (each.kind === 'frame' ? [each.bytes] : []));

    expect(frames.map(frameText)).toEqual(
      expect.arrayContaining(['10.0.2.15: ping answer', '10.0.2.15: UDP “hi”']),
    );
  });

  it('is part of the run: the same again when one goes back and on', async () => {
    const page = await Page.open();
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 4_000_000 } });
    const bytes = pingFrame(guest, 1);
    await page.ask({ kind: 'input', input: { kind: 'frame', bytes } });
    page.play(6_000_000);
    const there = await page.ask({ kind: 'pause' });
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 3_000_000 } });
    const again = await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: there.timeNs } });

    expect(again).toEqual(there);
    expect(page.last('scenario').scenario.inputs).toEqual([
      { atNs: 4_000_000, kind: 'frame', bytes },
    ]);
  });

  it('types on a console, which answers', async () => {
    const page = await Page.open({ ...SCENARIO, system: 'serial' });
    const bytes = [...Buffer.from('help\r')];
    page.play(20_000_000);
    await page.ask({ kind: 'input', input: { kind: 'typed', uart: 0, bytes } });
    page.play(50_000_000);
    const said = page.answers.flatMap((each) => (each.kind === 'console' ? [...each.bytes] : []));

    expect(Buffer.from(said).toString()).toContain('help');
  });

  it('breaks something, which strikes from then on and not before', async () => {
    const page = await Page.open();
    const before = await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 4_000_000 } });
    const rule: Rule = {
      at: 'net.wire.in',
      fault: 'lose',
      when: { fromNs: 4_000_000 },
      for: { times: 1 },
      parameters: {},
      optional: 'yes',
    };
    const broken = await page.ask({ kind: 'break', rule });
    page.play(6_000_000);

    // The cable is made of another part now, which takes its own time for a frame.
    expect(broken.counts).toEqual(before.counts);
    expect(broken.strikes).toEqual([]);
    expect(page.view.strikes).toMatchObject([{ at: 'net.wire.in', fault: 'lose' }]);
    expect(page.view.strikes[0]?.timeNs).toBeGreaterThanOrEqual(4_000_000);
  });

  it.each([
    [{ system: 'nothing' }, "there is no system 'nothing'"],
    [{ choices: { path: '9pd' } }, 'path is one of 5pd'],
    [{ plan: '{' }, 'plan'],
    [{ plan: '{"schema":1,"rules":[{"at":"x","fault":"y"}]}' }, "no point 'x'"],
  ])('cannot load %j', async (change, words) => {
    await expect(Page.open({ ...SCENARIO, ...change })).rejects.toThrow(words);
  });
});
