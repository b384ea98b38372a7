// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/spill_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

namespace onefold {
namespace {

static_assert(std::is_trivially_copyable_v<Event>);

Status spill_error(const std::string& directory, const char* what) {
  return io_error(directory + ": " + what + " a spill file: " + std::strerror(errno) +
                  "; --spill-dir names another directory");
}

// O_TMPFILE where the file system knows it, else a named file that is unlinked at once.
int open_unnamed(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  std::string name = directory + "/.spill-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

Result<std::unique_ptr<SpillFile>> SpillFile::create(const std::string& directory) {
  const int fd = open_unnamed(directory);
  if (fd < 0) return spill_error(directory, "cannot create");
  return std::unique_ptr<SpillFile>(new SpillFile(fd, directory));
}

SpillFile::~SpillFile() { ::close(fd_); }

Status SpillFile::append(std::span<const Event> events) {
  const char* data = reinterpret_cast<const char*>(events.data());
  size_t left = events.size_bytes();
  while (left > 0) {
    const ssize_t written = ::write(fd_, data, std::min<size_t>(left, 1 << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return spill_error(directory_, "cannot write");
    data += written;
    left -= static_cast<size_t>(written);
  }
  num_events_ += static_cast<int64_t>(events.size());
  return {};
}

Result<int64_t> SpillFile::read(int64_t first, std::span<Event> events) const {
  const int64_t count = std::min<int64_t>(num_events_ - first, events.size());
  char* data = reinterpret_cast<char*>(events.data());
  size_t left = static_cast<size_t>(count) * sizeof(Event);
  off_t offset = static_cast<off_t>(first) * static_cast<off_t>(sizeof(Event));
  while (left > 0) {
    const ssize_t got = ::pread(fd_, data, std::min<size_t>(left, 1 << 30), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return spill_error(directory_, "cannot read");
    data += got;
    offset += got;
    left -= static_cast<size_t>(got);
  }
  return count;
}

}  // namespace onefold
