/** What a test asserts. A failed check throws in the thread that made it; the driver reports it. */

import type { ThreadAnswer, ThreadRequest, ThreadStep, Word } from '../../../kernel/system-call.ts';

export class TestFailure extends Error {
  override readonly name = 'TestFailure';
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new TestFailure(what);
}

export function equal<Value>(actual: Value, expected: Value, what: string): void {
  if (Object.is(actual, expected)) return;
  throw new TestFailure(`${what}: expected ${shown(expected)}, got ${shown(actual)}`);
}

export function equalList(actual: readonly unknown[], expected: readonly unknown[], what: string) {
  equal(shown(actual), shown(expected), what);
}

/** Makes an invocation that must succeed. */
export function* ok(request: ThreadRequest): ThreadStep<ThreadAnswer> {
  const answer = yield request;
  if (answer.label !== 0) {
    throw new TestFailure(`error ${answer.label} [${answer.mrs.join()}] of ${shown(request)}`);
  }
  return answer;
}

/**
 * Makes an invocation that must be refused with this error number, and with these first message
 * registers.
 */
export function* refused(
  request: ThreadRequest,
  error: number,
  mrs: readonly Word[] = [],
): ThreadStep<ThreadAnswer> {
  const answer = yield request;
  if (answer.label !== error) {
    const got = `${answer.label} [${answer.mrs.join()}]`;
    throw new TestFailure(`expected error ${error}, got ${got} of ${shown(request)}`);
  }
  equalList(answer.mrs.slice(0, mrs.length), mrs, `details of error ${error} of ${shown(request)}`);
  return answer;
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint' ? `0x${part.toString(16)}` : part,
  );
}
