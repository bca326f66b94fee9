/**
 * Seeded mutations of descriptions, for the fuzz test: bytes, words of the format, and whole
 * stretches of the file.
 */

/** A small generator with a good period (mulberry32): a seed gives the same run everywhere. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const WORDS = [
  '<protection_domain name="x">',
  '</protection_domain>',
  '<program_image path="x" />',
  '<memory_region name="m" size="0x1000" />',
  '<map mr="m" vaddr="0x1000" />',
  '<irq irq="1" id="1" />',
  '<channel><end pd="x" id="1" /><end pd="x" id="2" /></channel>',
  '<domains>',
  '<domain_schedule start_index="0">',
  '<schedule_entry domain="d" duration="1 us" />',
  '<virtual_machine name="v"><vcpu id="0" /></virtual_machine>',
  '<cspace><cap_tcb slot="1" pd="x" /></cspace>',
  '<io_address_space name="i" peripheral_id="0:1.0" domain_id="1">',
  '<iomap mr="m" iovaddr="0x1000" />',
  '<setvar symbol="s" region_paddr="m" />',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  '<![CDATA[',
  ']]>',
  '<!--',
  '-->',
  '&amp;',
  '&#x10FFFF;',
  '&b;',
  '"',
  "'",
  '<',
  '/>',
  '=',
  '0xffffffffffffffff',
  '-1',
  '18446744073709551616',
  '\u0000',
  '\ud800',
  '𝔸',
  '\r\n',
  ' id="0"',
  ' priority="255"',
];

/** @returns `text` with one to eight changes, or, one time in twenty, random characters */
export function mutate(text: string, random: (below: number) => number): string {
  if (random(20) === 0) return randomText(random);
  let mutated = text;
  for (let changes = 1 + random(8); changes > 0; changes -= 1) {
    const at = random(mutated.length + 1);
    const length = random(random(4) === 0 ? 400 : 12);
    const before = mutated.slice(0, at);
    const after = mutated.slice(at + length);
    switch (random(5)) {
      case 0:
        mutated = before + after;
        break;
      case 1:
        mutated = before + (WORDS[random(WORDS.length)] ?? '') + mutated.slice(at);
        break;
      case 2:
        mutated = before + String.fromCharCode(random(256)) + mutated.slice(at + 1);
        break;
      case 3:
        mutated = before + mutated.slice(at, at + length).repeat(1 + random(30)) + after;
        break;
      default: {
        const from = random(mutated.length + 1);
        mutated = before + mutated.slice(from, from + 200) + mutated.slice(at);
      }
    }
    if (mutated.length > 200_000) mutated = mutated.slice(0, 200_000);
  }
  return mutated;
}

function randomText(random: (below: number) => number): string {
  let text = '';
  for (let left = random(2000); left > 0; left -= 1) text += String.fromCharCode(random(300));
  return text;
}
