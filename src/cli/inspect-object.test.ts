import assert from "node:assert/strict";
import { test } from "node:test";
import type { Image } from "#image";
import { inspectObject } from "./inspect-object.ts";

const digest = `sha256:${"a".repeat(64)}`;

function imageWith(config: object): Image {
  return {
    id: digest,
    names: [],
    sizeBytes: 1,
    target: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 },
    config: { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] }, config },
  } as unknown as Image;
}

test("a field that the image does not set is there, as docker prints it", () => {
  const { Config, Parent, DockerVersion, GraphDriver, Metadata } = inspectObject(imageWith({ Cmd: ["sh"] }));
  assert.deepEqual(Config, {
    Cmd: ["sh"],
    Entrypoint: null,
    Env: null,
    Labels: null,
    OnBuild: null,
    User: "",
    Volumes: null,
    WorkingDir: "",
  });
  assert.deepEqual([Parent, DockerVersion], ["", ""]);
  assert.deepEqual(GraphDriver, { Data: null, Name: "overlay2" });
  assert.deepEqual(Metadata, { LastTagTime: "0001-01-01T00:00:00Z" });
});

test("a field that the image sets is not covered by the empty one", () => {
  const set = { Entrypoint: ["/app"], User: "1000", WorkingDir: "/srv" };
  const { Config } = inspectObject(imageWith(set));
  assert.deepEqual(Config, { Cmd: null, Env: null, Labels: null, OnBuild: null, Volumes: null, ...set });
});
