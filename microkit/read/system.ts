/**
 * Elements to model, with every check of the Microkit tool. The tool stops at the first error; this
 * goes on and reports all of them, the tool's first one first. Sources: Microkit manual, and the
 * messages of tool 2.3.
 */

import { isError } from '../diagnostic.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { SystemDescription } from '../model.ts';
import type { Target } from '../target.ts';
import type { Element } from '../xml/element.ts';
import { readChannel } from './channel.ts';
import { checkHierarchy, checkSystem } from './check-system.ts';
import { readDomains } from './domains.ts';
import type { PdDraft, PrefillFiles, Reading, SystemDraft } from './draft.ts';
import { flattenDrafts } from './draft.ts';
import { finish } from './finish.ts';
import { type IoAddressSpaceNames, readIoAddressSpace } from './io-address-space.ts';
import { readMemoryRegion } from './memory-region.ts';
import { readProtectionDomain } from './protection-domain.ts';
import { Reporter } from './reporter.ts';

/** What a description is read against. */
export interface ReadOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  readonly target: Target;
  readonly files: PrefillFiles;
}

export type ReadResult =
  | {
      readonly ok: true;
      readonly system: SystemDescription;
      readonly warnings: readonly Diagnostic[];
    }
  /** At least one of these is an error; warnings stand between them. */
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

const TAGS = [
  'protection_domain',
  'memory_region',
  'channel',
  'domains',
  'io_address_space',
] as const;

/** @returns the description, or everything that is wrong with it */
export function readSystem(root: Element, options: ReadOptions): ReadResult {
  const report = new Reporter(options.file);
  report.enter(root);
  const reading: Reading = { target: options.target, report, files: options.files };
  const draft: SystemDraft = {
    pds: [],
    regions: [],
    channels: [],
    ioAddressSpaces: [],
    domains: undefined,
    domainNames: undefined,
  };
  if (root.tag === 'system') {
    readChildren(reading, draft, root);
    const pds = flattenDrafts(draft.pds);
    checkHierarchy(reading, pds);
    readChannels(reading, draft, root, pds);
    checkSystem(reading, draft);
  } else {
    report.colon(`the root element must be 'system', not '${root.tag}'`, root);
  }
  const diagnostics = report.diagnostics();
  if (diagnostics.some(isError)) return { ok: false, diagnostics };
  return { ok: true, system: finish(options.file, draft), warnings: diagnostics };
}

function readChildren(reading: Reading, draft: SystemDraft, root: Element): void {
  const ioNames = {
    names: new Set<string>(),
    devices: new Set<string>(),
    domainIds: new Set<number>(),
  };
  for (const child of root.children) readChild(reading, { draft, ioNames, root }, child);
}

interface Level {
  readonly draft: SystemDraft;
  readonly ioNames: IoAddressSpaceNames;
  readonly root: Element;
}

function readChild(reading: Reading, { draft, ioNames, root }: Level, child: Element): void {
  const { report } = reading;
  switch (child.tag) {
    case 'protection_domain': {
      const { domainNames: domains } = draft;
      draft.pds.push(readProtectionDomain(reading, child, { place: 'root', domains }));
      return;
    }
    case 'memory_region': {
      const region = readMemoryRegion(reading, child);
      if (region !== undefined) draft.regions.push(region);
      return;
    }
    case 'channel':
      return; // read when all protection domains are known
    case 'domains':
      if (draft.domains !== undefined) {
        report.onElement('The <domains> element can only appear once', child);
        return;
      }
      draft.domains = readDomains(reading, child);
      draft.domainNames = new Set(draft.domains.domains.map(({ name }) => name));
      return;
    case 'io_address_space': {
      const space = readIoAddressSpace(reading, child, ioNames);
      if (space !== undefined) draft.ioAddressSpaces.push(space);
      return;
    }
    case 'virtual_machine':
      report.colon('virtual machine must be a child of a protection domain', child);
      return;
    case '#text': {
      // The tool says where the element is that the text is in.
      const place = report.place(root);
      report.exactly(`Error: unexpected text found in element 'system' @ ${place}`, child);
      return;
    }
    default: {
      const hint = report.didYouMean(child.tag, TAGS) ?? `a system has ${TAGS.join(', ')}`;
      report.colon(`invalid XML element '${child.tag}'`, child, { hint });
    }
  }
}

function readChannels(
  reading: Reading,
  draft: SystemDraft,
  root: Element,
  pds: readonly PdDraft[],
): void {
  const byName = new Map<string, PdDraft>();
  for (const pd of pds) if (pd.name !== undefined) byName.set(pd.name, pd);
  for (const child of root.children) {
    if (child.tag !== 'channel') continue;
    const channel = readChannel(reading, child, byName);
    if (channel !== undefined) draft.channels.push(channel);
  }
}
