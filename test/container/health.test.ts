// Health checks as a user gives them; the images have no shell, or one that the checks use.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Clone, openClone, whyNoMachine } from "../support/cli.ts";
import { leftovers } from "../support/leftovers.ts";

const skip = whyNoMachine();
let clone: Clone;

interface Health {
  readonly Status: string;
  readonly FailingStreak: number;
  readonly Log: readonly { readonly ExitCode: number; readonly Output: string }[];
}

before(() => {
  if (skip !== false) return;
  clone = openClone();
  const { folder } = clone;
  copyFileSync(existsSync("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", join(folder, "busybox"));
  mkdirSync(join(folder, "site"));
  writeFileSync(join(folder, "site/index.html"), "welcome\n");
  // Named httpd the program is nothing else: there is no shell.
  writeFileSync(
    join(folder, "Dockerfile.shell-less"),
    'FROM scratch\nCOPY busybox /httpd\nCOPY site /site\nCMD ["/httpd", "-f", "-p", "8080", "-h", "/site"]\n',
  );
  writeFileSync(
    join(folder, "Dockerfile"),
    [
      "FROM scratch",
      "COPY busybox /bin/busybox",
      'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin"]',
      "HEALTHCHECK --interval=100ms --retries=1 CMD test -e /well",
      'CMD ["sleep", "10000"]',
      "",
    ].join("\n"),
  );
  lighter("build", "-q", "-t", "shell-less", "-f", "Dockerfile.shell-less", ".");
  lighter("build", "-q", "-t", "checked", ".");
});
after(() => {
  if (clone === undefined) return;
  for (const name of clone.run(["ps", "-aq"]).stdout.split("\n").filter(Boolean))
    clone.run(["rm", "-f", name]);
  const left = leftovers(clone.root);
  clone[Symbol.dispose]();
  assert.deepEqual(left, []);
});

function lighter(...args: readonly string[]): string {
  const { status, stdout, stderr } = clone.run(args);
  assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

function eventsOf(container: string, event: string): readonly string[] {
  const filters = ["-f", `container=${container}`, "-f", `event=${event}`];
  return lighter("events", "--since", "1h", "--until", "0s", ...filters).split("\n");
}

function started(name: string, image: string, ...flags: readonly string[]): void {
  lighter("run", "-d", "--name", name, "--network", "none", ...flags, image);
}

async function waitFor(name: string, isReached: (health: Health) => boolean): Promise<Health> {
  let health: Health | undefined;
  for (const deadline = Date.now() + 90_000; Date.now() < deadline; await delay(50)) {
    health = JSON.parse(lighter("inspect", "-f", "{{json .State.Health}}", name)) as Health;
    if (isReached(health)) return health;
  }
  assert.fail(`${name} stays ${JSON.stringify(health)}`);
}

test("an image without a shell is probed from outside of it", { skip }, async () => {
  const often = ["--health-interval", "100ms", "--health-retries", "2"];
  started("web", "shell-less", "--health-http", "8080/", ...often);
  started("gone", "shell-less", "--health-http", "8080/absent", ...often);
  started("port", "shell-less", "--health-tcp", "8080", ...often);
  started("closed", "shell-less", "--health-tcp", "8081", ...often);
  started("shell", "shell-less", "--health-cmd", "true", ...often);
  const web = await waitFor("web", ({ Status }) => Status === "healthy");
  assert.match(web.Log.at(-1)?.Output ?? "", /200 OK/);
  await waitFor("port", ({ Status }) => Status === "healthy");
  // While the server is about to listen, no port answers.
  await waitFor("gone", ({ Status, Log }) => Status === "unhealthy" && /404/.test(Log.at(-1)?.Output ?? ""));
  const closed = await waitFor("closed", ({ Status }) => Status === "unhealthy");
  assert.match(closed.Log.at(-1)?.Output ?? "", /cannot connect to port 8081/);
  const shell = await waitFor("shell", ({ Status }) => Status === "unhealthy");
  assert.ok(shell.FailingStreak >= 2 && shell.Log.every(({ ExitCode }) => ExitCode !== 0));
  const rows = lighter("ps", "--filter", "health=healthy", "--format", "{{.Names}} {{.Status}}").split("\n");
  assert.deepEqual(rows.map((row) => row.replace(/Up .* \(/, "(")).sort(), [
    "port (healthy)",
    "web (healthy)",
  ]);
});

test("a container that stands still is not checked, and not sick", { skip }, async () => {
  started("still", "checked", "--health-cmd", "true");
  await waitFor("still", ({ Status }) => Status === "healthy");
  lighter("pause", "still");
  const ends = (): number => eventsOf("still", "exec_die").length;
  const before = ends();
  await delay(600);
  assert.ok(ends() <= before + 1, "the one that was under way may end");
  lighter("unpause", "still");
  const { Status, FailingStreak } = await waitFor("still", () => ends() > before + 1);
  assert.deepEqual([Status, FailingStreak], ["healthy", 0]);
});

test("what fails in the start period does not count, until it has been well once", { skip }, async () => {
  const flags = ["--health-start-period", "1h", "--health-start-interval", "100ms"];
  started("early", "checked", ...flags);
  const early = await waitFor("early", ({ Log }) => Log.length >= 3);
  assert.deepEqual([early.Status, early.FailingStreak], ["starting", 0]);
  assert.ok(early.Log.every(({ ExitCode }) => ExitCode === 1));
  lighter("exec", "early", "touch", "/well");
  await waitFor("early", ({ Status }) => Status === "healthy");
  lighter("exec", "early", "rm", "/well");
  await waitFor("early", ({ Status }) => Status === "unhealthy");
  assert.deepEqual(
    eventsOf("early", "health_status").map((line) => /health_status: \w+/.exec(line)?.[0]),
    ["health_status: healthy", "health_status: unhealthy"],
  );
});

test("the image's check is taken, changed in part, and left out", { skip }, async () => {
  started("same", "checked");
  started("other", "checked", "--health-cmd", "true");
  started("none", "checked", "--no-healthcheck");
  await waitFor("same", ({ Status }) => Status === "unhealthy");
  await waitFor("other", ({ Status }) => Status === "healthy");
  const retries = lighter(
    "inspect",
    "-f",
    "{{.Config.Healthcheck.Retries}} {{.Config.Healthcheck.Test}}",
    "other",
  );
  assert.equal(retries, "1 [CMD-SHELL true]");
  assert.equal(lighter("inspect", "-f", "{{json .State.Health}}", "none"), "null");
});
