/** Hears everything and does nothing about it: for observers that listen to little. */

import type { UserThread } from '../../kernel/user.ts';
import type { BoardObserver, ThreadObserver } from './observer.ts';

export class QuietObserver implements ThreadObserver, BoardObserver {
  started(_pd: number, _thread: UserThread): void {}
  runs(_pd: number, _how: number, _regs: Uint32Array): void {}
  enters(_pd: number, _regs: Uint32Array): void {}
  waits(_pd: number, _regs: Uint32Array): void {}
  returns(_pd: number): void {}
  throws(_pd: number, _error: unknown): void {}
  raised(_irq: number): void {}
  claimed(_irq: number): void {}
  completed(_irq: number): void {}
  idle(): void {}
  sliceBegins(): void {}
  deviceRead(_device: number, _offset: number): void {}
  deviceWritten(_device: number, _offset: number, _value: number): void {}
  deviceMapped(_device: number, _name: string): void {}
}
