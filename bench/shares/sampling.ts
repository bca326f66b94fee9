/**
 * Whose time it is: this process is looked at ten thousand times a second while it works, and each
 * look counts for the domain, the kernel or the board whose function was running. What all of them
 * use (queues, memory, loops in WebAssembly) counts for whoever has called it.
 *
 * V8's profiler tells of functions that have been inlined, too. It costs some per cent of the time,
 * so shares are sampled in a run of their own.
 */

import { type Profiler, Session } from 'node:inspector';

/** Nanoseconds by whose they were; what nobody is known to have had is not in it. */
export type Times = ReadonlyMap<string, number>;

/** @returns undefined for code that counts for its caller */
export type Owner = (path: string) => string | undefined;

const INTERVAL_US = 100;
/** Until the next look: what took longer was another process's, which had the processor. */
const LOOK_US_MAX = 5 * INTERVAL_US;
/** Of the project, as stacks name it: sources, or what has been compiled of them. */
export const ROOT_URL = new URL('../../', import.meta.url).href;
/** V8's own names for time in none of a program's functions. */
const ENGINE: Readonly<Record<string, string | undefined>> = {
  '(garbage collector)': 'garbage collector',
  '(program)': 'engine',
};

/** Works, and is looked at meanwhile. */
export async function sampleTimes(work: () => Promise<void> | void, owner: Owner): Promise<Times> {
  const session = new Session();
  session.connect();
  try {
    await post(session, 'Profiler.enable');
    await post(session, 'Profiler.setSamplingInterval', { interval: INTERVAL_US });
    await post(session, 'Profiler.start');
    await work();
    const { profile } = await post<{ profile: Profiler.Profile }>(session, 'Profiler.stop');
    return timesOf(profile, owner);
  } finally {
    session.disconnect();
  }
}

function post<Answer = undefined>(
  session: Session,
  method: string,
  parameters: object = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error: Error | null, answer) => {
      if (error === null) resolve(answer as Answer);
      else reject(error);
    });
  });
}

/** Adds up a profile's looks; each counts until the next one, if that comes soon. */
export function timesOf(profile: Profiler.Profile, owner: Owner): Times {
  const owners = ownersOf(profile, owner);
  const times = new Map<string, number>();
  const { samples = [], timeDeltas = [] } = profile;
  for (const [index, node] of samples.entries()) {
    const whose = owners.get(node);
    const lasted = Math.min(timeDeltas[index + 1] ?? 0, LOOK_US_MAX);
    if (whose !== undefined) times.set(whose, (times.get(whose) ?? 0) + lasted * 1e3);
  }
  return times;
}

/** By the profile's nodes: a node is a function with those that have called it. */
function ownersOf(profile: Profiler.Profile, owner: Owner): ReadonlyMap<number, string> {
  const owners = new Map<number, string>();
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const name = (id: number, caller: string | undefined): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const { functionName, url } = node.callFrame;
    const whose = ENGINE[functionName] ?? owner(pathOf(url)) ?? caller;
    if (whose !== undefined) owners.set(id, whose);
    for (const child of node.children ?? []) name(child, whose);
  };
  const [root] = profile.nodes;
  if (root !== undefined) name(root.id, undefined);
  return owners;
}

/** From the project's folder on, without the domain that a module was loaded for. */
function pathOf(url: string): string {
  return url.startsWith(ROOT_URL) ? url.slice(ROOT_URL.length).replace(/[?].*$/, '') : '';
}
