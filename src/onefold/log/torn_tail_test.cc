// SPDX-License-Identifier: Apache-2.0
// Segments cut at every byte and with every byte changed: complete blocks come back as written,
// whatever is missing is reported, and nothing crashes.
#include "onefold/log/torn_tail.h"

#include <algorithm>

#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/log/log_meta.h"
#include "onefold/log/random_records.h"
#include "onefold/log/segment_blocks.h"
#include "onefold/log/segment_writer.h"

namespace onefold {
namespace {

constexpr int64_t kEndMarkerBytes = 8;

// One segment of two blocks, written through SegmentWriter.
class TornTailTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    RandomRecords random(schema_, 3);
    auto writer = SegmentWriter::create(path_, codec_.arrow_schema(), 3).value();
    for (int64_t num_requests : {2, 1}) {
      blocks_.push_back(random.requests(num_requests));
      ASSERT_TRUE(writer->write(codec_.encode(blocks_.back())).ok());
      block_ends_.push_back(writer->bytes_written());
    }
    ASSERT_TRUE(writer->seal().ok());
    bytes_ = read_file(path_).value();
  }

  struct Outcome {
    std::vector<FeatureRecords> blocks;
    std::optional<TornTail> torn_tail;
  };

  // Reads `bytes` as the segment `path_` + the parameter ("" sealed, ".open" being written).
  Outcome read(const std::string& bytes) {
    Outcome outcome;
    SegmentReader reader = SegmentReader::over(path_ + GetParam(), arrow::Buffer::FromString(bytes),
                                               codec_.arrow_schema());
    const Status status = visit_blocks(reader, codec_, [&](FeatureRecords&& block) -> Status {
      outcome.blocks.push_back(std::move(block));
      return {};
    });
    EXPECT_TRUE(status.ok());
    outcome.torn_tail = reader.torn_tail();
    return outcome;
  }

  // Blocks wholly within the first `size` bytes.
  size_t complete_blocks(size_t size) const {
    return std::count_if(block_ends_.begin(), block_ends_.end(),
                         [&](int64_t end) { return end <= static_cast<int64_t>(size); });
  }

  void expect_prefix(const std::vector<FeatureRecords>& blocks) {
    ASSERT_LE(blocks.size(), blocks_.size());
    for (size_t i = 0; i < blocks.size(); ++i) EXPECT_EQ(blocks[i], blocks_[i]) << "block " << i;
  }

  const Schema schema_ = every_kind_schema();
  const FeatureCodec codec_{schema_};
  const std::string path_ = fresh_directory() + "/000000.arrow";
  std::vector<FeatureRecords> blocks_;
  std::vector<int64_t> block_ends_;
  std::string bytes_;
};

class DamagedSegmentTest : public TornTailTest {};

TEST_P(TornTailTest, CutAtEveryByte) {
  ASSERT_EQ(bytes_.size(), static_cast<size_t>(block_ends_.back() + kEndMarkerBytes));
  const bool open = std::string(GetParam()) == kOpenSuffix;
  for (size_t size = 0; size <= bytes_.size(); ++size) {
    SCOPED_TRACE("cut to " + std::to_string(size) + " of " + std::to_string(bytes_.size()));
    const Outcome outcome = read(bytes_.substr(0, size));
    const size_t complete = complete_blocks(size);
    ASSERT_EQ(outcome.blocks.size(), complete);
    expect_prefix(outcome.blocks);
    const int64_t used = complete == 0 ? 0 : block_ends_[complete - 1];
    const int64_t left = static_cast<int64_t>(size) - used;
    if (size == bytes_.size()) {
      EXPECT_FALSE(outcome.torn_tail);
    } else if (open && left == 0) {
      EXPECT_FALSE(outcome.torn_tail);  // the writer has simply not gone further yet
    } else if (outcome.torn_tail || complete > 0 || !open) {
      ASSERT_TRUE(outcome.torn_tail);
      EXPECT_EQ(outcome.torn_tail->bytes_skipped, left);
      EXPECT_FALSE(outcome.torn_tail->reason.empty());
      int64_t num_records = 0;
      for (size_t i = 0; i < complete; ++i) num_records += blocks_[i].num_requests();
      EXPECT_EQ(outcome.torn_tail->num_records, num_records);
    }
  }
}

TEST_P(DamagedSegmentTest, EveryByteChanged) {
  for (size_t at = 0; at < bytes_.size(); ++at) {
    for (int flip : {1 << at % 8, 0xff}) {
      SCOPED_TRACE("byte " + std::to_string(at) + " ^ " + std::to_string(flip));
      std::string damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      const Outcome outcome = read(damaged);
      expect_prefix(outcome.blocks);
      EXPECT_GE(outcome.blocks.size(), complete_blocks(at)) << "blocks before the damage are lost";
      EXPECT_TRUE(outcome.torn_tail || outcome.blocks.size() == blocks_.size());
    }
  }
}

TEST_P(TornTailTest, GarbageAfterTheEnd) {
  const Outcome outcome = read(bytes_ + "garbage");
  EXPECT_EQ(outcome.blocks, blocks_);
  ASSERT_TRUE(outcome.torn_tail);
  EXPECT_EQ(outcome.torn_tail->bytes_skipped, 7);
}

TEST_P(TornTailTest, NoSegmentAtAll) {
  EXPECT_TRUE(read(std::string(100, '\0')).torn_tail);
  EXPECT_TRUE(read("PAR1, or whatever else this may be").torn_tail);
}

INSTANTIATE_TEST_SUITE_P(Log, DamagedSegmentTest, testing::Values(""));
INSTANTIATE_TEST_SUITE_P(Log, TornTailTest, testing::Values("", kOpenSuffix),
                         [](const auto& info) { return *info.param ? "Open" : "Sealed"; });

}  // namespace
}  // namespace onefold
