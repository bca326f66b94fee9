/** The same system with smaller queues and fewer buffers: they fill and wrap within a short run. */

import type { PdDescription, SystemDescription } from '../../microkit/model.ts';

/**
 * Fields of a configuration record that count slots, buffers or descriptors; see
 * `queues/net/config.ts`.
 */
const COUNTS: ReadonlySet<string> = new Set(['capacity', 'buffers', 'ringEntries']);
const COUNT_MIN = 4;

/** @param by a power of two; regions stay as large as they are */
export function withSmallQueues(system: SystemDescription, by: number): SystemDescription {
  if (by === 1) return system;
  return { ...system, protectionDomains: system.protectionDomains.map((pd) => smaller(pd, by)) };
}

function smaller(pd: PdDescription, by: number): PdDescription {
  return {
    ...pd,
    config: smallerRecord(pd.config, by),
    children: pd.children.map((child) => smaller(child, by)),
  };
}

function smallerRecord(value: unknown, by: number): unknown {
  if (Array.isArray(value)) return value.map((each) => smallerRecord(each, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [
      field,
      COUNTS.has(field) && typeof inner === 'number'
        ? Math.max(COUNT_MIN, inner / by)
        : smallerRecord(inner, by),
    ]),
  );
}
