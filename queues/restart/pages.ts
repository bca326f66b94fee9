/**
 * The two pages of the restart protocol, byte for byte. A supervisor has one, which its children
 * read; each child that speaks the protocol has one, which the supervisor reads.
 *
 *     EpochPage     0    epoch of each child, u32        even: it runs, odd: it is down
 *                 256    how long it has been down in all, ns, u64
 *                 768    round, u32                      counts up; whoever sees it repeats it
 *     AnswerPage    0    of each neighbour, u32          the last epoch for which we have let go of it;
 *                        at our own number, the last epoch that we have come out of
 *                 256    buffers taken back, u32         from neighbours that were down
 *                 260    epochs refused, u32             because they went back
 *                 264    note, u32                       the one thing that a program remembers
 *                 268    round, u32                      the last one that we have seen
 *
 * An epoch begins as 0 and goes up by one at each death and at each start, modulo 2^32.
 */

import type { ReadonlyRegion, Region } from '../../memory/region.ts';

/** Numbers of children: Microkit's are below 62. */
export const CHILDREN_MAX = 64;
/** Of either page. */
export const RESTART_PAGE_BYTES = 0x1000;
const DOWN_TIME_AT = 4 * CHILDREN_MAX;
const TAKEN_BACK_AT = 4 * CHILDREN_MAX;
const REFUSED_AT = TAKEN_BACK_AT + 4;
const NOTE_AT = REFUSED_AT + 4;
const SEEN_ROUND_AT = NOTE_AT + 4;
const ROUND_AT = DOWN_TIME_AT + 8 * CHILDREN_MAX;

/** Whether a child is down: its epoch is odd. */
export function isDown(epoch: number): boolean {
  return (epoch & 1) !== 0;
}

/** @returns a child's epoch, from the supervisor's page */
export function readEpoch(page: ReadonlyRegion, child: number): number {
  return page.read32(4 * child);
}

/** Sets a child's epoch, in the supervisor's page; 32 bits. */
export function writeEpoch(page: Region, child: number, epoch: number): void {
  page.write32(4 * child, epoch);
}

/** @returns nanoseconds that a child has been down in all, up to its last start */
export function readDownTime(page: ReadonlyRegion, child: number): number {
  const at = DOWN_TIME_AT + 8 * child;
  return page.read32(at) + page.read32(at + 4) * 0x1_0000_0000;
}

/** Adds nanoseconds to the time that a child has been down in all. */
export function addDownTime(page: Region, child: number, durationNs: number): void {
  const at = DOWN_TIME_AT + 8 * child;
  const sum = readDownTime(page, child) + durationNs;
  page.write32(at, sum % 0x1_0000_0000);
  page.write32(at + 4, Math.floor(sum / 0x1_0000_0000));
}

/** @returns the last epoch of a neighbour that the owner of the page has let go of */
export function readAnswer(page: ReadonlyRegion, child: number): number {
  return page.read32(4 * child);
}

/**
 * Says that the page's owner has let go of a neighbour up to this epoch; of its own number, that it
 * runs.
 */
export function writeAnswer(page: Region, child: number, epoch: number): void {
  page.write32(4 * child, epoch);
}

/** @returns buffers that the owner of the page has taken back from neighbours that were down */
export function readTakenBack(page: ReadonlyRegion): number {
  return page.read32(TAKEN_BACK_AT);
}

/** Counts buffers that were taken back from neighbours that were down. */
export function addTakenBack(page: Region, buffers: number): void {
  page.write32(TAKEN_BACK_AT, readTakenBack(page) + buffers);
}

/** @returns epochs that the owner of the page did not believe */
export function readRefused(page: ReadonlyRegion): number {
  return page.read32(REFUSED_AT);
}

/** Counts an epoch that was not believed. */
export function addRefused(page: Region): void {
  page.write32(REFUSED_AT, readRefused(page) + 1);
}

/** @returns what a program has left for itself, should it be started again; 0 at first */
export function readNote(page: ReadonlyRegion): number {
  return page.read32(NOTE_AT);
}

/** Leaves a word of 32 bits for this program, should it be started again. */
export function writeNote(page: Region, note: number): void {
  page.write32(NOTE_AT, note);
}

/** @returns the round in which the supervisor asks whether its children still answer */
export function readRound(page: ReadonlyRegion): number {
  return page.read32(ROUND_AT);
}

/** The supervisor's: asks whether its children still answer. */
export function writeRound(page: Region, round: number): void {
  page.write32(ROUND_AT, round);
}

/** @returns the last round that the owner of the page has answered */
export function readSeenRound(page: ReadonlyRegion): number {
  return page.read32(SEEN_ROUND_AT);
}

/** A child's: it has come round since it was asked. */
export function writeSeenRound(page: Region, round: number): void {
  page.write32(SEEN_ROUND_AT, round);
}
