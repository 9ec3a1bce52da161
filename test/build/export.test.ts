import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type BuildOutput, parseAnnotation, parseAttest, parseOutput } from "#build";
import { type Index, type Manifest, parsePlatform, parseReference } from "#oci";
import { flatten } from "./flatten.ts";
import { Lab, type LabRequest, missing } from "./lab.ts";

const skip = missing();
const skopeo = skip ?? (hasProgram("skopeo") ? undefined : "needs skopeo");
let lab: Lab;
before(async () => {
  lab = new Lab();
  if (skip === undefined) await lab.addBusybox();
});
after(() => lab[Symbol.asyncDispose]());

const dockerfile = `FROM busybox AS base
RUN mkdir /data && echo one > /data/one && echo two > /data/two && chmod 4755 /data/two
RUN rm /data/one && ln -s two /data/link
FROM scratch
COPY --from=base /data /data
COPY own /
LABEL from=file kept=yes
`;
const files = { own: "mine" };

function output(text: string): readonly BuildOutput[] {
  return [parseOutput(text)];
}

function hasProgram(name: string): boolean {
  return spawnSync(name, ["--version"]).status === 0;
}

function out(name: string): string {
  return join(lab.folder, name);
}

function build(text: string, request: LabRequest = {}): ReturnType<Lab["export"]> {
  return lab.export(dockerfile, { files, outputs: output(text), ...request });
}

test("local: the files in a directory, links never followed", { skip }, async () => {
  const directory = out("local");
  mkdirSync(directory);
  execFileSync("ln", ["-s", out("elsewhere"), join(directory, "data")]);
  writeFileSync(join(directory, "older"), "");
  const built = await build(`type=local,dest=${directory}`);
  assert.equal(built.image, undefined);
  assert.equal(existsSync(out("elsewhere")), false);
  assert.deepEqual(readdirSync(directory).sort(), ["data", "older", "own"]);
  assert.equal(readFileSync(join(directory, "data/two"), "utf8"), "two\n");
  assert.equal(statSync(join(directory, "data/two")).mode & 0o7777, 0o4755);
  assert.equal(statSync(join(directory, "own")).mtimeMs, 318_211_200_000);
  await build(`type=local,dest=${directory},mode=delete`);
  assert.deepEqual(readdirSync(directory).sort(), ["data", "own"]);
});

test("tar: the files as an archive, equal to the image", { skip }, async () => {
  const image = await lab.build(dockerfile, { files });
  for (const text of [`type=tar,dest=${out("a.tar")}`, "-"]) {
    const chunks: Buffer[] = [];
    await build(text, { writeStdout: (chunk) => void chunks.push(Buffer.from(chunk)) });
    const tar = text === "-" ? Buffer.concat(chunks) : readFileSync(out("a.tar"));
    const directory = out(`tar-${text.length}`);
    mkdirSync(directory);
    execFileSync("tar", ["--numeric-owner", "-xpf", "-", "-C", directory], { input: tar });
    assert.deepEqual([...flatten([directory])], [...(await lab.tree(image.image))]);
  }
});

for (const [form, transport] of [
  ["oci", "oci-archive"],
  ["docker", "docker-archive"],
] as const)
  test(`${form}: skopeo reads the archive`, { skip: skopeo }, async () => {
    const path = out(`${form}.tar`);
    const built = await build(`type=${form},dest=${path}`, { names: [parseReference("calculator:1")] });
    assert.equal(built.image, undefined);
    const inspected = JSON.parse(
      execFileSync("skopeo", ["inspect", "--config", `${transport}:${path}`]).toString(),
    ) as { config: { Labels: Record<string, string> } };
    assert.deepEqual(inspected.config.Labels, { from: "file", kept: "yes" });
    const copy = out(`${form}-copy`);
    execFileSync("skopeo", ["copy", "-q", `${transport}:${path}`, `oci:${copy}:x`]);
    assert.ok(readdirSync(join(copy, "blobs/sha256")).length >= 3);
  });

for (const [attributes, types] of [
  ["compression=uncompressed", ["application/vnd.oci.image.layer.v1.tar"]],
  ["compression=gzip,compression-level=9", ["application/vnd.oci.image.layer.v1.tar+gzip"]],
  ["compression=zstd,compression-level=19", ["application/vnd.oci.image.layer.v1.tar+zstd"]],
  ["compression=gzip,oci-mediatypes=false", ["application/vnd.docker.image.rootfs.diff.tar.gzip"]],
] as const)
  test(`layers with ${attributes} unpack to what their config says`, { skip: skopeo }, async () => {
    const directory = out(`form-${attributes.replaceAll(/\W/g, "-")}`);
    const built = await build(`type=oci,tar=false,dest=${directory},${attributes}`);
    assert(built.written !== undefined);
    const manifest = read<Manifest>(directory, built.written.descriptor.digest);
    assert.deepEqual([...new Set(manifest.layers.map(({ mediaType }) => mediaType))], types);
    const copy = out(`copied-${attributes.replaceAll(/\W/g, "-")}`);
    execFileSync("skopeo", ["copy", "-q", `oci:${directory}`, `dir:${copy}`]);
    for (const layer of manifest.layers)
      assertUnpacks(join(directory, "blobs/sha256", layer.digest.slice(7)), layer);
  });

function assertUnpacks(path: string, { mediaType }: { readonly mediaType: string }): void {
  const program = mediaType.endsWith("gzip") ? "gzip" : mediaType.endsWith("zstd") ? "zstd" : "cat";
  if (!hasProgram(program)) return;
  const tar = execFileSync(program, program === "cat" ? [path] : ["-dc", path]);
  assert.ok(execFileSync("tar", ["-t"], { input: tar }).length > 0);
}

function read<T>(directory: string, digest: string): T {
  return JSON.parse(readFileSync(join(directory, "blobs/sha256", digest.slice(7)), "utf8")) as T;
}

test("a label of the command line wins over the file's", { skip }, async () => {
  const { image } = await lab.build(dockerfile, { files, labels: { from: "line" } });
  assert.deepEqual(image.config.config?.Labels, { from: "line", kept: "yes" });
});

test("annotations stand where they were asked for", { skip }, async () => {
  const directory = out("annotated");
  const annotations = ["a=1", "index:b=2", "manifest-descriptor,manifest:c=3"].flatMap(parseAnnotation);
  const built = await build(`type=oci,tar=false,dest=${directory},annotation.Mixed.Case=4`, {
    annotations,
    platforms: [parsePlatform("linux/amd64"), parsePlatform("linux/arm64")],
  });
  assert(built.written !== undefined);
  const index = read<Index>(directory, built.written.descriptor.digest);
  assert.deepEqual(index.annotations, { b: "2" });
  assert.equal(
    built.written.descriptor.annotations?.["org.opencontainers.image.created"],
    "1980-02-01T00:00:00Z",
  );
  assert.deepEqual(index.manifests[0]?.annotations, { c: "3" });
  const manifest = read<Manifest>(directory, index.manifests[0]?.digest ?? "");
  assert.deepEqual(manifest.annotations, { a: "1", c: "3", "Mixed.Case": "4" });
});

test("two platforms of cross-compiling stages become one index, which the store chooses from", {
  skip,
}, async () => {
  const text = `FROM --platform=$BUILDPLATFORM busybox AS cross
ARG TARGETARCH
RUN echo "for $TARGETARCH" > /made
FROM scratch
COPY --from=cross /made /
`;
  const platforms = ["linux/amd64", "linux/arm64"].map(parsePlatform);
  const { image } = await lab.build(text, { platforms, names: [parseReference("several")] });
  assert(image.index !== undefined);
  assert.equal(image.config.architecture, "amd64");
  assert.deepEqual([...(await lab.tree(image))], [["made", "644 0:0 for amd64"]]);
  const other = lab.images.get("several", { platform: parsePlatform("linux/arm64") });
  assert.deepEqual([...(await lab.tree(other))], [["made", "644 0:0 for arm64"]]);
  assert.throws(
    () => lab.images.get("several", { platform: parsePlatform("linux/s390x") }),
    /it is not for linux\/s390x/,
  );
  lab.images.collect();
  assert.deepEqual(await lab.images.check(), []);
  lab.images.tag(image, parseReference("second"));
  assert.deepEqual(lab.images.remove("several").deleted, []);
  assert.equal(lab.images.get("second").index?.digest, image.index.digest);
  lab.images.tag(lab.images.get("second"), parseReference("several"));
  const directory = out("several");
  await lab.export(text, { platforms, outputs: output(`type=local,dest=${directory}`) });
  assert.deepEqual(readdirSync(directory).sort(), ["linux_amd64", "linux_arm64"]);
  assert.equal(readFileSync(join(directory, "linux_arm64/made"), "utf8"), "for arm64\n");
  await assert.rejects(
    lab.export(text, { platforms, outputs: output(`type=local,platform-split=false,dest=${out("one")}`) }),
    /"\/made" is in more than one/,
  );
});

test("BUILDKIT_MULTI_PLATFORM gives a single platform the form of several", { skip }, async () => {
  const buildArgs = { BUILDKIT_MULTI_PLATFORM: "true" };
  const { written } = await build("type=image,store=false", { buildArgs });
  assert.equal(written?.descriptor.mediaType, "application/vnd.oci.image.index.v1+json");
  await build(`type=local,dest=${out("single")}`, { buildArgs });
  assert.deepEqual(readdirSync(out("single")), [`linux_${process.arch === "x64" ? "amd64" : process.arch}`]);
  const wrong = { buildArgs: { BUILDKIT_MULTI_PLATFORM: "x" } };
  await assert.rejects(build("type=cacheonly", wrong), /invalid boolean value for multi-platform: x/);
});

test("RUN for a processor that is not there is one sentence", { skip }, async () => {
  if (lab.host.probes.runsArchitecture("s390x")) return;
  const request = { platform: parsePlatform("linux/s390x") };
  await lab.build("FROM busybox\nRUN true s390x\n", request);
  const elf = "\x7fELF\x02\x02\x01".padEnd(18, "\0") + "\0\x16".padEnd(40, "\0");
  await assert.rejects(
    lab.build("FROM scratch\nCOPY sh /bin/sh\nRUN true\n", { ...request, files: { sh: elf } }),
    /^LighterError: cannot run a program for linux\/s390x: this machine neither is one nor emulates one; /,
  );
});

test("attestations stand in the index as BuildKit puts them", { skip }, async () => {
  const directory = out("attested");
  const names = [parseReference("localhost:5000/calculator:1")];
  const request = {
    names,
    buildArgs: { SECRET_VALUE: "42" },
    attestations: { ...parseAttest("type=provenance,mode=min"), ...parseAttest("type=sbom") },
  };
  const built = await build(`type=oci,tar=false,dest=${directory}`, request);
  assert(built.written !== undefined);
  const index = read<Index>(directory, built.written.descriptor.digest);
  assert.equal(index.manifests.length, 2);
  const [image, attestation] = index.manifests;
  assert(image !== undefined && attestation !== undefined);
  assert.deepEqual(attestation.platform, { architecture: "unknown", os: "unknown" });
  assert.deepEqual(attestation.annotations, {
    "vnd.docker.reference.digest": image.digest,
    "vnd.docker.reference.type": "attestation-manifest",
  });
  const manifest = read<Manifest>(directory, attestation.digest);
  assert.equal(manifest.artifactType, "application/vnd.docker.attestation.manifest.v1+json");
  assert.equal(manifest.subject?.digest, image.digest);
  assert.deepEqual(
    manifest.layers.map(({ mediaType, annotations }) => [
      mediaType,
      annotations?.["in-toto.io/predicate-type"],
    ]),
    [
      ["application/vnd.in-toto+json", "https://spdx.dev/Document"],
      ["application/vnd.in-toto+json", "https://slsa.dev/provenance/v1"],
    ],
  );
  for (const layer of manifest.layers) {
    const statement = read<{ subject: unknown; _type: string }>(directory, layer.digest);
    assert.equal(statement._type, "https://in-toto.io/Statement/v1");
    assert.deepEqual(statement.subject, [
      {
        name: "pkg:docker/localhost:5000/calculator@1?platform=linux%2Famd64",
        digest: { sha256: image.digest.slice(7) },
      },
    ]);
  }
  const provenance = readFileSync(
    join(directory, "blobs/sha256", manifest.layers[1]?.digest.slice(7) ?? ""),
    "utf8",
  );
  assert.equal(provenance.includes("SECRET_VALUE"), false, "mode=min tells no arguments");
  const again = await build(`type=oci,tar=false,dest=${out("again")}`, request);
  assert.equal(again.written?.descriptor.digest, built.written.descriptor.digest);
  await assert.rejects(
    build(`type=docker,dest=${out("no.tar")}`, request),
    /cannot write attestations in docker's form/,
  );
});

test("the earlier form of provenance", { skip }, async () => {
  const directory = out("earlier");
  await build(`type=local,dest=${directory}`, { attestations: parseAttest("type=provenance,version=v0.2") });
  const { predicateType, predicate } = JSON.parse(readFileSync(join(directory, "provenance.json"), "utf8"));
  assert.equal(predicateType, "https://slsa.dev/provenance/v0.2");
  assert.deepEqual(predicate.invocation.configSource, { entryPoint: "Dockerfile" });
});

test("attestations of files stand beside them", { skip }, async () => {
  const directory = out("attested-files");
  await build(`type=local,dest=${directory},attestation-prefix=x-`, {
    attestations: parseAttest("type=provenance,mode=max"),
  });
  const statement = JSON.parse(readFileSync(join(directory, "x-provenance.json"), "utf8")) as {
    subject: { name: string }[];
    predicate: { buildDefinition: { internalParameters: { buildConfig: { steps: unknown[] } } } };
  };
  assert.deepEqual(
    statement.subject.map(({ name }) => name),
    ["data/two", "own"],
  );
  assert.ok(statement.predicate.buildDefinition.internalParameters.buildConfig.steps.length > 3);
});

test("squash makes one layer of what the build made", { skip }, async () => {
  const text = `FROM busybox
RUN mkdir /gone /kept && echo 1 > /gone/a && echo 1 > /kept/a
RUN rm -r /gone && echo 2 > /kept/b && rm /bin/tar
RUN mkdir /gone && rm -r /root && mkdir /root && echo 3 > /root/c
RUN rm -r /root /kept/a && mkdir -p /root/d
`;
  const plain = await lab.build(text);
  const squashed = await lab.build(text, { squash: true });
  assert.equal(plain.image.layers.length, 5);
  assert.equal(squashed.image.layers.length, 2);
  assert.deepEqual([...(await lab.tree(squashed.image))], [...(await lab.tree(plain.image))]);
  const again = await lab.build(text, { squash: true });
  assert.equal(again.image.target.digest, squashed.image.target.digest);
  const rows = (squashed.image.config.history ?? []).filter((row) => row.empty_layer !== true);
  assert.equal(rows.length, 2);
});

test("several outputs of one build", { skip }, async () => {
  const outputs = [
    `type=local,dest=${out("m/local")}`,
    `type=oci,dest=${out("m/x/oci.tar")}`,
    "type=image,name=many",
  ];
  const built = await lab.export(dockerfile, { files, outputs: outputs.map(parseOutput) });
  assert.deepEqual(built.image?.names, ["docker.io/library/many:latest"]);
  assert.ok(existsSync(out("m/x/oci.tar")) && existsSync(out("m/local/own")));
});

test("a device or a link that an archive goes to stays what it is", { skip }, async () => {
  execFileSync("mknod", [out("null"), "c", "1", "3"]);
  execFileSync("ln", ["-s", "behind", out("link")]);
  for (const name of ["null", "link"]) await build(`type=tar,dest=${out(name)}`);
  assert.equal(lstatSync(out("null")).isCharacterDevice(), true);
  assert.equal(lstatSync(out("link")).isSymbolicLink(), true);
  assert.ok(statSync(out("behind")).size > 512);
});

test("an annotation is for something that is there", { skip }, async () => {
  assert.throws(() => parseAnnotation("manifests:a=1"), /unknown annotation type "manifests", want manifest/);
  const annotations = parseAnnotation("index:a=1");
  await assert.rejects(
    build(`type=oci,dest=${out("one.tar")}`, { annotations }),
    /index annotations are not supported/,
  );
});

test("what an output cannot do is one sentence", { skip }, async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["type=registry", /cannot push the image: it has no name/],
    ["type=oci", /cannot write the result: no destination was named/],
    [`type=tar,dest=/dev/null/x`, /cannot write the result to "\/dev\/null\/x"/],
    [`type=tar,dest=${lab.folder}`, /destination file is a directory; name a file in it/],
    [`type=oci,dest=${"/dev/full/no"}`, /cannot write the result/],
    [`type=oci,dest=x,compression=zstd,compression-level=40`, /want 0 to 22/],
  ];
  for (const [text, expected] of cases) await assert.rejects(build(text), expected, text);
});
