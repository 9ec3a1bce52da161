import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { subjectHash } from "./subject-hash.ts";

const folder = "/usr/share/ca-certificates/mozilla";

function findFiles(): readonly string[] {
  try {
    return readdirSync(folder).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

const skip =
  findFiles().length === 0
    ? "ca-certificates is not installed"
    : spawnSync("openssl", ["version"]).status !== 0 && "openssl is not installed";

test("the hash is OpenSSL's, for every certificate of this machine", { skip }, () => {
  for (const file of findFiles()) {
    const { stdout } = spawnSync("openssl", ["x509", "-noout", "-hash", "-in", file], { encoding: "utf8" });
    assert.equal(subjectHash(readFileSync(file)), stdout.trim(), file);
  }
});

test("what is no certificate has none", () => {
  for (const text of ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    assert.equal(subjectHash(Buffer.from(text)), undefined);
});
