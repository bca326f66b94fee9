/**
 * Test support: the echo system on a virtual board, with the test at the other end of the cable.
 */

import { StagedLink } from '../../board/links/staged-link.ts';
import type { EthernetWire } from '../../board/ethernet.ts';
import type { BuildResult } from '../../microkit/builder.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import {
  createTestbed,
  type Testbed,
  type TestbedOptions,
  type WireParts,
} from '../../systems/testbed.ts';

export interface EchoTestbed {
  readonly testbed: Testbed;
  readonly link: StagedLink;
  readonly lines: string[];
  /** Domains that a fault has blocked, with the fault's label. */
  readonly faults: string[];
  /** Frames that the board has sent since the last call. */
  received(): Uint8Array[];
}

/** What the cable says of the checksums of what it carries; 'unknown' unless told. */
export type LinkChecksums = StagedLink['checksums'];

export interface EchoTestbedOptions {
  readonly path?: string;
  /** Programs that take the place of the system's, by domain. */
  readonly replace?: Readonly<Record<string, Program>>;
  /** Changes the description. */
  readonly change?: (system: SystemDescription) => SystemDescription;
  readonly checksums?: LinkChecksums;
  /** Wraps the cable. */
  readonly wrap?: (wire: EthernetWire, parts: WireParts) => EthernetWire;
  readonly more?: Partial<TestbedOptions>;
}

export function described(result: BuildResult): SystemDescription {
  if (result.ok) return result.system;
  throw new Error(result.errors.map((error) => error.message).join('\n'));
}

export function echoTestbed(options: EchoTestbedOptions = {}): EchoTestbed {
  const choices = options.path === undefined ? {} : { path: options.path };
  const system = described(echo.build(completeChoices(echo, choices)));
  const replaced = withPrograms(system, options.replace ?? {});
  const lines: string[] = [];
  const faults: string[] = [];
  let link: StagedLink | undefined;
  const testbed = createTestbed({
    system: options.change?.(replaced) ?? replaced,
    clock: 'virtual',
    ...(echo.counters === undefined ? {} : { counters: echo.counters }),
    wires: (parts) => {
      link = new StagedLink({ ram: parts.ram, checksums: options.checksums ?? 'unknown' });
      return { net: options.wrap?.(link, parts) ?? link };
    },
    observer: {
      log: (pd, line) => lines.push(`${pd}: ${line}`),
      faulted: (pd, fault) => faults.push(`${pd} ${fault.label}`),
    },
    ...options.more,
  });
  const cable = link as StagedLink | undefined;
  if (cable === undefined) throw new Error('the testbed has not asked for its wires');
  return {
    testbed,
    link: cable,
    lines,
    faults,
    received: () => {
      const frames: Uint8Array[] = [];
      cable.drain({ transmit: (frame) => frames.push(frame.slice()) });
      return frames;
    },
  };
}

/** The same system with other programs in some of its domains. */
function withPrograms(
  system: SystemDescription,
  programs: Readonly<Record<string, Program>>,
): SystemDescription {
  const protectionDomains = system.protectionDomains.map((pd) => {
    const program = programs[pd.name];
    return program === undefined ? pd : { ...pd, image: { ...pd.image, program } };
  });
  return { ...system, protectionDomains };
}
