# SPDX-License-Identifier: Apache-2.0
"""The traffic that the benchmarks of logs and tables are about: 16 samples a session, a request each, 40 lists
of the user in four groups that slide now and then within a session, 20 features of the item."""
import subprocess

TRAFFIC = """
users = {users}
sessions_per_user = 5
samples_per_session = {{ mean = 16, min = 1, max = 400 }}

[[feature]]
name = "user"
count = 40
groups = 4
length = 20
change = 0.05

[[feature]]
name = "item"
count = 20
kind = "id"
scope = "item"
vocabulary = 100000
"""
GROUPS = [f"user_group_{number}" for number in range(4)]
USER_LISTS = [f"user_{number}" for number in range(40)]


def write_log(onefold, logs, users, shard_by="session", shards=8):
    traffic = logs.with_suffix(".toml")
    traffic.write_text(TRAFFIC.format(users=users))
    subprocess.run(
        [onefold, "synth", logs, "--traffic", traffic, "--shard-by", shard_by, "--shards", str(shards),
         "--threads", "2", "--quiet"],
        check=True, capture_output=True,
    )  # fmt: skip
    return logs
