import type { DockerfileFile, Range } from "#dockerfile";

/** A stage that can be built: `--call targets`. */
export interface Target {
  readonly name?: string;
  readonly description?: string;
  readonly isDefault: boolean;
  /** What FROM says, not expanded. */
  readonly base: string;
  readonly platform?: string;
  readonly range: Range;
}

/** The stages of a file in order; the last is the default. */
export function listTargets(file: DockerfileFile): readonly Target[] {
  return file.stages.map(({ from, index }) =>
    Object.freeze({
      ...(from.name !== undefined && { name: from.name }),
      ...(from.docComment !== undefined && { description: from.docComment }),
      isDefault: index === file.stages.length - 1,
      base: from.image,
      ...(from.platform !== undefined && { platform: from.platform }),
      range: from.range,
    }),
  );
}
