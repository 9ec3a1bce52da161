import type { DockerfileFile, FromInstruction } from "../../ast.ts";
import type { Fix } from "../warning.ts";
import { baseStages, imageName } from "./final-stage.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";

const rule = sentenceRule(
  "UnpinnedBase",
  "A base image should be named by its digest: a tag may be another image tomorrow",
);

/** Looks at every FROM that names an image. */
export const unpinnedBase: OwnRule = {
  rule,
  check: (file, reporter, { findDigest }) => {
    const bases = baseStages(file);
    for (const stage of file.stages) {
      const { from } = stage;
      if (from.image === "scratch" || from.image.includes("@") || bases.has(stage)) continue;
      const fix = fixOf(file, from, findDigest?.(from.image));
      reporter
        .within(from.comments)
        .reportWithFix(rule, { range: from.range, ...(fix && { fix }) }, sentenceFor(from));
    }
  },
};

function sentenceFor({ image }: FromInstruction): string {
  if (image.includes("$"))
    return `Base image ${image} comes from a variable: give the ARG a default with a digest`;
  const tag = /:([^/]+)$/.exec(image)?.[1];
  if (tag !== undefined && tag !== "latest") return `Base image ${image} is not pinned: add its digest`;
  return `Base image ${imageName(image)} has no version: add a tag and a digest`;
}

function fixOf(file: DockerfileFile, from: FromInstruction, digest: string | undefined): Fix | undefined {
  const [word] = from.words;
  if (digest === undefined || word === undefined || from.image.includes("$")) return undefined;
  const at = word.range.end.offset;
  if (file.text.slice(word.range.start.offset, at) !== from.image) return undefined;
  return {
    title: `pin ${from.image} to ${digest.slice(0, 19)}…`,
    edits: [{ start: at, end: at, text: `@${digest}` }],
  };
}
