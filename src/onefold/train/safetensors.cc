// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "onefold/base/files.h"

namespace onefold {
namespace {

static_assert(std::endian::native == std::endian::little, "data is written as it is in memory");

struct DtypeName {
  at::ScalarType type;
  const char* name;
};
constexpr DtypeName kDtypes[] = {
    {at::kFloat, "F32"}, {at::kDouble, "F64"}, {at::kInt, "I32"}, {at::kLong, "I64"}};

std::string make_header(const std::vector<NamedTensor>& tensors,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    const auto* dtype = std::find_if(std::begin(kDtypes), std::end(kDtypes), [&](const auto& d) {
      return d.type == tensor.value.scalar_type();
    });
    ONEFOLD_CHECK(dtype != std::end(kDtypes) && tensor.value.is_contiguous(),
                  "tensor '" + tensor.name + "' cannot be stored");
    ONEFOLD_CHECK(!header.contains(tensor.name), "two tensors are named '" + tensor.name + "'");
    const uint64_t end = offset + tensor.value.nbytes();
    header[tensor.name] = {{"dtype", dtype->name},
                           {"shape", tensor.value.sizes().vec()},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

class File {
 public:
  File(const std::string& path, int flags) : path_(path), fd_(::open(path.c_str(), flags, 0644)) {}
  File(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }

  Status opened() const { return fd_ >= 0 ? Status() : os_error(path_, errno); }

  Status write(const void* data, size_t size) {
    const char* at = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::write(fd_, at, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return os_error(path_, errno);
      at += written;
      size -= static_cast<size_t>(written);
    }
    return {};
  }

  Status read(void* data, size_t size) {
    char* at = static_cast<char*>(data);
    while (size > 0) {
      const ssize_t got = ::read(fd_, at, size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os_error(path_, errno);
      if (got == 0) return data_loss(fmt::format("{}: ends {} bytes early", path_, size));
      at += got;
      size -= static_cast<size_t>(got);
    }
    return {};
  }

  Status sync() { return ::fsync(fd_) == 0 ? Status() : os_error(path_, errno); }

 private:
  std::string path_;
  int fd_;
};

// One tensor's entry in the header, checked.
struct Entry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

Result<Entry> parse_entry(const std::string& name, const nlohmann::json& json) {
  const auto bad = [&](const std::string& what) {
    return data_loss(fmt::format("tensor '{}': {}", name, what));
  };
  if (!json.is_object() || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets")) {
    return bad("needs dtype, shape and data_offsets");
  }
  const nlohmann::json &dtype = json["dtype"], &shape = json["shape"],
                       &range = json["data_offsets"];
  const auto is_count = [](const nlohmann::json& value) { return value.is_number_unsigned(); };
  if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), is_count)) {
    return bad("shape is not a list of sizes");
  }
  if (!range.is_array() || range.size() != 2 ||
      !std::all_of(range.begin(), range.end(), is_count)) {
    return bad("data_offsets is not [begin, end]");
  }
  Entry entry{.name = name};
  const auto* known = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                   [&](const auto& d) { return dtype == d.name; });
  if (known == std::end(kDtypes)) {
    return unsupported(fmt::format("tensor '{}' has dtype {}; this build reads F32, F64, I32, I64",
                                   name, dtype.dump()));
  }
  entry.dtype = known->type;
  entry.begin = range[0];
  entry.end = range[1];
  // In 128 bits and stopped early: sizes in a damaged header may overflow any product.
  unsigned __int128 bytes = at::elementSize(entry.dtype);
  for (const nlohmann::json& size : shape) {
    entry.shape.push_back(size.get<int64_t>());
    bytes *= size.get<uint64_t>();
    if (entry.shape.back() < 0 || bytes > INT64_MAX) return bad("shape is impossibly large");
  }
  if (entry.end < entry.begin || bytes != entry.end - entry.begin) {
    return bad("shape and data_offsets disagree");
  }
  return entry;
}

// All entries in file order; together they cover [0, data_bytes) without gaps or overlaps.
Result<std::vector<Entry>> parse_entries(const nlohmann::json& header, uint64_t data_bytes) {
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") continue;
    ONEFOLD_ASSIGN_OR_RETURN(Entry entry, parse_entry(name, json));
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) {
      return data_loss(
          fmt::format("tensor '{}' begins at {}, expected {}", entry.name, entry.begin, at));
    }
    at = entry.end;
  }
  if (at != data_bytes) {
    return data_loss(
        fmt::format("the header describes {} data bytes, the file has {}", at, data_bytes));
  }
  return entries;
}

Status parse_metadata(const nlohmann::json& header, std::map<std::string, std::string>& metadata) {
  if (!header.contains("__metadata__")) return {};
  const nlohmann::json& json = header["__metadata__"];
  if (!json.is_object()) return data_loss("__metadata__ is not an object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return data_loss(fmt::format("metadata '{}' is not text", key));
    metadata[key] = value;
  }
  return {};
}

Result<Safetensors> read_open(File& file, uint64_t file_bytes) {
  uint64_t header_bytes = 0;
  if (file_bytes < sizeof(header_bytes)) return data_loss("shorter than its 8-byte length");
  ONEFOLD_RETURN_IF_ERROR(file.read(&header_bytes, sizeof(header_bytes)));
  if (header_bytes > file_bytes - sizeof(header_bytes)) {
    return data_loss(fmt::format("a header of {} bytes in a file of {}", header_bytes, file_bytes));
  }
  std::string text(header_bytes, '\0');
  ONEFOLD_RETURN_IF_ERROR(file.read(text.data(), text.size()));
  const nlohmann::json header = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return data_loss("the header is not a JSON object");
  Safetensors result;
  ONEFOLD_RETURN_IF_ERROR(parse_metadata(header, result.metadata));
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<Entry> entries,
                           parse_entries(header, file_bytes - sizeof(header_bytes) - header_bytes));
  for (const Entry& entry : entries) {
    at::Tensor tensor = at::empty(entry.shape, entry.dtype);
    ONEFOLD_RETURN_IF_ERROR(file.read(tensor.mutable_data_ptr(), tensor.nbytes()));
    result.tensors[entry.name] = tensor;
  }
  return result;
}

}  // namespace

Status write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata) {
  const std::string header = make_header(tensors, metadata);
  File file(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
  ONEFOLD_RETURN_IF_ERROR(file.opened());
  const uint64_t header_bytes = header.size();
  ONEFOLD_RETURN_IF_ERROR(file.write(&header_bytes, sizeof(header_bytes)));
  ONEFOLD_RETURN_IF_ERROR(file.write(header.data(), header.size()));
  for (const NamedTensor& tensor : tensors) {
    ONEFOLD_RETURN_IF_ERROR(file.write(tensor.value.const_data_ptr(), tensor.value.nbytes()));
  }
  return file.sync();
}

Result<Safetensors> read_safetensors(const std::string& path) {
  File file(path, O_RDONLY | O_CLOEXEC);
  ONEFOLD_RETURN_IF_ERROR(file.opened());
  ONEFOLD_ASSIGN_OR_RETURN(const uint64_t file_bytes, file_size(path));
  auto result = read_open(file, file_bytes);
  if (!result.ok()) return result.status().with_context(path);
  return result;
}

}  // namespace onefold
