/**
 * Replaces a method of one object, for those who observe it. By definition and not by assignment:
 * what its prototype has may be constant (`cli/run/own-exports.ts`), and then an assignment throws.
 */
export function replaceMethod<Of extends object, Name extends keyof Of>(
  object: Of,
  name: Name,
  value: Of[Name],
): void {
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
}
