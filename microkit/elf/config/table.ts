/**
 * All configuration sections that an image may have, and the two ways through the table: from a
 * domain's record to the bytes of its sections, and from a section's bytes to values.
 */

import type { PdDescription, SystemDescription } from '../../model.ts';
import { BENCHMARK_SECTIONS } from './benchmark.ts';
import { BLK_CONFIG } from './blk.ts';
import { DEVICE_SECTIONS } from './device.ts';
import { ECHO_SECTIONS } from './echo.ts';
import { I2C_CONFIG } from './i2c.ts';
import { NET_CONFIG } from './net.ts';
import type { ConfigSection, EncodedSection } from './section.ts';
import { RESTART_SECTIONS } from './restart.ts';
import { SERIAL_CONFIG } from './serial.ts';
import { TIMER_CONFIG } from './timer.ts';

export const CONFIG_SECTIONS: readonly ConfigSection[] = [
  ...DEVICE_SECTIONS,
  ...NET_CONFIG,
  ...BLK_CONFIG,
  ...SERIAL_CONFIG,
  ...TIMER_CONFIG,
  ...I2C_CONFIG,
  ...BENCHMARK_SECTIONS,
  ...ECHO_SECTIONS,
  ...RESTART_SECTIONS,
];

/** @returns the sections that a domain's configuration comes to; none for a domain without one */
export function configurationOf(
  system: SystemDescription,
  pd: PdDescription,
): readonly EncodedSection[] {
  return CONFIG_SECTIONS.map((section) => section.encode(system, pd)).filter(
    (section) => section !== undefined,
  );
}

/**
 * @returns the structures that a section of this name may hold: two for `.benchmark_config`, none
 * for other sections
 */
export function configSectionsNamed(name: string): readonly ConfigSection[] {
  return CONFIG_SECTIONS.filter((section) => section.name === name);
}

/** Whether a section is of this project's own images: sDDF's do not have it. */
export function isOwnSection(name: string): boolean {
  return [...ECHO_SECTIONS, ...RESTART_SECTIONS].some((section) => section.name === name);
}
