/**
 * What the package exports, while modules of a user's are loaded: classes are constant with their
 * prototypes, and tables with all that is in them. One domain's program would change for all what
 * it replaced in `Kernel.prototype` or in the table of costs; to try is an error of its own.
 *
 * What programs are given (`memory/`, `queues/`, `pd`) is frozen where it stands.
 */

const ROOMS = [
  () => import('../../memory/public.ts'),
  () => import('../../queues/public.ts'),
  () => import('../../kernel/public.ts'),
  () => import('../../board/public.ts'),
  () => import('../../microkit/public.ts'),
  () => import('../../host/public.ts'),
  () => import('../../systems/public.ts'),
];

/** For good: nothing of ours relies on changing them. */
export async function holdExports(): Promise<void> {
  for (const room of await exportsOfRooms()) for (const value of Object.values(room)) hold(value);
}

export function exportsOfRooms(): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return Promise.all(ROOMS.map((load) => load()));
}

function hold(value: unknown): void {
  if (typeof value === 'function') {
    Object.freeze(value);
    if (value.prototype !== undefined) Object.freeze(value.prototype);
    return;
  }
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) hold(part);
}
