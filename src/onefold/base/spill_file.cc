// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/spill_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

namespace onefold {
namespace {

int open_unnamed(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  std::string name = directory + "/.onefold-spill-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

SpillFile::~SpillFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status SpillFile::failed(const char* what, int error) const {
  const char* advice = error == ENOSPC ? "; free space there, or name another place with "
                                         "--spill-dir"
                                       : "";
  return io_error(std::string("cannot ") + what + " a spill file in " + directory_ + ": " +
                  std::strerror(error) + advice);
}

Status SpillFile::open() {
  const std::lock_guard lock(opening_);
  if (fd_ >= 0) return {};
  const int fd = open_unnamed(directory_);
  if (fd < 0) return failed("make", errno);
  fd_ = fd;
  return {};
}

Result<int64_t> SpillFile::append(const void* data, int64_t bytes) {
  if (fd_ < 0) ONEFOLD_RETURN_IF_ERROR(open());
  const int64_t offset = end_.fetch_add(bytes);
  const char* from = static_cast<const char*>(data);
  for (int64_t done = 0; done < bytes;) {
    const ssize_t n = ::pwrite(fd_, from + done, bytes - done, offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write to", errno);
    done += n;
  }
  return offset;
}

Status SpillFile::read(int64_t offset, void* to, int64_t bytes) const {
  char* out = static_cast<char*>(to);
  for (int64_t done = 0; done < bytes;) {
    const ssize_t n = ::pread(fd_, out + done, bytes - done, offset + done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", errno);
    if (n == 0) return data_loss("a spill file in " + directory_ + " ends before its end");
    done += n;
  }
  return {};
}

}  // namespace onefold
