import type { ContentStore } from "#content";
import { type Descriptor, type Manifest, mediaTypes } from "#oci";
import type { ImageForm } from "../export/output.ts";
import type { Statement } from "./statement.ts";

const artifactType = "application/vnd.docker.attestation.manifest.v1+json";
const statementType = "application/vnd.in-toto+json";

/**
 * Writes what is said about an image as a manifest that stands beside it in the index.
 * @see https://github.com/moby/buildkit/blob/v0.32.2/docs/attestations/attestation-storage.md
 * @returns the row for the index
 */
export function storeAttestations(
  content: ContentStore,
  options: {
    readonly statements: readonly Statement[];
    readonly subject: Descriptor;
    readonly form: Pick<ImageForm, "ociArtifact">;
  },
): Descriptor {
  const { statements, form } = options;
  const layers = statements.map((statement) => ({
    ...content.put(JSON.stringify(statement), statementType),
    annotations: { "in-toto.io/predicate-type": statement.predicateType },
  }));
  const { platform: _platform, annotations: _annotations, ...subject } = options.subject;
  const manifest: Manifest = form.ociArtifact
    ? {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        artifactType,
        config: content.put("{}", mediaTypes.empty),
        layers,
        subject,
      }
    : {
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: storeConfig(content, layers),
        layers,
      };
  return {
    ...content.put(JSON.stringify(manifest), mediaTypes.manifest),
    annotations: {
      "vnd.docker.reference.digest": subject.digest,
      "vnd.docker.reference.type": "attestation-manifest",
    },
    platform: { architecture: "unknown", os: "unknown" },
  };
}

/** What registries that know nothing but images want to see. */
function storeConfig(content: ContentStore, layers: readonly Descriptor[]): Descriptor {
  const config = {
    architecture: "unknown",
    os: "unknown",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  };
  return content.put(JSON.stringify(config), mediaTypes.config);
}
