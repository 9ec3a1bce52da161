import { formatBytes } from "#base";
import type { Image, ImagePlatform } from "#image";
import { formatPlatform } from "#oci";
import type { ImageRow } from "./commands/images.ts";
import { displayId, familiarName } from "./image-words.ts";
import { formatTable } from "./table.ts";

/** Images by name with the platforms of each below it, those that the store does not hold in brackets. */
export function imageTree(
  rows: readonly ImageRow[],
  images: { platforms(image: Image): readonly ImagePlatform[] },
): string {
  return formatTable(
    ["IMAGE", "ID", "SIZE"],
    rows.flatMap(({ image, name }) => [
      [
        name === undefined ? "<untagged>" : familiarName(name),
        displayId(image.id, false),
        formatBytes(image.sizeBytes),
      ],
      ...branches(images.platforms(image)),
    ]),
  );
}

function branches(platforms: readonly ImagePlatform[]): readonly (readonly string[])[] {
  return platforms.map(({ platform, digest, sizeBytes }, place) => {
    const stem = place === platforms.length - 1 ? "└─ " : "├─ ";
    const text = formatPlatform(platform);
    return sizeBytes === undefined
      ? [`${stem}(${text})`, displayId(digest, false), "not stored"]
      : [`${stem}${text}`, displayId(digest, false), formatBytes(sizeBytes)];
  });
}
