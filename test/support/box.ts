import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clone, openClone } from "./cli.ts";

/** A clone whose store has an image `box`: busybox with all its commands, and what these lines of a Dockerfile add. */
export function openBox(lines = "", files: Readonly<Record<string, string>> = {}): Clone {
  const clone = openClone();
  const context = join(clone.folder, "context");
  mkdirSync(context);
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(context, "busybox"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(context, name), text);
  const install = 'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin"]';
  writeFileSync(
    join(context, "Dockerfile"),
    `FROM scratch\nCOPY busybox /bin/busybox\n${install}\n${lines}\n`,
  );
  const built = clone.run(["build", "-q", "-t", "box", context]);
  assert.equal(built.status, 0, built.stderr);
  return clone;
}
