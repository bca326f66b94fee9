/** The kinds of attachments that `sddf run` knows, in the order of their help. */

import type { AttachmentKind } from './attachment.ts';
import { blkKind } from '../blk/kind.ts';
import { netKind } from '../net/kind.ts';
import { serialKind } from '../serial/kind.ts';

export const attachmentKinds: readonly AttachmentKind[] = [netKind, serialKind, blkKind];
