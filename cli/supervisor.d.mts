interface Started {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly execArgv: readonly string[];
}

export function wantsSupervisor(args: readonly string[], started?: Started): boolean;
export function wantsWorldLimit(args: readonly string[], started?: Started): boolean;
export function limitWorlds(
  entry: string,
  args: readonly string[],
  worldSeconds?: number,
): Promise<number>;
export function supervise(entry: string, args: readonly string[]): Promise<number>;
