// The engine without a browser: the same bytes as the command line, and moments that are the same
// from whichever side one comes to them.

import { describe, expect, it } from 'vitest';
import { longTest } from '../../test/support/long-test.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import type { Rule } from '../../sim/plan/plan.ts';
import { Random } from '../../board/random.ts';
import { standardChaos } from '../../sim/plan/chaos.ts';
import { planJson } from '../../sim/plan/write-plan.ts';
import { pointsOf } from '../../sim/points/system-points.ts';
import { storyOf, takeNotes } from '../../sim/shrink/story.ts';
import { runWorld } from '../../sim/world.ts';
import { type FindSystem, readyMade } from './found-system.ts';
import { frameText, pingFrame, udpFrame } from './frames.ts';
import type { Answer, Request } from './protocol.ts';
import { FIRST_SCENARIO, type Scenario } from './scenario.ts';
import { Session } from './session.ts';
import type { WorldView } from './world-view.ts';

const SCENARIO: Scenario = { ...FIRST_SCENARIO, seed: 7 };

class Page {
  readonly answers: Answer[] = [];
  readonly session: Session;

  constructor(find?: FindSystem) {
    this.session = new Session((answer) => this.answers.push(answer), find);
  }

  static async open(scenario: Scenario = SCENARIO, find?: FindSystem): Promise<Page> {
    const page = new Page(find);
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

  it('stops playing at whole nanoseconds, so that a link can say where', async () => {
    const page = await Page.open();
    page.play(1_234_567.891);

    expect(Number.isInteger(page.view.timeNs)).toBe(true);
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

  it('lets time pass while a console waits for somebody, and types at that time', async () => {
    const page = await Page.open({ ...SCENARIO, system: 'fat' });
    await page.ask({ kind: 'play', speed: 1 });
    page.play(300_000_000);
    const before = page.view;
    await page.ask({ kind: 'input', input: { kind: 'typed', uart: 0, bytes: [13] } });
    page.play(100_000_000);
    const there = await page.ask({ kind: 'pause' });
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 1_000_000 } });
    const again = await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: there.timeNs } });

    expect(before.timeNs).toBeGreaterThanOrEqual(300_000_000);
    expect(there.timeNs).toBe(before.timeNs + 100_000_000);
    expect(page.last('scenario').scenario.inputs[0]?.atNs).toBe(before.timeNs);
    expect(again).toEqual(there);
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

  it('cuts the power of a disk, which forgets what it was not told to keep', async () => {
    const page = await Page.open({ ...SCENARIO, system: 'blk', seed: 0 });
    const rule = (at: string, fault: string, when: Rule['when'], extent: Rule['for']): Rule => ({
      at,
      fault,
      when,
      for: extent,
      parameters: {},
      optional: 'yes',
    });
    const { timeNs } = page.view;
    const slow = rule('blk0.read', 'slow', { fromNs: timeNs }, { times: 1 });
    await page.ask({ kind: 'break', rule: slow });
    // The client reads back what it has written, and the disk takes its time.
    const there = await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: timeNs + 7000 } });
    const cut = rule('blk0.medium', 'power-cut', { timeNs: there.timeNs }, {});
    await page.ask({ kind: 'break', rule: cut });
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 20_000_000 } });

    expect(page.last('log').line).toMatch(/failed: byte \d+ differs/);
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

describe('a disk', () => {
  it('has the files that the system has written, beside its blocks', async () => {
    const page = await Page.open({ ...SCENARIO, system: 'fat' });
    page.play(20_000_000);
    for (const line of ['mkdir logs\r', 'write logs/boot.txt it runs\r']) {
      const bytes = [...Buffer.from(line)];
      await page.ask({ kind: 'input', input: { kind: 'typed', uart: 0, bytes } });
      page.play(100_000_000);
    }
    const seen = async (path: string): Promise<unknown> => {
      await page.ask({ kind: 'files', disk: 0, path });
      return page.last('files').listing;
    };

    expect(await seen('/')).toMatchObject({ entries: [{ name: 'logs', kind: 'directory' }] });
    expect(await seen('/logs')).toMatchObject({ entries: [{ name: 'boot.txt', sizeBytes: 8 }] });
    expect(await seen('/logs/boot.txt')).toMatchObject({
      bytes: Uint8Array.from(Buffer.from('it runs\n')),
    });
    expect(await seen('/nothing')).toMatchObject({ kind: 'none', path: '/nothing' });
    await page.ask({ kind: 'blocks', disk: 0, block: 0 });
    expect([...page.last('blocks').bytes.subarray(510)]).toEqual([0x55, 0xaa]);
  });

  it('may have no file system, which is said', async () => {
    const page = await Page.open({ ...SCENARIO, system: 'blk' });
    await page.ask({ kind: 'files', disk: 0, path: '/' });

    expect(page.last('files').listing).toMatchObject({
      kind: 'none',
      why: expect.stringContaining('no file system'),
    });
  });
});

describe('queues and processor', () => {
  it('shows virtqueues among the queues, by what the device has', async () => {
    const page = await Page.open();
    const { queues } = await page.ask({
      kind: 'seek',
      moment: { kind: 'time', timeNs: 4_000_000 },
    });
    const receive = queues.find(({ name }) => name === 'virtio_net receive virtqueue');

    expect(receive?.carries).toBe('empty buffers');
    expect(receive?.depth).toBeGreaterThan(0);
    expect(receive?.depth).toBeLessThanOrEqual(receive?.capacity ?? 0);
  });

  it('tells who had the processor, and what devices did', async () => {
    const page = await Page.open();
    const { timeNs } = await page.ask({ kind: 'seek', moment: { kind: 'packet', count: 3 } });
    await page.ask({ kind: 'timeline', lastNs: 1_000_000 });
    const { spans, marks, pds, fromNs, toNs } = page.last('timeline').timeline;
    const ran = new Set(spans.map(({ pd }) => pds[pd]));

    expect([fromNs, toNs]).toEqual([timeNs - 1_000_000, timeNs]);
    expect([...ran]).toEqual(expect.arrayContaining(['ethernet_driver', 'net_virt_rx', 'client0']));
    expect(marks.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['interrupt', 'frame in', 'frame out']),
    );
    // One after the other, and all of them in the window.
    spans.forEach((span, index) => {
      expect(span.toNs).toBeGreaterThanOrEqual(span.fromNs);
      expect(span.fromNs).toBeGreaterThanOrEqual(spans[index - 1]?.toNs ?? 0);
    });
  });
});

/** Echo, with an oracle of its own that nothing satisfies. */
const hopeless: FindSystem = async (scenario) => {
  const found = await readyMade(scenario);
  const check = () => [{ where: 'echo', what: 'hope is lost' }];
  return {
    ...found,
    target: { ...found.target, oracles: [{ name: 'hope', holds: 'there is hope', check }] },
  };
};

describe('a tested world', () => {
  const tested: Scenario = { ...SCENARIO, net: 'test', test: { amount: 60 } };

  /** Standard chaos, as a campaign draws it for this seed. */
  async function chaosFor(seed: number): Promise<Scenario> {
    const { target } = await readyMade(tested);
    const plan = standardChaos(pointsOf(target.system), new Random(seed).fork('plan'));
    return { ...tested, seed, plan: JSON.stringify(planJson(plan)) };
  }

  it('is judged by the oracles, with the story that sddf shrink prints', async () => {
    const scenario = await chaosFor(4);
    const page = await Page.open(scenario, hopeless);
    const { judgement } = page.last('judged');
    const { target } = await hopeless(scenario);
    const plan = standardChaos(pointsOf(target.system), new Random(4).fork('plan'));
    const { watch, notes } = takeNotes();
    const outcome = runWorld({ target, plan, seed: 4, amount: 60, watch });
    const story = judgement.story.map(
      ({ timeNs, text }) => `${(timeNs / 1e6).toFixed(3).padStart(9)} ms  ${text}`,
    );

    expect(judgement.verdict).toBe('failed');
    expect(story).toEqual(storyOf(outcome, pointsOf(target.system), notes));
    expect(story.at(-1)).toContain('hope: echo: hope is lost');
    expect(judgement.oracles.filter(({ broken }) => broken.length > 0)).toMatchObject([
      { name: 'hope', holds: 'there is hope' },
    ]);
    expect(page.last('loaded').info.abilities).toContain('oracles');
  });

  it('holds without faults, and then every oracle says so', async () => {
    const { judgement } = (await Page.open(tested)).last('judged');

    expect(judgement.verdict).toBe('passed');
    expect(judgement.oracles.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['answered-once', 'progress', 'buffer-ledger', 'kernel-invariants']),
    );
    expect(judgement.oracles.flatMap(({ broken }) => broken)).toEqual([]);
  });

  it('has the same state at a moment, whichever way one has come there', async () => {
    const page = await Page.open(await chaosFor(5));
    const middle = await page.ask({ kind: 'seek', moment: { kind: 'entry', count: 100 } });
    const timeNs = middle.timeNs + 200_000;
    const there = await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs } });
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: timeNs + 2_000_000 } });
    const back = await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs } });
    const again = await page.ask({ kind: 'seek', moment: { kind: 'entry', count: 100 } });
    const on = await page.ask({ kind: 'step', unit: 'entry', by: 1 });

    expect(there.digest).toBeTypeOf('number');
    expect(back).toEqual(there);
    expect(again).toEqual(middle);
    expect(on.counts.entry).toBe(101);
  });

  it('plays to its end, and no further', async () => {
    const page = await Page.open(tested);
    await page.ask({ kind: 'play', speed: 1 });
    for (let turn = 0; page.session.isPlaying && turn < 1000; turn += 1) page.play(10_000_000);

    expect(page.session.isPlaying).toBe(false);
    expect(page.view.timeNs).toBe(page.last('judged').judgement.endNs);
  });

  it('is judged anew when something is broken in it', async () => {
    const page = await Page.open(tested);
    await page.ask({ kind: 'seek', moment: { kind: 'time', timeNs: 2_300_000 } });
    const rule: Rule = {
      at: 'net.wire.in',
      fault: 'lose',
      when: { fromNs: 2_300_000 },
      for: { times: 1 },
      parameters: {},
      optional: 'yes',
    };
    await page.ask({ kind: 'break', rule });

    expect(page.last('judged').judgement.story).toMatchObject([
      { text: expect.stringMatching(/^net\.wire\.in, .*: the frame is lost$/) },
    ]);
  });

  it('is one of a campaign, whose failures are opened', async () => {
    const page = await Page.open(tested, hopeless);
    await page.ask({ kind: 'hunt', from: 11, count: 3 });
    while (page.session.isHunting) page.session.huntOn();
    const { campaign } = page.last('campaign');
    await page.ask({ kind: 'open', seed: 11 });

    expect(campaign).toMatchObject({ worlds: 3, total: 3, failed: 3, isOver: true });
    expect(campaign.failedBy).toEqual([{ oracle: 'hope', count: 3 }]);
    expect(campaign.failures).toMatchObject([{ seed: 11, count: 3 }]);
    expect(page.last('loaded').scenario).toMatchObject({ net: 'test', seed: 11 });
    expect(page.last('judged').judgement.verdict).toBe('failed');
  });
});
