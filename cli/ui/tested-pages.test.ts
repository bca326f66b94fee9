// Failures in pages: each page has an engine of its own in the command's process, and is answered
// what a page's own worker would answer. Sockets on loopback; the page itself is not needed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { PageServer } from '../../host/page/page-server.ts';
import type { Answer, Request } from '../../page/engine/protocol.ts';
import { readyMade } from '../../page/engine/found-system.ts';
import { FIRST_SCENARIO } from '../../page/engine/scenario.ts';
import { requestText } from '../../page/share/request-text.ts';
import {
  type CampaignSystem,
  runSeed,
  type SeedReport,
  Tally,
} from '../../sim/campaign/campaign.ts';
import type { Failure } from '../../sim/failure/failure-file.ts';
import { openPages } from './tested-pages.ts';
import { CampaignPages } from './campaign-pages.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-tested-pages-'));
writeFileSync(join(folder, 'index.html'), '');
const before = process.env['SDDF_PAGE'];
const SEED = 3;

let loaded: CampaignSystem;
let report: SeedReport;
let failure: Failure;
const opened: WebSocket[] = [];
const servers: PageServer[] = [];

beforeAll(async () => {
  process.env['SDDF_PAGE'] = folder;
  const { target } = await readyMade(FIRST_SCENARIO);
  const check = () => [{ where: 'echo', what: 'hope is lost' }];
  loaded = {
    reference: { reference: './hope.ts', choices: {}, searchPath: [] },
    digests: {},
    target: { ...target, oracles: [{ name: 'hope', holds: 'there is hope', check }] },
  };
  const spec = { plan: undefined, amount: 40, forNs: undefined, explore: undefined, twiceEvery: 0 };
  report = runSeed(loaded, spec, SEED);
  if (report.failure === undefined) throw new Error('nothing satisfies this oracle');
  ({ failure } = report);
});

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.terminate();
  for (const server of servers.splice(0)) await server.close('over');
});

afterAll(() => {
  if (before === undefined) delete process.env['SDDF_PAGE'];
  else process.env['SDDF_PAGE'] = before;
  rmSync(folder, { recursive: true });
});

/** A page, as far as the run knows it. */
class Page {
  readonly told: Answer[] = [];
  closed: number | undefined;
  readonly #socket: WebSocket;
  #changed = (): void => undefined;

  constructor(url: string) {
    const { host, origin, hash } = new URL(url);
    const token = hash.replace('#live=', '');
    this.#socket = new WebSocket(`ws://${host}/live?token=${token}`, { headers: { origin } });
    opened.push(this.#socket);
    this.#socket.on('message', (data: Buffer) => {
      this.told.push(JSON.parse(data.toString()) as Answer);
      this.#changed();
    });
    this.#socket.on('close', (code) => {
      this.closed = code;
      this.#changed();
    });
  }

  ask(request: Request): void {
    this.send(requestText(request));
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  async until<Found>(find: (page: Page) => Found | undefined): Promise<Found> {
    for (;;) {
      const found = find(this);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  /** @returns the first of its kind that fits */
  answer<Kind extends Answer['kind']>(
    kind: Kind,
    fits: (answer: Extract<Answer, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<Answer, { kind: Kind }>> {
    const isOne = (each: Answer): each is Extract<Answer, { kind: Kind }> =>
      each.kind === kind && fits(each as Extract<Answer, { kind: Kind }>);
    return this.until(({ told }) => told.find(isOne));
  }
}

async function replayPages(): Promise<string> {
  const server = await openPages({ loaded, port: 0, first: failure, greet: () => [] });
  servers.push(server);
  return server.url;
}

describe('a failure in a page', () => {
  it('is judged as it was then, told as a story, and walked through', async () => {
    const page = new Page(await replayPages());
    const { judgement, isSame } = await page.answer('judged');
    const { info } = await page.answer('loaded');
    await page.answer('view');
    page.ask({ kind: 'seek', moment: { kind: 'entry', count: 30 } });
    const { view } = await page.answer('view', (each) => each.view.counts.entry === 30);
    page.ask({ kind: 'capabilities', pd: 'ethernet_driver' });
    const { rows } = await page.answer('capabilities');

    expect(isSame).toBe(true);
    expect(judgement.story.at(-1)?.text).toBe('hope: echo: hope is lost');
    expect(info.abilities).toEqual(['time', 'faults', 'oracles']);
    expect(view.stands).toBe('middle');
    expect(rows.map(({ type }) => type)).toContain('IRQHandler');
  });

  it('is another world in each page', async () => {
    const url = await replayPages();
    const [one, two] = [new Page(url), new Page(url)];
    const firsts = await Promise.all([one.answer('view'), two.answer('view')]);
    one.ask({ kind: 'step', unit: 'entry', by: 1 });
    const entries = firsts[0].view.counts.entry + 1;
    await one.answer('view', ({ view }) => view.counts.entry === entries);
    two.ask({ kind: 'pause' });
    await two.until(({ told }) =>
      told.filter((each) => each.kind === 'view').length > 1 ? 1 : undefined,
    );

    expect(firsts[1].view).toEqual(firsts[0].view);
    expect(two.told.filter((each) => each.kind === 'view').at(-1)).toMatchObject({
      view: { counts: { entry: entries - 1 } },
    });
  });

  it.each([
    ['what is no request', 'hello'],
    ['what a page of ours does not ask', '{"kind":"load","scenario":{}}'],
    ['a fault that there is not', '{"kind":"break","rule":{"at":"x","fault":"y"}}'],
  ])('sends away who asks for %s', async (_what, text) => {
    const page = new Page(await replayPages());
    await page.answer('view');
    page.send(text);

    expect(await page.until(({ closed }) => closed)).toBe(1008);
  });

  it('sends away who asks faster than anybody looks', async () => {
    const page = new Page(await replayPages());
    await page.answer('view');
    for (let count = 0; count < 300; count += 1) page.ask({ kind: 'pause' });

    expect(await page.until(({ closed }) => closed)).toBe(1008);
  });
});

describe('a campaign in a page', () => {
  it('shows how far it is, and opens a failure', async () => {
    const pages = await CampaignPages.open(loaded, { plan: undefined, total: 9, port: 0 });
    const tally = new Tally();
    tally.add(report);
    pages.show(tally, 'going on');
    const page = new Page(pages.url);
    const { campaign } = await page.answer('campaign');
    page.ask({ kind: 'open', seed: SEED + 1 });
    page.ask({ kind: 'open', seed: SEED });
    const { judgement } = await page.answer('judged');
    pages.show(tally, 'over');
    await page.answer('campaign', (each) => each.campaign.isOver);
    await pages.close();

    expect(campaign).toMatchObject({ worlds: 1, total: 9, failed: 1, isOver: false });
    expect(campaign.failures).toMatchObject([{ seed: SEED, count: 1 }]);
    expect(judgement.verdict).toBe('failed');
    expect(await page.until(({ closed }) => closed)).toBe(1000);
  });

  it.each([
    ['endless', 'this world does not end; sddf replay'],
    ['died', 'the process of this world dies; sddf replay'],
  ] as const)('says of a world that was %s who can run it', async (stopped, words) => {
    const pages = await CampaignPages.open(loaded, { plan: undefined, total: 9, port: 0 });
    const tally = new Tally();
    tally.add({ ...report, failure: { ...failure, stopped } });
    pages.show(tally, 'over');
    const page = new Page(pages.url);
    await page.answer('campaign');
    page.ask({ kind: 'open', seed: SEED });
    const { text } = await page.answer('failed');
    await pages.close();

    expect(text).toContain(words);
    expect(page.told.some(({ kind }) => kind === 'loaded')).toBe(false);
  });
});
