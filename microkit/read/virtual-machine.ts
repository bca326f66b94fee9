/** `<virtual_machine>` with its virtual CPUs and its memory. */

import type { Element } from '../xml/element.ts';
import { Attributes, present } from './attributes.ts';
import type { Reading, VmDraft } from './draft.ts';
import { readMap } from './map.ts';

const DEFAULT_BUDGET_US = 1000n;
const PRIORITY_MAX = 254n;

/**
 * @param pdCpu core of the protection domain that it is in, and so of its virtual CPUs unless told
 */
export function readVirtualMachine(reading: Reading, element: Element, pdCpu: number): VmDraft {
  const { target, report } = reading;
  const known = target.arch === 'aarch64' ? ['name', 'priority', 'budget', 'period'] : ['name'];
  const attributes = new Attributes(element, report, known);
  const name = attributes.required('name');
  const scheduled = target.arch === 'aarch64';
  const budgetUs = (scheduled ? attributes.number('budget') : undefined) ?? DEFAULT_BUDGET_US;
  const periodUs = (scheduled ? attributes.number('period') : undefined) ?? budgetUs;
  checkBudget(attributes, budgetUs, periodUs);
  const priority = (scheduled ? attributes.number('priority') : undefined) ?? 0n;
  if (priority > PRIORITY_MAX) {
    attributes.refuse('priority', `priority must be between 0 and ${PRIORITY_MAX}`);
  }
  const vm: VmDraft = {
    element,
    name,
    priority: priority > PRIORITY_MAX ? 0 : Number(priority),
    budgetUs,
    periodUs,
    vcpus: [],
    maps: [],
  };
  readChildren(reading, vm, pdCpu);
  return vm;
}

/** Shared by protection domains and virtual machines. */
export function checkBudget(attributes: Attributes, budgetUs: bigint, periodUs: bigint): void {
  if (budgetUs <= periodUs) return;
  const message = `budget (${budgetUs}) must be less than, or equal to, period (${periodUs})`;
  attributes.refuse('period', message, `the budget is ${DEFAULT_BUDGET_US} us unless given`);
}

function readChildren(reading: Reading, vm: VmDraft, pdCpu: number): void {
  const { report, target } = reading;
  let virtualCpus = 0;
  for (const child of vm.element.children) {
    switch (child.tag) {
      case 'vcpu':
        virtualCpus += 1;
        readVcpu(reading, vm, child, pdCpu);
        break;
      case 'map': {
        const context = { of: 'virtual machine', vaddrEnd: target.userTop + 1n } as const;
        const map = readMap(reading, child, context);
        if (map !== undefined) vm.maps.push({ value: map, element: child });
        break;
      }
      case '#text':
        break;
      default:
        // The tool says where the virtual machine is, not where the child is.
        report.exactly(
          `Error: invalid XML element '${child.tag}': ${report.place(vm.element)}`,
          child,
          { hint: "a virtual machine has 'vcpu' and 'map' elements" },
        );
    }
  }
  if (virtualCpus === 0) {
    const name = vm.name ?? '';
    report.exactly(`Error: missing 'vcpu' element on virtual_machine: '${name}'`, vm.element);
  }
  if (target.arch === 'x86_64' && virtualCpus > 1) {
    report.onElement('only one vcpu is supported on x86_64', vm.element);
  }
}

function readVcpu(reading: Reading, vm: VmDraft, element: Element, pdCpu: number): void {
  const { target } = reading;
  const attributes = new Attributes(element, reading.report, ['id', 'cpu', 'setvar_id']);
  const id = attributes.identifier('id');
  const cpu = attributes.number('cpu') ?? BigInt(pdCpu);
  if (cpu >= BigInt(target.cores)) {
    attributes.refuse('cpu', `cpu core must be less than ${target.cores}, got ${cpu}`);
    return;
  }
  if (id === undefined) return;
  if (vm.vcpus.some((vcpu) => vcpu.id === id)) {
    const message = `duplicate vcpu id ${id} in virtual machine '${vm.name ?? ''}'`;
    reading.report.at(message, element, { attribute: 'id' });
    return;
  }
  const setvarId = present('setvarId', attributes.optional('setvar_id'));
  vm.vcpus.push({ id, cpu: Number(cpu), ...setvarId });
}
