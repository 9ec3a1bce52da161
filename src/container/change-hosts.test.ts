import assert from "node:assert/strict";
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { changeHosts } from "./change-hosts.ts";

test("lines of /etc/hosts come and go in the file that the container sees", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lighter-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "hosts");
  const change = { gone: ["10.0.0.2\tbox"], come: ["10.1.0.2\tbox"] };
  writeFileSync(path, "127.0.0.1\tlocalhost\n10.0.0.2\tbox\n10.0.0.2\tmine");
  const { ino } = statSync(path);
  changeHosts(path, change);
  changeHosts(path, change);
  assert.equal(readFileSync(path, "utf8"), "127.0.0.1\tlocalhost\n10.0.0.2\tmine\n10.1.0.2\tbox\n");
  assert.equal(statSync(path).ino, ino);

  truncateSync(path, 64 << 20);
  changeHosts(path, change);
  assert.equal(statSync(path).size, 64 << 20, "what the container made large is not read");
  const link = join(folder, "link");
  symlinkSync(path, link);
  changeHosts(link, change);
  changeHosts(join(folder, "absent"), change);
  assert.equal(statSync(path).size, 64 << 20);
});
