import assert from "node:assert/strict";
import { test } from "node:test";
import { classify, wordsOf } from "./runtime-words.ts";

// Recorded from crun 1.8.1 and runc 1.1.5; the last ones from their newer sources.
const words = [
  ["executable file `nope` not found in $PATH: No such file or directory", "COMMAND_NOT_FOUND"],
  ["executable file `/bin/nope` not found in $PATH: No such file or directory", "COMMAND_NOT_FOUND"],
  ["chdir `/nope`: No such file or directory", "COMMAND_NOT_FOUND"],
  [
    'exec failed: unable to start container process: chdir to cwd ("/nope") set in config.json failed: no such file or directory',
    "COMMAND_NOT_FOUND",
  ],
  ["open executable: Permission denied", "COMMAND_NOT_EXECUTABLE"],
  ["open executable: Operation not permitted", "COMMAND_NOT_EXECUTABLE"],
  [
    "exec container process (missing dynamic library?) `/bin/x`: No such file or directory",
    "COMMAND_NOT_FOUND",
  ],
  ["exec container process `/bin/x`: Exec format error", "COMMAND_NOT_EXECUTABLE"],
  [
    'runc run failed: unable to start container process: exec: "nope": executable file not found in $PATH',
    "COMMAND_NOT_FOUND",
  ],
  [
    'runc run failed: unable to start container process: exec: "/x": stat /x: no such file or directory',
    "COMMAND_NOT_FOUND",
  ],
  [
    'runc run failed: unable to start container process: exec: "/x": permission denied',
    "COMMAND_NOT_EXECUTABLE",
  ],
  [
    'runc run failed: unable to start container process: exec: "/x": is a directory',
    "COMMAND_NOT_EXECUTABLE",
  ],
  ["exec /bin/x: exec format error", "COMMAND_NOT_EXECUTABLE"],
  ["executable file `/etc`: Permission denied", "COMMAND_NOT_EXECUTABLE"],
  ["error stat'ing file `/nope`: No such file or directory", "other"],
  ["cgroups in hybrid mode not supported, drop all controllers from cgroup v2", "other"],
  [
    'runc run failed: unable to start container process: error mounting "/nope" to rootfs at "/x": no such file or directory',
    "other",
  ],
] as const;

for (const [text, kind] of words)
  test(`${kind}: ${text.slice(0, 70)}`, () => assert.equal(classify(text).kind, kind));

test("runc's log line is unwrapped and its warnings are passed over", () => {
  const log = `time="2026-11-20T16:36:32Z" level=error msg="runc run failed: exec: \\"nope\\": not found"
time="2026-11-20T16:36:32Z" level=warning msg="something else"
`;
  assert.equal(wordsOf(log), 'runc run failed: exec: "nope": not found');
  assert.equal(wordsOf(""), "");
});

for (const text of [
  "creating cgroup directory `/sys/fs/cgroup/systemd/lighter/a`: No such file or directory",
  "invalid file system type on '/sys/fs/cgroup'",
  "statfs '/sys/fs/cgroup': No such file or directory",
  "runc run failed: unable to start container process: unable to apply cgroup configuration: mkdir /sys/fs/cgroup/memory/lighter: read-only file system",
])
  test(`no cgroup can be made: ${text.slice(0, 60)}`, () =>
    assert.match(classify(text).words, /; each container gets a cgroup, .* mount it writable/));
