import { randomUUID } from "node:crypto";
import { digestOf } from "#oci";
import { type Request, readAll, refuse } from "./request.ts";

const unknown = {
  status: 404,
  code: "BLOB_UPLOAD_UNKNOWN",
  message: "blob upload unknown to registry",
} as const;

export async function openUpload(asked: Request, repository = ""): Promise<void> {
  const { request, response, store, url } = asked;
  const [mount, from, digest] = ["mount", "from", "digest"].map((name) => url.searchParams.get(name));
  const mounted = mount && from ? store.findBlob(from, mount) : undefined;
  const whole = digest ? await readAll(request) : mounted;
  if (digest && whole !== undefined && digestOf(whole) !== digest) return refuse(asked, mismatch);
  if (whole !== undefined) return created(asked, repository, store.addBlob(repository, whole));
  const id = randomUUID();
  store.uploads.set(id, []);
  request.resume();
  response.writeHead(202, { Location: `/v2/${repository}/blobs/uploads/${id}`, Range: "0-0" }).end();
}

export function tellUpload(asked: Request, repository = "", id = ""): void {
  const parts = asked.store.uploads.get(id);
  if (parts === undefined) return refuse(asked, unknown);
  taken(asked, { repository, id, parts, status: 204 });
}

export async function patchUpload(asked: Request, repository = "", id = ""): Promise<void> {
  const { request, store } = asked;
  const parts = store.uploads.get(id);
  if (parts === undefined) return refuse(asked, unknown);
  const start = /^(\d+)-/.exec(request.headers["content-range"] ?? "")?.[1];
  if (start !== undefined && Number(start) !== lengthOf(parts))
    return refuse(asked, { status: 416, code: "RANGE_INVALID", message: "pieces come in order" });
  // Each chunk at once: what came before the line breaks is kept.
  for await (const part of request) parts.push(part as Buffer);
  taken(asked, { repository, id, parts, status: 202 });
}

export async function putUpload(asked: Request, repository = "", id = ""): Promise<void> {
  const { request, store, url } = asked;
  const parts = store.uploads.get(id);
  if (parts === undefined) return refuse(asked, unknown);
  const bytes = Buffer.concat([...parts, await readAll(request)]);
  store.uploads.delete(id);
  if (digestOf(bytes) !== url.searchParams.get("digest")) return refuse(asked, mismatch);
  created(asked, repository, store.addBlob(repository, bytes));
}

const mismatch = { status: 400, code: "DIGEST_INVALID", message: "the bytes are not the digest's" } as const;

function created({ response }: Request, repository: string, digest: string): void {
  const headers = { Location: `/v2/${repository}/blobs/${digest}`, "Docker-Content-Digest": digest };
  response.writeHead(201, headers).end();
}

function taken(
  { response }: Request,
  state: {
    readonly repository: string;
    readonly id: string;
    readonly parts: readonly Buffer[];
    readonly status: number;
  },
): void {
  const range = `0-${Math.max(0, lengthOf(state.parts) - 1)}`;
  response
    .writeHead(state.status, { Location: `/v2/${state.repository}/blobs/uploads/${state.id}`, Range: range })
    .end();
}

function lengthOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
