// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/keep_memory.h"

#include <cstdlib>  // defines __GLIBC__ where it is so

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace onefold {

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);         // large blocks from the heap, too ...
  mallopt(M_TRIM_THRESHOLD, -1);  // ... and the heap never shrinks
#endif
}

}  // namespace onefold
