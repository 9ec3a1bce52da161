import type { DockerfileFile, FromInstruction } from "../../ast.ts";
import type { Fix } from "../warning.ts";
import { baseStages, imageName } from "./final-stage.ts";
import { type OwnRule, type OwnRuleOptions, sentenceRule } from "./own-rule.ts";

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
      // What a recipe makes is pinned by the recipe's own lock.
      if (from.image.startsWith("recipe:")) continue;
      const fix = fixOf(file, from, findDigest);
      const at = { range: from.range, fix, hint: hintFor(from) };
      reporter.within(from.comments).reportWithFix(rule, at, sentenceFor(from));
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

function hintFor({ image }: FromInstruction): string {
  if (image.includes("$")) return "write ARG NAME=repository:tag@sha256:... before FROM $NAME";
  return `lighter pull ${image}, or build the file once; then lighter lint --fix adds the digest`;
}

function fixOf(
  file: DockerfileFile,
  from: FromInstruction,
  findDigest: OwnRuleOptions["findDigest"],
): Fix | undefined {
  const [word] = from.words;
  if (word === undefined || from.image.includes("$")) return undefined;
  const digest = findDigest?.(from.image);
  if (digest === undefined) return undefined;
  const at = word.range.end.offset;
  if (file.text.slice(word.range.start.offset, at) !== from.image) return undefined;
  return {
    title: `pin ${from.image} to ${digest.slice(0, 19)}…`,
    edits: [{ start: at, end: at, text: `@${digest}` }],
  };
}
