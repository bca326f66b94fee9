/**
 * Options that say which device they are for: `--net nic1=tap,name=tap0`, `--serial uart1=pty`,
 * `--disk blk1=mem=64M`. Without a name, it is the first one, or the next.
 */

import { UserMistake } from '../../host/problem.ts';

/** The devices of a class, as an option names them. */
export interface DeviceClass {
  /** The option, such as `--net`. */
  readonly option: string;
  /** What stands before a number in a device's name, such as `nic`. */
  readonly prefix: string;
  /** Which device an option without a name is for. */
  readonly unnamed: 'the first' | 'the next';
}

export interface Named<Spec> {
  /** The device's number; undefined without a name. */
  readonly index: number | undefined;
  readonly spec: Spec;
}

/** Reads `NAME=` where it stands, and the rest by `parse`. @throws UserMistake */
export function parseNamed<Spec>(
  text: string,
  { option, prefix }: DeviceClass,
  parse: (text: string) => Spec,
): Named<Spec> {
  const [, name = '', rest = ''] = /^([a-z]+\d+)=(.*)$/s.exec(text) ?? [];
  if (name === '') return { index: undefined, spec: parse(text) };
  const index = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
  if (!Number.isInteger(index) || name !== `${prefix}${index}`) {
    throw new UserMistake(
      `${option}: there is no device '${name}'; they are ${prefix}0, ${prefix}1 and on`,
    );
  }
  return { index, spec: parse(rest) };
}

/** @returns what each device is given, by its number @throws UserMistake for one given twice */
export function devicesGiven<Spec>(
  given: readonly Named<Spec>[],
  { option, prefix, unnamed }: DeviceClass,
): ReadonlyMap<number, Spec> {
  const devices = new Map<number, Spec>();
  const place = (index: number, spec: Spec): void => {
    if (devices.has(index)) {
      throw new UserMistake(
        `${option}: ${prefix}${index} is given twice; another device is named, as in ${option} ${prefix}${index + 1}=…`,
      );
    }
    devices.set(index, spec);
  };
  for (const { index, spec } of given) if (index !== undefined) place(index, spec);
  for (const { index, spec } of given) {
    if (index !== undefined) continue;
    let next = 0;
    while (unnamed === 'the next' && devices.has(next)) next += 1;
    place(next, spec);
  }
  return devices;
}

/**
 * @param has numbers of the devices that the system has, of which there is one at least
 * @throws UserMistake for a device that it does not have
 */
export function checkGiven(
  system: string,
  given: Iterable<number>,
  has: readonly number[],
  { option, prefix }: DeviceClass,
): void {
  for (const index of given) {
    if (has.includes(index)) continue;
    const all = has.map((each) => `${prefix}${each}`).join(', ');
    throw new UserMistake(
      `${system}: the system has no ${prefix}${index}, only ${all}; leave ${option} ${prefix}${index}= out`,
    );
  }
}
