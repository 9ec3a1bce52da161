import { LighterError } from "#base";
import { familiarReference } from "#oci";
import { eraseCredentials } from "./auth/credentials.ts";
import { fetchBlob, hasBlob } from "./blob-download.ts";
import { pushBlob } from "./blob-upload.ts";
import { fetchFile, openFile } from "./fetch-file.ts";
import { login } from "./login.ts";
import { findDescriptor, findManifest, putManifest } from "./manifests.ts";
import type { RegistryOptions } from "./options.ts";
import { addToFallback, listReferrers } from "./referrers.ts";
import type { RegistryClient } from "./registry-client.ts";
import { Session } from "./session.ts";
import { listTags } from "./tags.ts";

const defaultChunkBytes = 64 << 20;

/** Opens a client; nothing is asked before its first use. */
export function openRegistryClient(options: RegistryOptions): RegistryClient {
  const session = new Session(options);
  const credentialPlace = { host: options.host, directory: options.dockerConfigDirectory };
  return {
    findManifest: (reference, call) => findManifest(session, reference, call),
    async getManifest(reference, call) {
      const found = await findManifest(session, reference, call);
      if (found !== undefined) return found;
      throw new LighterError(
        "MANIFEST_NOT_FOUND",
        `cannot pull "${familiarReference(reference)}": registry "${reference.registry}" has no such image; check the name and the tag`,
        { details: { reference: familiarReference(reference) } },
      );
    },
    findDescriptor: (reference, call) => findDescriptor(session, reference, call),
    async pushManifest(reference, manifest, call = {}) {
      const { listsSubject } = await putManifest(session, reference, manifest, call);
      if (!listsSubject) await addToFallback(session, reference, manifest, call);
    },
    hasBlob: (repository, digest, call) => hasBlob(session, repository, digest, call),
    fetchBlob: (repository, blob, call) => fetchBlob(session, repository, blob, call),
    fetchFile: (address, call) => fetchFile(options, address, call),
    openFile: (address, call) => openFile(options, address, call),
    pushBlob: (repository, blob, call = {}) =>
      pushBlob({
        session,
        repository,
        blob,
        options: call,
        chunkBytes: options.chunkBytes ?? defaultChunkBytes,
      }),
    listReferrers: (reference, call) => listReferrers(session, reference, call),
    listTags: (repository, call) => listTags(session, repository, call),
    login: (registry, credentials, call = {}) => login(options, registry, credentials, call),
    logout: (registry) => eraseCredentials(credentialPlace, registry),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  };
}
