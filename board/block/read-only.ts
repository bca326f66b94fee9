/** A medium that cannot be written: a wrapper that refuses every change. */

import type { BlockStatus } from '../block-wire.ts';
import { BLOCK_IO_ERROR, BLOCK_OK, BlockWrapper } from '../block-wire.ts';

export class ReadOnlyWire extends BlockWrapper {
  override isReadOnly(): boolean {
    return true;
  }

  override canDiscard(): boolean {
    return false;
  }

  override write(): BlockStatus {
    return BLOCK_IO_ERROR;
  }

  override flush(): BlockStatus {
    return BLOCK_OK;
  }

  override discard(): BlockStatus {
    return BLOCK_IO_ERROR;
  }

  override writeZeroes(): BlockStatus {
    return BLOCK_IO_ERROR;
  }
}
