/**
 * `<channel>` with its two ends. Read after everything else, so that ends may name any protection
 * domain.
 */

import type { ChannelEndDescription } from '../model.ts';
import type { Element } from '../xml/element.ts';
import { Attributes, present } from './attributes.ts';
import type { ChannelDraft, PdDraft, Reading } from './draft.ts';
import { claimSymbol } from './protection-domain.ts';

/** @returns undefined when an end is missing or unusable */
export function readChannel(
  reading: Reading,
  element: Element,
  pds: ReadonlyMap<string, PdDraft>,
): ChannelDraft | undefined {
  const { report } = reading;
  new Attributes(element, report, []);
  const ends: (ChannelEndDescription | undefined)[] = [];
  for (const child of element.children) {
    if (child.tag === 'end') ends.push(readEnd(reading, child, pds));
    else if (child.tag !== '#text') {
      const hint = report.didYouMean(child.tag, ['end']);
      report.colon(`invalid XML element '${child.tag}'`, child, { hint });
    }
  }
  if (ends.length !== 2) {
    report.onElement('exactly two end elements must be specified', element);
    return undefined;
  }
  const [a, b] = ends;
  if (a?.pp === true && b?.pp === true) {
    const hint = 'the end of the caller alone has pp="true"';
    report.onElement('cannot ppc bidirectionally', element, { hint });
  }
  if (a === undefined || b === undefined) return undefined;
  for (const end of [a, b]) {
    const pd = pds.get(end.pd);
    if (pd !== undefined) claimSymbol(reading, pd, end.setvarId, element);
  }
  return { element, a, b };
}

function readEnd(
  reading: Reading,
  element: Element,
  pds: ReadonlyMap<string, PdDraft>,
): ChannelEndDescription | undefined {
  const known = ['pd', 'id', 'pp', 'notify', 'setvar_id'];
  const attributes = new Attributes(element, reading.report, known);
  const pd = attributes.required('pd');
  const id = attributes.identifier('id');
  const pp = attributes.boolean('pp', 'false');
  const notify = attributes.boolean('notify', 'true');
  if (pd !== undefined && !pds.has(pd)) {
    const hint = reading.report.didYouMean(pd, pds.keys());
    attributes.refuse('pd', `invalid PD name '${pd}'`, hint);
    return undefined;
  }
  if (pd === undefined || id === undefined) return undefined;
  return { pd, id, pp, notify, ...present('setvarId', attributes.optional('setvar_id')) };
}
