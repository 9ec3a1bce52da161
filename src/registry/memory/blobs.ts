import { type Request, refuse } from "./request.ts";

export function answerBlob(asked: Request, repository = "", digest = ""): void {
  const { request, response, store } = asked;
  const blob = store.findBlob(repository, digest);
  if (blob === undefined)
    return refuse(asked, { status: 404, code: "BLOB_UNKNOWN", message: "blob unknown to registry" });
  response.setHeader("Content-Type", "application/octet-stream");
  response.setHeader("Docker-Content-Digest", digest);
  response.setHeader("Accept-Ranges", "bytes");
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const start = from === undefined ? 0 : Number(from);
  if (start > 0 && start >= blob.length)
    return refuse(asked, { status: 416, code: "RANGE_INVALID", message: "the range lies behind the end" });
  const end = to === undefined || to === "" ? blob.length : Math.min(blob.length, Number(to) + 1);
  if (from !== undefined) response.setHeader("Content-Range", `bytes ${start}-${end - 1}/${blob.length}`);
  response.writeHead(from === undefined ? 200 : 206, { "Content-Length": end - start });
  response.end(request.method === "HEAD" ? undefined : blob.subarray(start, end));
}

export function deleteBlob(asked: Request, repository = "", digest = ""): void {
  const blobs = asked.store.findRepository(repository)?.blobs as Set<string> | undefined;
  if (blobs?.delete(digest) !== true)
    return refuse(asked, { status: 404, code: "BLOB_UNKNOWN", message: "blob unknown to registry" });
  asked.response.writeHead(202).end();
}
