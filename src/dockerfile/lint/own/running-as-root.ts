import type { DockerfileFile, Instruction, UserInstruction } from "../../ast.ts";
import type { Fix } from "../warning.ts";
import { finalImage, finalInstructions, findFinalStage, imageName } from "./final-stage.ts";
import { type OwnRule, sentenceRule } from "./own-rule.ts";
import { appendLines, insertLines } from "./shell-text.ts";

const rule = sentenceRule("RunningAsRoot", "The image should name a user other than root");

/** The id that distroless images give their user `nonroot`. */
const user = "65532:65532";

/** Looks at the last USER of what becomes the image. */
export const runningAsRoot: OwnRule = {
  rule,
  check: (file, reporter) => {
    const stage = findFinalStage(file);
    if (stage === undefined || /[:-]nonroot\b/.test(finalImage(file))) return;
    const instructions = finalInstructions(file);
    // Files alone, to be taken out or copied from: nothing runs.
    if (
      finalImage(file) === "scratch" &&
      !instructions.some(({ kind }) => kind === "CMD" || kind === "ENTRYPOINT")
    )
      return;
    const last = instructions.findLast((instruction) => instruction.kind === "USER");
    if (last !== undefined && !isRoot(last)) return;
    const at = last ?? stage.from;
    const sentence =
      last === undefined
        ? "No USER: the program runs as root"
        : `USER ${last.user}: the program runs as root`;
    const hint = rootNeed(file, instructions);
    const fix = hint === undefined ? fixOf(file, last) : undefined;
    reporter.within(at.comments).reportWithFix(rule, { range: at.range, fix, hint }, sentence);
  },
};

/** Images whose program starts as root and gives that up by itself, or writes where only root may. */
const startsAsRoot: ReadonlyMap<string, string> = new Map([
  ["nginx", "start from nginxinc/nginx-unprivileged, and listen on a port above 1023"],
  ...[
    "caddy",
    "elasticsearch",
    "haproxy",
    "httpd",
    "influxdb",
    "mariadb",
    "memcached",
    "mongo",
    "mysql",
    "postgres",
    "rabbitmq",
    "redis",
    "registry",
    "traefik",
    "wordpress",
  ].map((name) => [name, `see which user the documentation of ${name} names`] as const),
]);
const dropsRoot = /\b(?:gosu|su-exec|setpriv|s6-overlay|supervisord|sshd|crond|dockerd|systemd|runuser)\b/;

/** Why USER cannot simply be added, when something in sight needs root. */
function rootNeed(file: DockerfileFile, instructions: readonly Instruction[]): string | undefined {
  const known = startsAsRoot.get(imageName(finalImage(file)));
  if (known !== undefined) return known;
  const low = instructions.flatMap((one) => (one.kind === "EXPOSE" ? one.ports : [])).find(isLowPort);
  if (low !== undefined)
    return `port ${low} may need root: listen on a port above 1023, then add USER ${user}`;
  const dropping = instructions.find(({ original }) => dropsRoot.test(original));
  return dropping && `line ${dropping.range.start.line} has a program that changes users by itself`;
}

function isLowPort(port: string): boolean {
  const number = Number(/^(\d+)/.exec(port)?.[1] ?? "1024");
  return number > 0 && number < 1024;
}

function isRoot({ user: name }: UserInstruction): boolean {
  return /^(?:root|0)(?::|$)/.test(name);
}

/** Behind all that may need root: before the CMD or ENTRYPOINT that ends the stage, else at its end. */
function fixOf(file: DockerfileFile, last: UserInstruction | undefined): Fix {
  const title = `add USER ${user}`;
  const stage = findFinalStage(file);
  const own = stage?.instructions ?? [];
  const before = own.findLastIndex((instruction) => instruction === last || !startsProgram(instruction));
  const start = own[before + 1];
  if (start !== undefined) return { title, edits: [insertLines(file, start, [`USER ${user}`])] };
  const end = own.at(-1) ?? stage?.from;
  return { title, edits: end === undefined ? [] : [appendLines(file, end, [`USER ${user}`])] };
}

function startsProgram({ kind }: Instruction): boolean {
  return (
    kind === "CMD" ||
    kind === "ENTRYPOINT" ||
    kind === "HEALTHCHECK" ||
    kind === "STOPSIGNAL" ||
    kind === "EXPOSE"
  );
}
