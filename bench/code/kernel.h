/* What every kernel of this folder offers: so many rounds of its work, and a number that depends on
 * all of it. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

uint64_t kernel(uint64_t rounds);

#endif
