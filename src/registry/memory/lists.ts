import { type Descriptor, type Manifest, mediaTypes } from "#oci";
import { answerJson, type Request, refuse } from "./request.ts";

export function answerTags(asked: Request, repository = ""): void {
  const found = asked.store.findRepository(repository);
  if (found === undefined)
    return refuse(asked, { status: 404, code: "NAME_UNKNOWN", message: "repository unknown to registry" });
  const all = [...found.tags.keys()].sort();
  const last = asked.url.searchParams.get("last");
  const rest = last === null ? all : all.filter((tag) => tag > last);
  const limit = Number(asked.url.searchParams.get("n") ?? rest.length);
  const tags = rest.slice(0, limit);
  if (tags.length < rest.length)
    asked.response.setHeader(
      "Link",
      `</v2/${repository}/tags/list?n=${limit}&last=${tags.at(-1)}>; rel="next"`,
    );
  answerJson(asked, { name: repository, tags });
}

export function answerReferrers(asked: Request, repository = "", subject = ""): void {
  const wanted = asked.url.searchParams.get("artifactType");
  const rows: Descriptor[] = [];
  for (const [digest, { bytes, mediaType }] of asked.store.findRepository(repository)?.manifests ?? []) {
    const manifest = JSON.parse(bytes.toString()) as Manifest;
    if (manifest.subject?.digest !== subject) continue;
    const artifactType = manifest.artifactType ?? manifest.config?.mediaType;
    if (wanted !== null && artifactType !== wanted) continue;
    const { annotations } = manifest;
    rows.push({
      mediaType,
      digest,
      size: bytes.length,
      ...(artifactType && { artifactType }),
      ...(annotations && { annotations }),
    });
  }
  if (wanted !== null) asked.response.setHeader("OCI-Filters-Applied", "artifactType");
  answerJson(asked, { schemaVersion: 2, mediaType: mediaTypes.index, manifests: rows }, mediaTypes.index);
}
