/** Ethernet addresses of clients. */

const FIRST_LAST_BYTE = 0x0a;

/**
 * @returns the address of the client with this number when none is given: 52:54:01:00:00:0a and on
 */
export function defaultMac(index: number): string {
  const value = FIRST_LAST_BYTE + index;
  const bytes = [0x52, 0x54, 0x01, 0, value >>> 8, value & 0xff];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** @returns what is wrong with an address, or undefined */
export function macProblem(mac: string): string | undefined {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(mac)) {
    return `'${mac}' is not an Ethernet address such as 52:54:01:00:00:0a`;
  }
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) !== 0) return `'${mac}' is a multicast address`;
  return undefined;
}
