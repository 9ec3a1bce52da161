import assert from "node:assert/strict";
import { test } from "node:test";
import { applyChanges } from "./commit-changes.ts";

const config = {
  os: "linux",
  architecture: "amd64",
  config: { Env: ["A=old"], Cmd: ["sh"], OnBuild: ["RUN never"] },
  rootfs: { type: "layers", diff_ids: [] },
} as const;

test("instructions change a configuration as in a build; triggers stay asleep", () => {
  const changes = ['CMD ["serve", "me"]', "ENV A=1 B=2", "EXPOSE 80/udp", "WORKDIR /srv", "ONBUILD USER ann"];
  const { Cmd, Env, ExposedPorts, WorkingDir, OnBuild } = applyChanges(config, changes);
  assert.deepEqual(
    { Cmd, ExposedPorts, WorkingDir },
    {
      Cmd: ["serve", "me"],
      ExposedPorts: { "80/udp": {} },
      WorkingDir: "/srv",
    },
  );
  assert.deepEqual(
    Env?.filter((text) => !text.startsWith("PATH=")),
    ["A=1", "B=2"],
  );
  assert.deepEqual(OnBuild, ["RUN never", "USER ann"]);
});

test("what would change files is refused", () => {
  for (const line of ["RUN rm -rf /", "FROM other", "COPY a b", "CMD x\nRUN y", "nonsense", "EXPOSE"])
    assert.throws(() => applyChanges(config, [line]), { code: "ARGUMENT_INVALID" }, line);
});
