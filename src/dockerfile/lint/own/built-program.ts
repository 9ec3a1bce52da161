import { posix } from "node:path";
import type { DockerfileFile, RunInstruction, Stage } from "../../ast.ts";
import { imageName } from "./final-stage.ts";
import { type ShellParts, shellParts } from "./shell-parts.ts";

/** What a stage is there to make, and an image that is enough to start it. */
export interface BuiltProgram {
  /** The file to copy, absolute. */
  readonly path: string;
  /** What FROM of the final stage names. */
  readonly base: string;
}

/** What the last RUN of a stage is known to make, and what the stage starts. */
export interface BuildFacts {
  readonly file: DockerfileFile;
  readonly stage: Stage;
  readonly run: RunInstruction;
  /** Where the RUN works, when the stage says so. */
  readonly directory: string | undefined;
  /** The words that start the program. */
  readonly start: readonly string[];
}

/** Tells the program when nothing is left to guess: its file, and that the base has all that it needs. */
export function findBuiltProgram(facts: BuildFacts): BuiltProgram | undefined {
  const { file, run, stage } = facts;
  const parts = shellParts(file, run);
  if (!parts.isPlain || /\$/.test(facts.start.join(" "))) return undefined;
  const image = imageName(stage.from.image);
  return image === "maven" || image === "gradle"
    ? builtJar(facts, parts)
    : (builtByGo(facts, parts) ?? builtByCompiler(facts, parts));
}

/** `go build -o X`, or without `-o` when `./X` of the directory is what starts. */
function builtByGo(facts: BuildFacts, { parts }: ShellParts): BuiltProgram | undefined {
  const { file, stage, start } = facts;
  const build = parts.findLast(({ text }) => /^(?:\w+=\S*\s+)*go\s+build\b/.test(text))?.text;
  if (build === undefined || imageName(stage.from.image) !== "golang") return undefined;
  const output = /\s-o[\s=](\S+)/.exec(build)?.[1] ?? (start[0]?.startsWith("./") ? start[0] : undefined);
  const path = programAt(facts, output);
  if (path === undefined || !isStaticGo(file, stage, build)) return undefined;
  return { path, base: "gcr.io/distroless/static-debian12" };
}

/** Without a C compiler, as in golang:alpine, Go builds without cgo. */
function isStaticGo(file: DockerfileFile, { from, instructions }: Stage, build: string): boolean {
  if (/-buildmode=(?!exe)|-linkshared|CGO_ENABLED=1/.test(build)) return false;
  const texts = instructions.map(({ range }) => file.text.slice(range.start.offset, range.end.offset));
  if (/\bCGO_ENABLED=0\b/.test(build)) return true;
  const setsIt = instructions.some(
    (one) => one.kind === "ENV" && one.pairs.some(({ key, value }) => key === "CGO_ENABLED" && value === "0"),
  );
  const hasCompiler = texts.some((text) => /\b(?:gcc|g\+\+|clang|build-base|musl-dev)\b/.test(text));
  return setsIt || (/-?alpine/.test(from.image) && !hasCompiler);
}

/** `gcc -static -o X`: a program without libraries needs no system at all. */
function builtByCompiler(facts: BuildFacts, { parts }: ShellParts): BuiltProgram | undefined {
  const build = parts.findLast(({ text }) => /^(?:gcc|cc|g\+\+|c\+\+|clang(?:\+\+)?)\s/.test(text))?.text;
  if (build === undefined || !/\s-static(?=\s|$)/.test(build)) return undefined;
  const path = programAt(facts, /\s-o\s*(\S+)/.exec(build)?.[1]);
  if (path === undefined) return undefined;
  const wantsData = facts.stage.instructions.some(({ original }) =>
    /\b(?:ca-certificates|tzdata)\b/.test(original),
  );
  return { path, base: wantsData ? "gcr.io/distroless/static-debian12" : "scratch" };
}

/** `java -jar` of what Maven or Gradle put together, on the JRE of the image that has the JDK. */
function builtJar(facts: BuildFacts, { parts }: ShellParts): BuiltProgram | undefined {
  const { start, stage } = facts;
  const jar = start[0] === "java" ? start[start.indexOf("-jar") + 1] : undefined;
  if (
    jar === undefined ||
    !start.includes("-jar") ||
    !/(?:^|\/)(?:target|build\/libs)\/[\w.-]+\.jar$/.test(jar)
  )
    return undefined;
  const builds = parts.some(({ text }) =>
    /^(?:mvn|gradle)\s.*\b(?:package|verify|install|build|bootJar|shadowJar|assemble)\b/.test(text),
  );
  const jre = jreOf(stage.from.image);
  const path = absolute(facts, jar);
  if (!builds || jre === undefined || path === undefined) return undefined;
  if (parts.some(({ text }) => /copy-dependencies|installDist/.test(text))) return undefined;
  return { path, base: jre };
}

function jreOf(image: string): string | undefined {
  const version =
    /^maven:[\w.]+-eclipse-temurin-(\d+)(-alpine)?$/.exec(image) ??
    /^gradle:[\w.-]*jdk-?(\d+)(-alpine)?$/.exec(image);
  return version === null ? undefined : `eclipse-temurin:${version[1]}-jre${version[2] ?? ""}`;
}

/** The output of a compiler, when it is what the stage starts by its path. */
function programAt(facts: BuildFacts, output: string | undefined): string | undefined {
  if (output === undefined || !/^[\w./-]*\w$/.test(output)) return undefined;
  const path = absolute(facts, output);
  const [program = ""] = facts.start;
  return path !== undefined && program.includes("/") && absolute(facts, program) === path ? path : undefined;
}

function absolute({ directory }: BuildFacts, path: string): string | undefined {
  if (path.startsWith("/")) return posix.normalize(path);
  return directory === undefined ? undefined : posix.join(directory, path);
}
