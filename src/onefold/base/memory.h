// SPDX-License-Identifier: Apache-2.0
// Memory of the machine and of this process, and sizes as people write them.
#pragma once

#include <cstdint>
#include <string>

#include "onefold/base/status.h"

namespace onefold {

// Bytes this process may use: the machine's memory, or the limit of its control group if smaller.
int64_t machine_memory();

// Resident bytes of this process, now and at the most so far (program and libraries included). Of
// this program alone: what getrusage() says includes the process that started it.
int64_t resident_memory();
int64_t peak_memory();

// Gives freed heap memory back to the system.
void release_freed_memory();

// "512MiB", "2G", "1.5GB", "4096": binary units with an i or a letter alone, decimal with a B.
// kInvalidArgument for anything else and for sizes below 1 byte.
Result<int64_t> parse_byte_size(const std::string& text);

// 2147483648 -> "2.0 GiB"
std::string format_byte_size(int64_t bytes);

}  // namespace onefold
