import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readKey, readKeys } from "openpgp";
import { debianArchiveKeys } from "../keys/debian-archive.ts";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

function findKeyring(): Uint8Array | undefined {
  try {
    return readFileSync(keyring);
  } catch {
    return undefined;
  }
}

const installed = findKeyring();

test("each key is the one that its name and fingerprint say", async () => {
  for (const { name, fingerprint, base64 } of debianArchiveKeys) {
    const key = await readKey({ binaryKey: Buffer.from(base64, "base64") });
    assert.equal(key.getFingerprint().toUpperCase(), fingerprint);
    assert.ok(key.getUserIDs()[0]?.startsWith(name), name);
    assert.equal(key.isPrivate(), false);
  }
});

test("every key is in Debian's own keyring", {
  skip: installed === undefined && `${keyring} is absent`,
}, async () => {
  const keys = await readKeys({ binaryKeys: installed ?? new Uint8Array() });
  const known = new Set(keys.map((key) => key.getFingerprint().toUpperCase()));
  assert.deepEqual(
    debianArchiveKeys.map(({ fingerprint }) => fingerprint).filter((fingerprint) => !known.has(fingerprint)),
    [],
  );
});
