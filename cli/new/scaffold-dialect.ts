/**
 * What the templates of `sddf new` are given: names in all their spellings, and how to import and
 * to assert.
 */

export interface ScaffoldNames {
  /** As given: `mynic`, `packet-counter`. */
  readonly file: string;
  /** `MyNic`. */
  readonly type: string;
  /** `mynic`, `packetCounter`. */
  readonly variable: string;
  /** `MYNIC`, `PACKET_COUNTER`. */
  readonly constant: string;
  /** As protection domains are called: `mynic`, `packet_counter`. */
  readonly pd: string;
}

/** How the generated files name what they import, and assert. */
export interface Dialect {
  /**
   * @param room such as `microkit`;
   * @param file in it;
   * @param up `../` as often as the file is deep
   */
  from(room: string, file: string, up: string): string;
  readonly testImports: string;
  equal(found: string, expected: string): string;
}

/** What `sddf new driver` was asked for. */
export interface DriverScaffold {
  /** Such as `i2c`. */
  readonly deviceClass: string;
  readonly name: ScaffoldNames;
  readonly dialect: Dialect;
  readonly hasVirtualiser: boolean;
}

/** @returns the text without its first newline and without the first four blanks of each line */
export function unindented(text: string): string {
  return text.slice(1).replaceAll(/^ {4}/gm, '').replace(/ +$/, '');
}
