/** The pages of `sddf sim --ui`: how far it is, and the failures that a page opens. */

import { hostNow } from '../../host/host-time.ts';
import type { PageServer } from '../../host/page/page-server.ts';
import { campaignViewOf } from '../../page/engine/campaign-view.ts';
import type { CampaignSystem, Tally } from '../../sim/campaign/campaign.ts';
import type { Failure } from '../../sim/failure/failure-file.ts';
import type { Plan } from '../../sim/plan/plan.ts';
import type { CaughtInterrupts } from '../run/interrupt.ts';
import { answerText } from './hosted-session.ts';
import { isEnded, openPages } from './tested-pages.ts';

/** A person does not read faster. */
const SHOW_NS = 100_000_000;

interface About {
  readonly plan: Plan | undefined;
  /** Worlds in all. */
  readonly total: number;
}

/** What is shown now. */
interface Shown {
  text: string;
  /** By the first seed that has shown each. */
  failures: ReadonlyMap<number, Failure>;
}

export class CampaignPages {
  readonly #pages: PageServer;
  readonly #shown: Shown;
  readonly #loaded: CampaignSystem;
  readonly #about: About;
  #shownNs = -Infinity;

  private constructor(pages: PageServer, shown: Shown, loaded: CampaignSystem, about: About) {
    this.#pages = pages;
    this.#shown = shown;
    this.#loaded = loaded;
    this.#about = about;
  }

  /** @throws UserMistake */
  static async open(
    loaded: CampaignSystem,
    about: About & { readonly port: number },
  ): Promise<CampaignPages> {
    const shown: Shown = { text: '', failures: new Map() };
    const pages = await openPages({
      ...{ loaded, port: about.port, first: undefined },
      greet: () => (shown.text === '' ? [] : [shown.text]),
      open: (seed) => shown.failures.get(seed),
    });
    return new CampaignPages(pages, shown, loaded, about);
  }

  get url(): string {
    return this.#pages.url;
  }

  show(tally: Tally, state: 'going on' | 'over'): void {
    const nowNs = hostNow();
    if (state === 'going on' && nowNs - this.#shownNs < SHOW_NS) return;
    this.#shownNs = nowNs;
    const { plan, total } = this.#about;
    const { reference, target } = this.#loaded;
    const campaign = campaignViewOf(tally, {
      system: reference.reference,
      description: target.system,
      plan,
      total,
      isOver: state === 'over',
    });
    this.#shown.text = answerText({ kind: 'campaign', campaign });
    this.#shown.failures = new Map(tally.distinct().map(({ seed, failure }) => [seed, failure]));
    this.#pages.show(this.#shown.text);
  }

  /** Until somebody ends the command; then pages are told. */
  async hold(interrupt: CaughtInterrupts): Promise<void> {
    await isEnded(interrupt);
    await this.close();
  }

  async close(): Promise<void> {
    await this.#pages.close('the campaign is over');
  }
}
