/**
 * Domains: partitions of processor time that follow each other in a schedule which can be changed
 * at run time.
 */

import {
  DOMAIN_SCHEDULE_CONFIGURE,
  DOMAIN_SCHEDULE_SET_START,
  DOMAIN_SET_SET,
  ILLEGAL_OPERATION,
  TRUNCATED_MESSAGE,
} from '../abi.ts';
import { refuse, refuseArgument, refuseRange } from '../errors.ts';
import { argument, argumentHigh } from '../ipc/message-registers.ts';
import type { Tcb } from '../objects/objects.ts';
import {
  isSchedulable,
  rescheduleRequired,
  schedDequeue,
  schedEnqueue,
  setThreadState,
} from './ready-queue.ts';
import { applyDomain, commitTime, isEndMarker } from './schedule.ts';
import { DOMAIN_SCHEDULE_ENTRIES, DOMAINS, STATUS_OK } from '../state.ts';
import type { KernelState, Status } from '../state.ts';

export function decodeDomain(k: KernelState, label: number, length: number): Status {
  switch (label) {
    case DOMAIN_SET_SET:
      return decodeSet(k, length);
    case DOMAIN_SCHEDULE_CONFIGURE:
      return decodeConfigure(k, length);
    case DOMAIN_SCHEDULE_SET_START:
      return decodeSetStart(k, length);
    default:
      return refuse(k, ILLEGAL_OPERATION);
  }
}

function decodeSet(k: KernelState, length: number): Status {
  if (length === 0) return refuse(k, TRUNCATED_MESSAGE);
  const domain = argument(k, 0);
  if (domain >= DOMAINS) return refuseArgument(k, 0);
  const slot = k.extraCaps[0];
  if (slot === null) return refuse(k, TRUNCATED_MESSAGE);
  if (slot.cap.kind !== 'thread') return refuseArgument(k, 1);
  setThreadState(k, k.current, 'restart');
  setDomain(k, slot.cap.tcb, domain);
  return STATUS_OK;
}

export function setDomain(k: KernelState, tcb: Tcb, domain: number): void {
  schedDequeue(k, tcb);
  tcb.domain = domain;
  if (isSchedulable(tcb)) schedEnqueue(k, tcb);
  if (tcb === k.current) rescheduleRequired(k);
}

function decodeConfigure(k: KernelState, length: number): Status {
  if (length < 3) return refuse(k, TRUNCATED_MESSAGE);
  const index = argument(k, 0);
  const domain = argument(k, 1);
  const duration = argument(k, 2);
  if (index >= DOMAIN_SCHEDULE_ENTRIES - 1) return refuseRange(k, 0, DOMAIN_SCHEDULE_ENTRIES - 2);
  if (domain >= DOMAINS) return refuseRange(k, 0, DOMAINS - 1);
  if (argumentHigh(k, 2) >>> 24 !== 0) return refuseArgument(k, 2);
  if (duration === 0 && domain !== 0) return refuseArgument(k, 1);
  if (duration === 0 && index === k.domainStart) return refuseArgument(k, 2);
  setThreadState(k, k.current, 'restart');
  k.domainSchedule[index] = { domain, duration };
  return STATUS_OK;
}

function decodeSetStart(k: KernelState, length: number): Status {
  if (length < 1) return refuse(k, TRUNCATED_MESSAGE);
  const index = argument(k, 0);
  if (index >= DOMAIN_SCHEDULE_ENTRIES) return refuseRange(k, 0, DOMAIN_SCHEDULE_ENTRIES - 1);
  if (isEndMarker(k, index)) return refuseArgument(k, 0);
  setThreadState(k, k.current, 'restart');
  k.domainStart = index;
  // The new schedule begins now.
  commitTime(k);
  k.domainIndex = index;
  applyDomain(k);
  k.reprogram = true;
  rescheduleRequired(k);
  return STATUS_OK;
}
