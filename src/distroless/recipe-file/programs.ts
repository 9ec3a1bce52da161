import { createHash } from "node:crypto";
import type { LighterError } from "#base";
import { readElf } from "#elf";
import type { RecipeDefinition, SourceFile } from "../recipe-definition.ts";
import { readBeside } from "./read-beside.ts";
import type { ShapedDocument } from "./read-shape.ts";

/** A program as a recipe file names it. */
export interface ProgramText {
  readonly source?: string;
  readonly image?: string;
  readonly path?: string;
}

/** What programs are read with. */
export interface ProgramOptions {
  /** A file of an image in the store; undefined when the image has none of that path. @throws IMAGE_NOT_FOUND */
  readonly readImage: (image: string, path: string) => Promise<Buffer | undefined>;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
}

/** Machines of programs, by Debian's name of the architecture. @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
const machines: Readonly<Record<string, number>> = { amd64: 62, arm64: 183, riscv64: 243, ppc64el: 21 };

/** Reads the programs whose libraries an image is to have. @throws RECIPE_INVALID, IMAGE_NOT_FOUND */
export async function readPrograms(
  document: ShapedDocument,
  programs: readonly ProgramText[],
  options: ProgramOptions & { readonly folder: string },
): Promise<readonly SourceFile[]> {
  return await Promise.all(
    programs.map(async (program, at) => {
      const invalid = (field: readonly string[], why: string) =>
        document.invalid(["binaries", at, ...field], why);
      const file = await readOne(program, options, invalid);
      const elf = readElf(Buffer.from(file.bytes));
      if (elf === undefined) throw invalid([], `"${file.name}" is no program that the linker of Linux loads`);
      const wanted = machines[options.architecture];
      if (wanted !== undefined && elf.machine !== wanted)
        throw invalid([], `"${file.name}" is for another processor than ${options.architecture}`);
      return file;
    }),
  );
}

async function readOne(
  { source, image, path }: ProgramText,
  { readImage, folder }: ProgramOptions & { readonly folder: string },
  invalid: (field: readonly string[], why: string) => LighterError,
): Promise<SourceFile> {
  if (source !== undefined && image === undefined && path === undefined)
    return readBeside(folder, source, (why) => invalid([], why));
  if (source !== undefined || image === undefined || path === undefined)
    throw invalid([], "want either source, or image and path");
  const bytes = await readImage(image, path);
  if (bytes === undefined)
    throw invalid(
      ["path"],
      `image "${image}" has no file "${path}"; a link must be named by what it leads to`,
    );
  return { name: `${image}:${path}`, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** The recipe with what these programs load, and of the libraries in its packages no others. */
export function withPrograms(
  definition: RecipeDefinition,
  programs: readonly SourceFile[],
): RecipeDefinition {
  if (programs.length === 0) return definition;
  const brought = (definition.files ?? []).flatMap(({ source }) => source ?? []);
  const files = [...programs, ...brought].flatMap(({ bytes }) => readElf(Buffer.from(bytes)) ?? []);
  const libraries = files.flatMap(({ needed, interpreter }) => {
    const linker = interpreter?.slice(interpreter.lastIndexOf("/") + 1);
    return [...needed, ...(linker === undefined ? [] : [linker])];
  });
  const own = new Set(files.map(({ soname }) => soname));
  return onlyUsed(
    { ...definition, binaries: programs },
    libraries.filter((name) => !own.has(name)),
  );
}

/** Adds libraries by soname, and cuts those that nothing loads. */
export function onlyUsed(definition: RecipeDefinition, libraries: readonly string[]): RecipeDefinition {
  const { trim = [] } = definition;
  return {
    ...definition,
    libraries: [...new Set([...(definition.libraries ?? []), ...libraries])].sort(),
    trim: trim.includes("unused-libraries") ? trim : [...trim, "unused-libraries"],
  };
}
