// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace onefold {

// Tells the C library to keep freed memory for the next allocation, for the whole process. A step
// allocates and frees the same hundreds of megabytes again and again; by default glibc returns
// blocks of 32 MB and more to the kernel each time, which then clears every page again. For
// programs to call before training; a library should not decide this. Does nothing without glibc.
void keep_freed_memory();

}  // namespace onefold
