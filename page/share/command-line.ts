/** The same run on one's own machine: a line for a shell that does what the page shows. */

import type { SystemInfo } from '../engine/protocol.ts';
import { DISK_BYTES, type Scenario } from '../engine/scenario.ts';

/** A run has a length. */
const FOR_NS_MIN = 1000;

/**
 * @param forNs how long it runs, from boot on
 * @param info what the system has to be plugged into something
 * @returns one line; undefined when no options say the same: a person has done something in the
 * run or is at its cable, or there are several NICs
 */
export function commandLine(
  scenario: Scenario,
  forNs: number,
  info: Pick<SystemInfo, 'nics' | 'uarts' | 'disks' | 'content'>,
): string | undefined {
  const { system, choices, seed, net, ramBytes, plan, inputs } = scenario;
  if (inputs.length > 0 || info.nics > 1 || info.uarts.length > 1) return undefined;
  // With nobody there, the command's link is down.
  if (info.nics === 1 && net === 'hand') return undefined;
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
  return `printf '%s\\n' ${quoted(plan)} > plan.json && ${words.join(' ')} --faults plan.json`;
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
