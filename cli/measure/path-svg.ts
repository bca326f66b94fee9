/**
 * A packet's or a request's path as a picture. Downwards is the order of time; each memory region
 * that the packet was in is a lane. The packet is a blue line: down a lane while it stays in its
 * buffer, across from lane to lane where it is copied. Grey dashed lines are the empty buffers on
 * their way back.
 */

import type { FollowedPath, PathHop, ReturnHop } from '../../systems/trace/packet-path.ts';
import { outcomeText, since } from './path-report.ts';

const ROW_HEIGHT = 46;
const TOP = 130;
const LEFT = 24;
const TIME_WIDTH = 74;
const LANE_WIDTH = 170;
const TEXT_GAP = 28;
const CHARACTER_WIDTH = 7.3;
const LANE_CHARACTERS = 16;

type Row = { readonly doneNs: number } & (
  | { readonly kind: 'hop'; readonly hop: PathHop }
  | { readonly kind: 'return'; readonly hop: ReturnHop }
);

/** @returns an SVG document that needs nothing else; for light and dark backgrounds */
export function pathSvg(system: string, path: FollowedPath): string {
  return new PathPicture(system, path).draw();
}

class PathPicture {
  readonly #system: string;
  readonly #path: FollowedPath;
  readonly #rows: readonly Row[];
  readonly #lanes: readonly string[];
  readonly #textX: number;

  constructor(system: string, path: FollowedPath) {
    this.#system = system;
    this.#path = path;
    this.#rows = [
      ...path.hops.map((hop) => ({ kind: 'hop' as const, hop, doneNs: hop.doneNs })),
      ...path.returns.map((hop) => ({ kind: 'return' as const, hop, doneNs: hop.doneNs })),
    ].toSorted((a, b) => a.doneNs - b.doneNs);
    this.#lanes = [...new Set(this.#rows.map(({ hop }) => hop.buffer.region))];
    this.#textX = LEFT + TIME_WIDTH + this.#lanes.length * LANE_WIDTH + TEXT_GAP;
  }

  draw(): string {
    const rows = this.#rows.map((row, index) => this.#row(row, index));
    const longest = Math.max(...rows.map(({ texts }) => Math.max(...texts.map((t) => t.length))));
    const title = `${this.#system}, ${this.#path.subject} ${this.#path.number}`;
    const subtitle = outcomeText(this.#path, 'virtual');
    const width = Math.ceil(
      Math.max(
        this.#textX + longest * CHARACTER_WIDTH + LEFT,
        LEFT * 2 + subtitle.length * CHARACTER_WIDTH,
      ),
    );
    const height = TOP + this.#rows.length * ROW_HEIGHT + 16;
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
      `<title>${escape(`${title}: ${subtitle}`)}</title>`,
      STYLE,
      `<rect class="paper" width="${width}" height="${height}"/>`,
      `<text class="title" x="${LEFT}" y="34">${escape(title)}</text>`,
      `<text x="${LEFT}" y="56">${escape(subtitle)}</text>`,
      `<text class="dim" x="${LEFT}" y="${TOP - 18}">µs</text>`,
      ...this.#lanes.map((lane, index) => this.#lane(lane, index, height)),
      ...this.#returnLines(),
      ...this.#packetLines(),
      ...rows.map(({ svg }) => svg),
      '</svg>\n',
    ].join('\n');
  }

  #lane(name: string, index: number, height: number): string {
    const x = this.#laneX(index);
    const shown = name === '' ? 'memory of its own' : name;
    // Long names in two lines, so that neighbours do not touch.
    const cut = shown.length > LANE_CHARACTERS ? shown.lastIndexOf('_', LANE_CHARACTERS) + 1 : 0;
    const lines = cut > 0 ? [shown.slice(0, cut), shown.slice(cut)] : ['', shown];
    const text = lines.map(
      (line, at) =>
        `<text class="dim" text-anchor="middle" x="${x}" y="${TOP - 34 + 16 * at}">${escape(line)}</text>`,
    );
    return `<line class="lane" x1="${x}" y1="${TOP - 8}" x2="${x}" y2="${height - 12}"/>${text.join('')}`;
  }

  /** Down a lane from hop to hop, across where it is copied. */
  #packetLines(): readonly string[] {
    const points = this.#rows.flatMap((row, index) =>
      row.kind === 'hop'
        ? [{ x: this.#xOf(row.hop.buffer.region), y: rowY(index), hop: row.hop }]
        : [],
    );
    return points.slice(1).flatMap(({ x, y, hop }, index) => {
      const from = points[index] ?? { x, y };
      if (from.x === x) return [line('packet', x, from.y, x, y)];
      const middle = (from.x + x) / 2;
      const label = `copy ${hop.bytesCopied} B`;
      return [
        line('packet', from.x, from.y, from.x, y),
        line('packet copy', from.x, y, x, y),
        `<text class="copied" text-anchor="middle" x="${middle}" y="${y - 9}">${label}</text>`,
      ];
    });
  }

  /** From where the packet has left a buffer, down its lane as far as it was seen. */
  #returnLines(): readonly string[] {
    return this.#lanes.flatMap((lane, index) => {
      const inLane = this.#rows
        .map((row, at) => ({ row, at }))
        .filter(({ row }) => row.hop.buffer.region === lane);
      const lastHop = inLane.findLast(({ row }) => row.kind === 'hop');
      const last = inLane.findLast(({ row }) => row.kind === 'return');
      if (lastHop === undefined || last === undefined || last.at < lastHop.at) return [];
      const x = this.#laneX(index);
      return [line('return', x, rowY(lastHop.at), x, rowY(last.at))];
    });
  }

  #row(row: Row, index: number): { readonly svg: string; readonly texts: readonly string[] } {
    const y = rowY(index);
    const x = this.#xOf(row.hop.buffer.region);
    const startNs = this.#path.hops[0]?.doneNs ?? 0;
    const isHop = row.kind === 'hop';
    const verb = isHop ? VERBS[row.hop.what] : 'gives the empty buffer back';
    const what = `${row.hop.at} ${verb}`;
    const into = row.hop.into === '' ? '' : `→ ${row.hop.into}`;
    const queue =
      row.kind === 'hop' && row.hop.ahead > 0 ? `${into}, behind ${row.hop.ahead}` : into;
    const where = `${queue} · buffer 0x${row.hop.buffer.offset.toString(16)}`;
    const cssClass = isHop ? 'stage' : 'dim';
    const svg = [
      `<text class="time" text-anchor="end" x="${LEFT + TIME_WIDTH - 14}" y="${y + 5}">${since(row.doneNs, startNs)}</text>`,
      `<circle class="${isHop ? 'at' : 'back'}" cx="${x}" cy="${y}" r="${isHop ? 7 : 5}"/>`,
      `<text class="${cssClass}" x="${this.#textX}" y="${y - 2}">${escape(what)}</text>`,
      `<text class="dim small" x="${this.#textX}" y="${y + 15}">${escape(where)}</text>`,
    ].join('');
    return { svg, texts: [what, where] };
  }

  #xOf(region: string): number {
    return this.#laneX(this.#lanes.indexOf(region));
  }

  #laneX(index: number): number {
    return LEFT + TIME_WIDTH + (index + 0.5) * LANE_WIDTH;
  }
}

const VERBS: Readonly<Record<PathHop['what'], string>> = {
  received: 'receives it',
  passed: 'passes it on',
  copied: 'copies it',
  answered: 'answers it',
  sent: 'sends it',
  ended: 'lets nothing go on',
  asked: 'asks for it',
  read: 'is read',
  wrote: 'is written',
  finished: 'does it',
  replied: 'passes the response on',
  taken: 'takes the response',
};

const STYLE = `<style>
text { font: 14px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: #1b2733 }
.title { font-size: 20px; font-weight: 600 } .stage { font-weight: 600 } .small { font-size: 12px }
.dim { fill: #5a6876 } .time { font-variant-numeric: tabular-nums }
.paper { fill: #ffffff } .lane { stroke: #d5dce3; stroke-width: 1 }
.packet { stroke: #1f6feb; stroke-width: 5; stroke-linecap: round } .copy { stroke: #d9480f }
.copied { fill: #b83a06; font-weight: 600; font-size: 12px }
.return { stroke: #8996a3; stroke-width: 2; stroke-dasharray: 5 5 }
.at { fill: #ffffff; stroke: #1f6feb; stroke-width: 3 } .back { fill: #ffffff; stroke: #8996a3; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .dim { fill: #9aa7b4 } .paper, .at, .back { fill: #12181f } .lane { stroke: #2f3a45 }
.packet, .at { stroke: #58a6ff } .copy { stroke: #ff922b } .copied { fill: #ffa94d } }
</style>`;

function rowY(index: number): number {
  return TOP + index * ROW_HEIGHT + ROW_HEIGHT / 2;
}

function line(cssClass: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${cssClass}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
