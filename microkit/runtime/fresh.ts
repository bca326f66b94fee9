/**
 * What a child's image does before `init` when its parent has restarted it `fresh`: as a C
 * program's start-up code clears .bss, it sets the memory that is the domain's own back to what it
 * was at boot. Memory that others map too is left alone, for they go on using it; so are devices
 * and memory at a fixed address.
 */

import type { UserThread } from '../../kernel/user.ts';
import { type FlatPd, flatten, regionNamed, type SystemDescription } from '../model.ts';
import type { PdProfile } from './profile.ts';
import { mapWritable } from './regions.ts';

export function clearOwnMemory(
  thread: UserThread,
  profile: PdProfile,
  { system, pd }: { readonly system: SystemDescription; readonly pd: FlatPd },
): void {
  const others = flatten(system).filter((other) => other.index !== pd.index);
  const shared = new Set(others.flatMap((other) => other.pd.maps.map(({ region }) => region)));
  for (const { region: name, permissions } of pd.pd.maps) {
    const region = regionNamed(system, name);
    if (region === undefined || region.physAddr !== undefined) continue;
    if (shared.has(name) || !permissions.includes('w')) continue;
    const memory = mapWritable(thread, profile, name);
    memory.fill(0, 0, memory.sizeBytes);
    if (region.prefill?.kind === 'file') memory.write(0, region.prefill.bytes);
  }
}
