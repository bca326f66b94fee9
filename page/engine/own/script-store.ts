/** Where the scripts of modules of one's own are kept until they are loaded. */

export interface ScriptStore {
  /** @returns an address that nothing else has ever had */
  add(code: string): string;
  remove(address: string): void;
}
