/** The same run on one's own machine: a line for a shell that does what the page shows. */

import type { SystemInfo } from '../engine/protocol.ts';
import { DISK_BYTES, type Scenario } from '../engine/scenario.ts';

/** A run has a length. */
const FOR_NS_MIN = 1000;
/** Without a plan, each world of a campaign has one of its own. */
const NO_PLAN = '{"schema":1,"rules":[]}';

/**
 * @param forNs how long it runs, from boot on
 * @param info what the system has to be plugged into something
 * @returns one line; undefined when no options say the same: a person has done something in the
 * run or is at its cable
 */
export function commandLine(
  scenario: Scenario,
  forNs: number,
  info: Pick<SystemInfo, 'nics' | 'uarts' | 'disks' | 'content'>,
): string | undefined {
  const { system, choices, seed, net, ramBytes, plan, inputs } = scenario;
  if (net === 'test') return testedLine(scenario);
  if (inputs.length > 0 || info.uarts.length > 1) return undefined;
  // With nobody there, the command's link is down.
  if (info.nics > 0 && net === 'hand') return undefined;
  const words = ['npx sddf run', system, '--clock virtual --json'];
  for (const [name, choice] of Object.entries(choices)) words.push(`--set ${name}=${choice}`);
  words.push(`--seed ${seed}`);
  if (info.nics > 0) words.push(...netWords(scenario));
  // Else it is the terminal.
  if (info.uarts.length > 0) words.push('--serial none');
  for (let disk = 0; disk < info.disks; disk += 1) {
    words.push(
      `--disk mem=${DISK_BYTES / 1024}K${info.content === 'fat' ? ',fat,sector=512' : ''}`,
    );
  }
  if (ramBytes !== undefined) words.push(`--ram ${ramBytes / 1024}K`);
  words.push(`--for ${Math.max(FOR_NS_MIN, forNs)}ns`);
  if (plan === '') return words.join(' ');
  return `${planWritten(plan)} && ${words.join(' ')} --faults plan.json`;
}

/** A world of `sddf sim`. One with an order of its own is told by its failure file alone. */
function testedLine({ system, choices, seed, plan, test = {} }: Scenario): string | undefined {
  if (test.decisions !== undefined) return undefined;
  const words = ['npx sddf sim', system, `--seeds ${seed}`, '--plan plan.json'];
  for (const [name, choice] of Object.entries(choices)) words.push(`--set ${name}=${choice}`);
  if (test.amount !== undefined) words.push(`--amount ${test.amount}`);
  if (test.forNs !== undefined) words.push(`--for ${test.forNs}ns`);
  if (test.invariantsEvery !== undefined) words.push(`--invariants ${test.invariantsEvery}`);
  return `${planWritten(plan === '' ? NO_PLAN : plan)} && ${words.join(' ')}`;
}

function planWritten(plan: string): string {
  return `printf '%s\\n' ${quoted(plan)} > plan.json`;
}

function netWords({ rate, frame }: Scenario): readonly string[] {
  return [
    '--net loop',
    ...(rate === undefined ? [] : [`--rate ${rate} --burst 1`]),
    ...(frame === undefined ? [] : [`--frame ${frame}`]),
  ];
}

/** A plan may be a stranger's, and has texts and comments: a shell shall see one word of it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
