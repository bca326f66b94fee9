/** The same run on one's own machine: a line for a shell that does what the page shows. */

import type { Scenario } from '../engine/scenario.ts';

/** A run has a length. */
const FOR_NS_MIN = 1000;

/**
 * @param forNs how long it runs, from boot on
 * @returns one line; undefined when a person has done something in the run, which no option says
 */
export function commandLine(scenario: Scenario, forNs: number): string | undefined {
  const { system, choices, seed, net, rate, frame, ramBytes, plan, inputs } = scenario;
  if (inputs.length > 0) return undefined;
  const words = ['npx sddf run', system, '--clock virtual --json'];
  for (const [name, choice] of Object.entries(choices)) words.push(`--set ${name}=${choice}`);
  words.push(`--seed ${seed}`);
  words.push(net === 'loop' ? '--net loop' : '--net none');
  if (rate !== undefined && net === 'loop') words.push(`--rate ${rate} --burst 1`);
  if (frame !== undefined && net === 'loop') words.push(`--frame ${frame}`);
  if (ramBytes !== undefined) words.push(`--ram ${ramBytes / 1024}K`);
  words.push(`--for ${Math.max(FOR_NS_MIN, forNs)}ns`);
  if (plan === '') return words.join(' ');
  return `printf '%s\\n' ${quoted(plan)} > plan.json && ${words.join(' ')} --faults plan.json`;
}

/** A plan may be a stranger's, and has texts and comments: a shell shall see one word of it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
