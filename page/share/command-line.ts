/** The same run on one's own machine: a line for a shell that does what the page shows. */

import { shellQuoted, shellText } from '../../systems/shell-text.ts';
import type { SystemInfo } from '../engine/protocol.ts';
import { DISK_BYTES, type Scenario } from '../engine/scenario.ts';
import { rulesOf } from '../engine/scenario-plan.ts';

/** A run has a length. */
const FOR_NS_MIN = 1000;
/** Without a plan, each world of a campaign has one of its own. */
const NO_PLAN = '{"schema":1,"rules":[]}';

/** All but ends of lines. */
const CONTROL = /[^\P{Cc}\n]/u;
const CONTROLS = new RegExp(CONTROL, 'gu');

/**
 * @param forNs how long it runs, from boot on
 * @param info what the system has to be plugged into something
 * @param files of a system of one's own: written by the command, or on this machine already
 * @returns one command, which writes first what it needs; undefined when no options say the same: a
 * person has done something in the run or is at its cable
 */
export function commandLine(
  scenario: Scenario,
  forNs: number,
  info: Pick<SystemInfo, 'nics' | 'uarts' | 'disks' | 'content' | 'points'>,
  files: 'written' | 'there' = 'written',
): string | undefined {
  const line = commandOf(scenario, forNs, info);
  // A choice is quoted alone.
  const hasControl = Object.entries(scenario.choices).some((each) => CONTROL.test(each.join('=')));
  if (hasControl) return undefined;
  if (line === undefined || scenario.own === undefined || files === 'there') return line;
  return [...Object.entries(scenario.own.files).map(written), line].join(' && ');
}

/** The command alone, with the plan that it reads. */
function commandOf(
  scenario: Scenario,
  forNs: number,
  info: Parameters<typeof commandLine>[2],
): string | undefined {
  const { seed, net, ramBytes, plan, inputs } = scenario;
  if (net === 'test') return testedLine(scenario);
  if (inputs.length > 0 || info.uarts.length > 1) return undefined;
  // The command's disks may be files, which keep what they have when the power goes.
  if (rulesOf(scenario, info.points).some(({ fault }) => fault === 'power-cut')) return undefined;
  // With nobody there, the command's link is down.
  if (info.nics > 0 && net === 'hand') return undefined;
  const words = ['npx sddf run', systemWord(scenario), '--clock virtual --json'];
  words.push(...choiceWords(scenario));
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
  words.push(`--for ${Math.max(FOR_NS_MIN, Math.round(forNs))}ns`);
  if (plan === '') return words.join(' ');
  return `${planWritten(plan)} && ${words.join(' ')} --faults plan.json`;
}

/** A world of `sddf sim`. One with an order of its own is told by its failure file alone. */
function testedLine(scenario: Scenario): string | undefined {
  const { seed, plan, test = {} } = scenario;
  if (test.decisions !== undefined) return undefined;
  const words = ['npx sddf sim', systemWord(scenario), `--seeds ${seed}`, '--plan plan.json'];
  words.push(...choiceWords(scenario));
  if (test.amount !== undefined) words.push(`--amount ${test.amount}`);
  if (test.forNs !== undefined) words.push(`--for ${test.forNs}ns`);
  if (test.invariantsEvery !== undefined) words.push(`--invariants ${test.invariantsEvery}`);
  return `${planWritten(plan === '' ? NO_PLAN : plan)} && ${words.join(' ')}`;
}

function systemWord({ system, own }: Scenario): string {
  if (own === undefined) return system;
  return own.main.endsWith('.ts') ? `./${own.main}` : own.main;
}

/** A choice may be a stranger's, as a plan may. */
function choiceWords({ choices }: Scenario): readonly string[] {
  return Object.entries(choices).map(([name, choice]) => {
    return `--set ${shellText(`${name}=${choice}`)}`;
  });
}

/** A command that writes a file; its path has letters, digits and slashes alone. */
function written([path, text]: readonly [string, string]): string {
  const folder = path.includes('/') ? `mkdir -p ${path.slice(0, path.lastIndexOf('/'))} && ` : '';
  return `${folder}${printed(text)} > ${path}`;
}

function planWritten(plan: string): string {
  const print = CONTROL.test(plan) ? printed(`${plan}\n`) : `printf '%s\\n' ${shellQuoted(plan)}`;
  return `${print} > plan.json`;
}

/**
 * A command that prints a text. A terminal acts on control characters before its shell sees a
 * quote, so that what follows them might be a command: none is in the line, but ends of lines.
 */
function printed(text: string): string {
  if (!CONTROL.test(text)) return `printf %s ${shellQuoted(text)}`;
  const escaped = text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll(CONTROLS, (letter) =>
      [...new TextEncoder().encode(letter)]
        .map((byte) => `\\0${byte.toString(8).padStart(3, '0')}`)
        .join(''),
    );
  return `printf %b ${shellQuoted(escaped)}`;
}

function netWords({ rate, frame }: Scenario): readonly string[] {
  return [
    '--net loop',
    ...(rate === undefined ? [] : [`--rate ${rate} --burst 1`]),
    ...(frame === undefined ? [] : [`--frame ${frame}`]),
  ];
}
