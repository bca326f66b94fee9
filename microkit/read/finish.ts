/** The last step of reading: a draft without errors becomes the model. */

import { assert } from '../../memory/assert.ts';
import type {
  IoAddressSpaceDescription,
  PdDescription,
  RegionDescription,
  SystemDescription,
  VirtualMachineDescription,
} from '../model.ts';
import { withPageSizes } from '../page-size.ts';
import { present } from './attributes.ts';
import type { IoAddressSpaceDraft, PdDraft, RegionDraft, SystemDraft, VmDraft } from './draft.ts';

export function finish(name: string, draft: SystemDraft): SystemDescription {
  const system: SystemDescription = {
    name,
    protectionDomains: draft.pds.map(finishPd),
    regions: draft.regions.map(finishRegion),
    channels: draft.channels.map(({ a, b }) => ({ a, b })),
    ioAddressSpaces: draft.ioAddressSpaces.map(finishIoAddressSpace),
    ...present('domains', draft.domains),
  };
  return { ...system, regions: withPageSizes(system) };
}

function finishPd(pd: PdDraft): PdDescription {
  const { name, image, virtualMachine: vm } = pd;
  assert(name !== undefined && image !== undefined, 'a domain without errors is complete');
  return {
    name,
    image,
    priority: pd.priority,
    budgetUs: pd.budgetUs,
    periodUs: pd.periodUs,
    passive: pd.passive,
    stackBytes: pd.stackBytes,
    cpu: pd.cpu,
    fpu: pd.fpu,
    smc: pd.smc,
    ...present('domain', pd.domain),
    ...present('id', pd.id),
    ...present('setvarId', pd.setvarId),
    maps: pd.maps.map(({ value }) => value),
    irqs: pd.irqs.map(({ value }) => value),
    ioPorts: pd.ioPorts.map(({ value }) => value),
    setvars: pd.setvars.map(({ value }) => value),
    children: pd.children.map(finishPd),
    ...present('virtualMachine', vm === undefined ? undefined : finishVm(vm)),
    cspace: pd.caps.map(({ value }) => value),
  };
}

function finishVm(vm: VmDraft): VirtualMachineDescription {
  const { name, priority, budgetUs, periodUs, vcpus } = vm;
  assert(name !== undefined, 'a virtual machine without errors has a name');
  const maps = vm.maps.map(({ value }) => value);
  return { name, priority, budgetUs, periodUs, vcpus, maps };
}

function finishRegion(region: RegionDraft): RegionDescription {
  const { name, size, pageBytes, pageBytesAsked, physAddr, prefill } = region;
  assert(size !== undefined, 'a region without errors has a size');
  return {
    name,
    size,
    pageBytes,
    ...present('pageBytesAsked', pageBytesAsked),
    ...present('physAddr', physAddr),
    ...present('prefill', prefill),
  };
}

function finishIoAddressSpace(space: IoAddressSpaceDraft): IoAddressSpaceDescription {
  const { name, domainId, device } = space;
  assert(name !== undefined && device !== undefined, 'an I/O address space is complete');
  const maps = space.maps.map(({ value }) => value);
  return { name, device, ...present('domainId', domainId), maps };
}
