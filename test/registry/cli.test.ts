// The same as a user has it: the command line, from build to FROM.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openClone } from "../support/cli.ts";
import { startRegistry, whyNoRegistry } from "./lab.ts";

const skip = whyNoRegistry();

test("build, push, pull, FROM, copy, manifest, login: one after the other", { skip }, async () => {
  using clone = openClone();
  await using registry = await startRegistry(join(clone.folder, "registry"), { basic: "me:secret" });
  const env = { DOCKER_CONFIG: join(clone.folder, "docker"), LIGHTER_BASE_SOURCES: "store,registry" };
  const run = (args: readonly string[], input?: string) =>
    clone.run(args, { env, ...(input !== undefined && { input }) });
  const must = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = run(args);
    assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  const name = `${registry.address}/team/app`;
  const context = join(clone.folder, "context");
  mkdirSync(context);
  writeFileSync(join(context, "file"), "contents");
  writeFileSync(join(context, "Dockerfile"), "FROM scratch\nCOPY file /\n");
  must("build", "-q", "-t", name, context);

  const refused = run(["push", name]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /lighter: cannot push ".*" *: registry .* answers 401; use lighter login/s);
  const login = run(["login", "-u", "me", "--password-stdin", registry.address], "secret\n");
  assert.equal(login.stdout, "Login Succeeded\n");
  const [, digest = ""] = /digest: (sha256:\w+)/.exec(must("push", name)) ?? [];
  assert.match(run(["push", name]).stderr, /the registry had it already/);

  must("rmi", name);
  assert.match(must("pull", name), new RegExp(`Digest: ${digest}\nStatus: Downloaded newer image`));
  assert.match(must("pull", name), /Image is up to date/);
  must("rmi", name);

  writeFileSync(join(context, "Dockerfile"), `FROM ${name}\nCOPY file /second\n`);
  const built = run(["build", "--progress", "plain", "-t", `${name}:second`, context]);
  assert.equal(built.status, 0, built.stderr);
  assert.match(
    built.stderr,
    new RegExp(`pulled from ${registry.address}`),
    "the build says where its base came from",
  );

  must("image", "copy", "-q", `docker://${name}`, `oci:${clone.folder}/layout:app`);
  assert.equal(
    must("image", "copy", "-q", `oci:${clone.folder}/layout:app`, `docker://${name}-copy`).trim(),
    digest,
  );
  assert.match(must("manifest", "inspect", name), /"schemaVersion": 2/);
  must("manifest", "create", `${name}:list`, `${name}:second`);
  assert.match(must("manifest", "inspect", `${name}:list`), /image.index.v1/, "before it is sent");
  must("manifest", "annotate", "--variant", "v3", `${name}:list`, `${name}:second`);
  must("manifest", "create", "--amend", `${name}:list`, `${name}:second`);
  assert.match(must("manifest", "inspect", `${name}:list`), /"variant": "v3"/);
  must("manifest", "push", `${name}:list`);
  assert.match(must("manifest", "inspect", `${name}:list`), /image.index.v1/);

  assert.match(must("logout", registry.address), /Removing login credentials/);
  assert.equal(run(["pull", "-q", `${name}:list`]).status, 1);
  const search = run(["search", "nginx"]);
  assert.equal(search.status, 1);
  assert.match(search.stderr, /the distribution specification has no search/);
});

test("a machine with no way out is told so and not tried for ever", { skip }, () => {
  using clone = openClone();
  writeFileSync(join(clone.folder, "Dockerfile"), "FROM no-such-host.invalid/base\n");
  const startedMs = Date.now();
  const { status, stderr } = clone.run(["build", "-q", "."]);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /looked in the store, then recipes .*, then registry no-such-host.invalid \(its name cannot be resolved\)/,
  );
  assert.ok(Date.now() - startedMs < 60_000);
});
