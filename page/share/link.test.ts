// Links: what goes in comes out, what was given out once opens for ever, and what a stranger has
// made is refused in one line.

import { describe, expect, it } from 'vitest';
import { deflateSync, strToU8 } from 'fflate';
import { FIRST_SCENARIO } from '../engine/scenario.ts';
import { checkedFragment, fromFragment, type Shared, toFragment } from './link.ts';

const SHARED: Shared = {
  scenario: {
    ...FIRST_SCENARIO,
    choices: { path: '4pd', clients: '1' },
    seed: 4_294_967_295,
    frame: 1514,
    ramBytes: 256 * 1024 * 1024,
    plan: '{"schema":1,"rules":[{"at":"net.irq","fault":"lose"}]}',
    inputs: [
      { atNs: 5_000_000, kind: 'frame', bytes: [255, 0, 1] },
      { atNs: 5_000_001, kind: 'typed', uart: 0, bytes: [104, 105] },
    ],
  },
  moment: { kind: 'entry', count: 80 },
  mode: 'look',
};

/** With a system of one's own: a link of version 2. */
const OWN: Shared = {
  scenario: {
    ...FIRST_SCENARIO,
    system: 'echo',
    own: { main: 'my.ts', files: { 'my.ts': 'export {};\n', 'clients/echo/echo.ts': '// “é”\n' } },
  },
  mode: 'whole',
};

/** With an image: a link of version 3. */
const IMAGED: Shared = {
  scenario: {
    ...FIRST_SCENARIO,
    system: 'pair',
    own: { main: 'pair.system', files: { 'pair.system': '<system/>\n' } },
  },
  mode: 'embed',
  speed: 0.01,
  binaries: {
    'greeter.elf': Uint8Array.of(127, 69, 76, 70, 0, 255),
    'empty.bin': new Uint8Array(),
  },
};

/** A world of a failure file. */
const TESTED: Shared = {
  scenario: {
    ...FIRST_SCENARIO,
    seed: 12,
    net: 'test',
    test: {
      amount: 60,
      forNs: 5_000_000,
      decisions: '52:200 3:1250',
      invariantsEvery: 1,
      bulk: 'executed',
    },
    plan: '{"schema":1,"rules":[]}',
  },
  mode: 'whole',
};

function ownWith(change: object): unknown {
  const { scenario, mode } = OWN;
  return { scenario: { ...scenario, own: { ...scenario.own, ...change } }, mode };
}

/** Never changed: each was given out by a page of its version. */
const FROZEN: readonly (readonly [string, Shared])[] = [
  [
    '1.DYvBCoAgGIPfZWcP0tFXiQ5igwTzlzQiwndvlzH2ffvQE2u8siGov33wRADTYXBQ5sQuNB06uSN4h8ohpZg1KVccRFi8F2glVhGtubZ76LduOp62S8FzWCHmDw',
    { scenario: FIRST_SCENARIO, mode: 'whole' },
  ],
  [
    '1.VVBBboMwEPzLnq3KpjYNHPuAfgA4uLARKICpbQ4I-e8dJ2mlXKz1zs7szpwUel6tnxzVqI8QeaGauB8dCcI79RwytNk4AtDbkPvzxGtEnxQlQYF5oFoXla7Kj6IyglaOAGfnNkx7G5nqQkopaJvtCuRssXfkxbZUK9GS32cOqBsANqJos8Tb5H9aAny1-_zozi5wS6lL0J3Wbc9HNCc4XygMVty33KYVB9HV24Ux-H3EbKIpjBFSqC6JV4b6Z8RjgxVBu_UwAKU_qpJaKGm61ImnbK2M0tnc8vmYKcqLfjfalEhkcQsCyrk9hfHzR07O7bl_kfehATI5pRulXw',
    SHARED,
  ],
  [
    '2.JY-7DsIwFEN_Bd05QykqQ3ZWfoB2COlFjcijyqNQVfl33LJEVuwcOxslzV5FE0hCrymzI0msp0CCcBrNCVYVlJhHkudWkOeMTOaUkYkqM8m2aRpBs1UeztaDOrFTPfKip1gsJ-jHUPHA-LlkMB-D-DNQrFwoHuoKyCvEO-wOxAM6sjbJBI876tq96XTBjK45WAu2K5_TbeG47nX0LPa9f-HLumRMrtjuwoiR9JmCZao_',
    TESTED,
  ],
  [
    '2.LY5RCsIwEESvUvY72OJnPIr6EdqVBpJsaCK1lEAPogfwHN6kJ3Fa_VmWebM7M1NqOZjBCmnsU8rsSRO3vZAiTNtyAiqKEnNHulEUOMPiRCIsg8lM-tg0ANGZAALVhnjPuDtfFckIcSZv7Ab9dABQdLNuf_wXEPmIMuRqLqdL2KKd5ZBTvTXZx89V19W6PD_vdXnBVgp6eenQgMZeHFP5Ag',
    OWN,
  ],
  [
    '3.VY69DsIwEIN5Fs9RCQwMEWKDiTcoHdL2WiI1P0qDUFVFPDpcKQvbyT7784yxIaej8VB8T2MiC4WgTYRAc_emoZGtLDAStVBSwFHil8H7wC9RJ4LaS8lGGLRjh1XjwiNxrqwE_JPFGVabxVyaix9HoDPDt_5PVjiu1_Z0c8iZ2da3TAHZmjfwlLBuKeSOWVb3S0lZoo9EiWJBQwdxqETJiZCmoma0kFWVN6_z9bJ5fwA',
    IMAGED,
  ],
];

/** @param padded bytes in all, with blanks behind */
function packed(value: unknown, padded = 0, version = 1): string {
  const bytes = deflateSync(strToU8(JSON.stringify(value).padEnd(padded)));
  return `${version}.${Buffer.from(bytes).toString('base64url')}`;
}

/** A link of version 3 with four bytes of images. */
function imaged(images: unknown): string {
  const record = strToU8(JSON.stringify({ ...OWN, images }));
  const bytes = deflateSync(Uint8Array.of(...record, 0, 1, 2, 3, 4));
  return `3.${Buffer.from(bytes).toString('base64url')}`;
}

describe('a link', () => {
  it('has all of a run in it', () => {
    expect(fromFragment(`#${toFragment(SHARED)}`)).toEqual(SHARED);
    expect(fromFragment(toFragment(SHARED))).toEqual(SHARED);
    expect(fromFragment(toFragment(OWN))).toEqual(OWN);
    expect(fromFragment(toFragment(TESTED))).toEqual(TESTED);
    expect(fromFragment(toFragment(IMAGED))).toEqual(IMAGED);
  });

  it('is of version 1 as long as an older page can read it', () => {
    expect(toFragment(SHARED)).toMatch(/^1\./);
    expect(toFragment(OWN)).toMatch(/^2\./);
    expect(toFragment(TESTED)).toMatch(/^2\./);
    expect(toFragment(IMAGED)).toMatch(/^3\./);
    expect(toFragment({ ...IMAGED, binaries: {} })).toMatch(/^2\./);
    expect(toFragment({ ...SHARED, speed: 1 })).toMatch(/^1\./);
  });

  it('is not made where it would be too long to open', () => {
    const random = Array.from({ length: 200_000 }, (_, at) => ((at * 7919) % 94) ^ (at >> 3));
    const text = String.fromCharCode(...random.slice(0, 100_000).map((value) => 33 + (value & 63)));
    const noise = `${text}${text.split('').toReversed().join('')}`.repeat(2).slice(0, 400_000);
    const files = { 'my.ts': noise, 'other.ts': JSON.stringify(random) };
    const scenario = { ...FIRST_SCENARIO, own: { main: 'my.ts', files } };

    expect(() => toFragment({ scenario, mode: 'whole' })).toThrow('too long for a link');
  });

  it('is not made where nobody could open it', () => {
    const files = { 'my.ts': 'x'.repeat(400_001) };
    const scenario = { ...FIRST_SCENARIO, own: { main: 'my.ts', files } };

    expect(() => checkedFragment({ scenario, mode: 'whole' })).toThrow("the link's file is no");
  });

  it('may be none', () => {
    expect(fromFragment('')).toBeUndefined();
    expect(fromFragment('#')).toBeUndefined();
  });

  it.each(FROZEN)('opens as it was given out: %s', (fragment, shared) => {
    expect(fromFragment(fragment)).toEqual(shared);
  });

  it.each([
    ['#live', 'begins with a version'],
    ['1.', 'begins with a version'],
    [packed({ scenario: FIRST_SCENARIO, mode: 'whole' }).replace('1.', '0.'), 'version 0'],
    ['4.abc', 'reload it'],
    ['1.abc', 'damaged'],
    [toFragment(SHARED).slice(0, -9), 'damaged'],
    [`1.${'a'.repeat(100_001)}`, 'longer'],
    [packed([]), "the link's link is no record"],
    [packed({ scenario: {} }), 'system is no short text'],
    [packed({ scenario: { ...FIRST_SCENARIO, seed: -1 } }), 'seed is no number from 0'],
    [packed({ scenario: { ...FIRST_SCENARIO, inputs: [{ atNs: 1, bytes: [256] }] } }), 'byte'],
    [
      packed({ scenario: { ...FIRST_SCENARIO, choices: { 'a\nb': 5 } } }),
      'choice is no short text',
    ],
    [packed({ scenario: { ...FIRST_SCENARIO, net: 'mine' } }), 'net is none of loop, hand'],
    [
      packed({ scenario: { ...FIRST_SCENARIO, inputs: [{ atNs: 1, bytes: [] }] } }),
      'kind of input',
    ],
    [packed({ scenario: { ...TESTED.scenario, test: { amount: 0 } } }, 0, 2), 'amount'],
    [packed({ scenario: { ...TESTED.scenario, test: { bulk: 'at once' } } }, 0, 2), 'bulk'],
    [packed({ scenario: FIRST_SCENARIO, mode: 'all' }), 'mode is none of'],
    [packed({ scenario: FIRST_SCENARIO, moment: { kind: 'year' } }), 'kind of moment'],
    [packed({ scenario: { ...FIRST_SCENARIO, ramBytes: 2 ** 40 } }), 'ramBytes'],
    [packed({ scenario: FIRST_SCENARIO, moment: { kind: 'entry', count: 0.5 } }), 'count'],
    [packed({ scenario: FIRST_SCENARIO, x: 'x'.repeat(2_000_000) }), 'unpacks to more'],
    ...[
      [ownWith({ main: 'not-there.ts' }), 'has no file "not-there.ts"'],
      [ownWith({ main: 'clients' }), 'has no file'],
      [ownWith({ files: { '../my.ts': '' } }), 'a name that is none'],
      [ownWith({ files: { '-rf.ts': '' } }), 'a name that is none'],
      [ownWith({ files: { 'my.ts; rm x': '' } }), 'a name that is none'],
      [ownWith({ files: { '/etc/my.ts': '' } }), 'a name that is none'],
      [ownWith({ files: { 'my.ts': 5 } }), 'file is no short text'],
      [ownWith({ files: [] }), 'files is no record'],
    ].map(([value, words]) => [packed(value, 0, 2), String(words)] as const),
    [packed({ scenario: FIRST_SCENARIO, mode: 'whole', speed: -1 }), 'speed is no number'],
    ...[
      { images: [['a.elf', 5]], words: 'size of an image is no number from 0 to 4' },
      {
        images: [
          ['a.elf', 3],
          ['b.elf', 2],
        ],
        words: 'size of an image is no number from 0 to 1',
      },
      { images: [['../a.elf', 3]], words: 'a name that is none' },
      { images: { 'a.elf': 3 }, words: 'images is no list' },
      { images: undefined, words: 'images is no list' },
    ].map(({ images, words }) => [imaged(images), words] as const),
    // Packed a thousand times: 20 MB of blanks behind what would be a link.
    [packed({ scenario: FIRST_SCENARIO, mode: 'whole' }, 20_000_000), 'unpacks to more'],
  ])('%# is refused in one line', (fragment, words) => {
    expect(() => fromFragment(fragment)).toThrow(words);
    expect(() => fromFragment(fragment)).toThrow(/^[^\n]+$/);
  });
});
