import { type Descriptor, type Digest, digestOf, type Manifest, mediaTypes } from "#oci";
import { type Request, readAll, refuse } from "./request.ts";

const unknown = { status: 404, code: "MANIFEST_UNKNOWN", message: "manifest unknown to registry" } as const;

export function answerManifest(asked: Request, repository = "", name = ""): void {
  const { request, response, store } = asked;
  const found = store.findManifest(repository, name);
  if (found === undefined) return refuse(asked, unknown);
  response.writeHead(200, {
    "Content-Type": found.mediaType,
    "Content-Length": found.bytes.length,
    "Docker-Content-Digest": found.digest,
  });
  response.end(request.method === "HEAD" ? undefined : found.bytes);
}

/** Takes a manifest only when all that it names is there. */
export async function putManifest(asked: Request, repository = "", name = ""): Promise<void> {
  const { request, response, store } = asked;
  const bytes = await readAll(request);
  const digest = digestOf(bytes);
  if (name.startsWith("sha256:") && name !== digest)
    return refuse(asked, { status: 400, code: "DIGEST_INVALID", message: "the bytes are not the digest's" });
  const document = parse(bytes);
  if (document === undefined)
    return refuse(asked, { status: 400, code: "MANIFEST_INVALID", message: "the manifest is no JSON" });
  const missing = missingFrom(asked, repository, document);
  if (missing !== undefined)
    return refuse(asked, {
      status: 404,
      code: "MANIFEST_BLOB_UNKNOWN",
      message: `${missing} is unknown to registry`,
    });
  const { manifests, tags } = store.getRepository(repository);
  manifests.set(digest, { bytes, mediaType: request.headers["content-type"] ?? mediaTypes.manifest });
  if (!name.startsWith("sha256:")) tags.set(name, digest);
  response.writeHead(201, {
    Location: `/v2/${repository}/manifests/${digest}`,
    "Docker-Content-Digest": digest,
    ...(document.subject && { "OCI-Subject": document.subject.digest }),
  });
  response.end();
}

export function deleteManifest(asked: Request, repository = "", name = ""): void {
  const found = asked.store.findRepository(repository);
  const isGone = name.startsWith("sha256:")
    ? found?.manifests.delete(name as Digest)
    : found?.tags.delete(name);
  if (isGone !== true) return refuse(asked, unknown);
  asked.response.writeHead(202).end();
}

type Document = Partial<Manifest> & { readonly manifests?: readonly Descriptor[] };

function parse(bytes: Buffer): Document | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === "object" && value !== null ? (value as Document) : undefined;
  } catch {
    return undefined;
  }
}

function missingFrom({ store }: Request, repository: string, document: Document): string | undefined {
  const blobs = [document.config, ...(document.layers ?? [])].flatMap((blob) =>
    blob === undefined ? [] : [blob.digest],
  );
  const missing = blobs.find((digest) => store.findBlob(repository, digest) === undefined);
  const manifests = (document.manifests ?? []).map(({ digest }) => digest);
  return missing ?? manifests.find((digest) => store.findManifest(repository, digest) === undefined);
}
