import type { DockerfileFile, Instruction, RunInstruction } from "../../ast.ts";
import type { Reporter } from "../reporter.ts";
import { finalImage, finalInstructions, findFinalStage, imageName } from "./final-stage.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { insertAt, shellText } from "./shell-text.ts";
import { splitBuild } from "./split-build.ts";

const rule = sentenceRule("BuildToolsKept", "Compilers and build tools should stay in a stage of their own");

const buildImages: ReadonlySet<string> = new Set([
  "golang",
  "rust",
  "gcc",
  "maven",
  "gradle",
  "swift",
  "haskell",
  "buildpack-deps",
]);
const buildPackages =
  /(?:^|\s)(build-essential|build-base|gcc|g\+\+|clang|make|cmake|cargo|rustc|golang(?:-go)?|maven|gradle|openjdk-\d+-jdk\S*|autoconf|automake|python3-dev|libc6-dev|musl-dev)(?=\s|$)/g;
const installs =
  /\b(?:apt(?:-get)?\s+(?:-\S+\s+)*install|apk\s+(?:-\S+\s+)*add|(?:micro)?dnf\s+(?:-\S+\s+)*install|yum\s+(?:-\S+\s+)*install)\b/;
const removes = /\bapt(?:-get)?\s+(?:-\S+\s+)*(?:purge|remove|autoremove)\b|\bapk\s+(?:-\S+\s+)*del\b/;

/** Looks at the base of the final stage, and at what its RUNs install. */
export const buildToolsKept: OwnRule = {
  rule,
  check: (file, reporter) => {
    const final = findFinalStage(file);
    if (final === undefined) return;
    const name = imageName(finalImage(file));
    const fix = file.stages.length === 1 ? splitBuild(file, final) : undefined;
    if (buildImages.has(name)) {
      const at = { range: final.from.range, fix, hint: hintFor(name) };
      const sentence = `The image keeps all of ${name}: copy the result into a stage of its own`;
      reporter.within(final.from.comments).reportWithFix(rule, at, sentence);
    }
    for (const instruction of finalInstructions(file)) {
      const tools = installedTools(file, instruction);
      if (tools.length === 0) continue;
      const sentence = `The image keeps ${tools.join(", ")}: build in an earlier stage and copy the result`;
      const at = {
        range: instruction.range,
        fix: buildImages.has(name) ? undefined : fix,
        hint: hintFor(""),
      };
      reporter.within(instruction.comments).reportWithFix(rule, at, sentence);
    }
    checkDevelopmentPackages(file, reporter);
  },
};

function hintFor(image: string): string {
  if (image === "golang")
    return 'with RUN CGO_ENABLED=0 go build -o /app and ENTRYPOINT ["/app"], lighter lint --fix makes the stage';
  if (image === "maven" || image === "gradle")
    return "name the stage AS build, then FROM eclipse-temurin:<version>-jre and COPY --from=build the jar";
  return "name the stage AS build, then FROM an image without tools and COPY --from=build what it made";
}

const developmentToo = /\bnpm\s+(?:ci|i|install)\b(?=\s*(?:$|&&|;|\s-))/;
const withoutDevelopment = /--omit[= ]dev|--production|--only[= ]prod|\bprune\b|NODE_ENV[= ]["']?production/;

/** npm installs what only development needs, too, unless it is told not to; known only where `node` starts the program. */
function checkDevelopmentPackages(file: DockerfileFile, reporter: Reporter): void {
  const instructions = finalInstructions(file);
  const start = instructions.findLast(({ kind }) => kind === "ENTRYPOINT" || kind === "CMD");
  if (start === undefined || !/^\w+\s+\[?\s*"?node\b/i.test(start.original.trim())) return;
  if (instructions.some(({ original }) => withoutDevelopment.test(original))) return;
  const runs = instructions.filter((one): one is RunInstruction => one.kind === "RUN");
  const install = runs.find((run) => developmentToo.test(shellText(file, run).text));
  if (install === undefined) return;
  const shell = shellText(file, install);
  const match = developmentToo.exec(shell.text);
  const usesTools = runs.some((run) =>
    /\b(?:npm\s+(?:run|test|exec)|npx|yarn|pnpm|tsc|webpack|vite)\b/.test(run.original),
  );
  if (match === null) return;
  const edit = insertAt(shell, match.index + match[0].length, " --omit=dev");
  const fix = usesTools ? undefined : { title: "add --omit=dev", edits: [edit] };
  const hint =
    "build in an earlier stage; in the final one npm ci --omit=dev, and COPY --from what was built";
  const sentence =
    "The image keeps the packages for development: npm installs them unless --omit=dev is given";
  reporter.within(install.comments).reportWithFix(rule, { range: install.range, fix, hint }, sentence);
}

function installedTools(file: DockerfileFile, instruction: Instruction): string[] {
  if (instruction.kind !== "RUN") return [];
  const { text } = shellText(file, instruction);
  if (!installs.test(text) || removes.test(text)) return [];
  return [...new Set(Array.from(text.matchAll(buildPackages), ([, tool = ""]) => tool))];
}
