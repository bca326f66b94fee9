export function runsReadyMade(args: readonly string[]): boolean;
