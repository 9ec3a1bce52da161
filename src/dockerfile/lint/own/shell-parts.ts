import type { DockerfileFile, RunInstruction } from "../../ast.ts";
import { type ShellText, shellText } from "./shell-text.ts";

/** One command of a line; indexes are those of the {@link ShellText}. */
export interface ShellPart {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** What stands behind it; empty behind the last. */
  readonly separator: string;
}

/** The commands of a RUN in shell form. */
export interface ShellParts {
  readonly shell: ShellText;
  readonly parts: readonly ShellPart[];
  /** Commands in a row with `&&`: no quotes left open, groups, comments, pipes or substitutions that a cut could hit. */
  readonly isPlain: boolean;
}

/** Splits a RUN where the shell ends one command and begins the next; what stands in quotes is no separator. */
export function shellParts(file: DockerfileFile, run: RunInstruction): ShellParts {
  const shell = shellText(file, run);
  const commandStart = (run.flags.at(-1)?.range.end ?? run.keyword.range.end).offset - shell.start;
  const parts: ShellPart[] = [];
  let start = commandStart;
  const add = (end: number, separator: string): void => {
    const raw = shell.text.slice(start, end);
    const from = start + raw.length - raw.trimStart().length;
    parts.push({ text: raw.trim(), start: from, end: from + raw.trim().length, separator });
    start = end + separator.length;
  };
  const separators = /'[^']*'|"(?:[^"\\]|\\.)*"|\\.|&&|\|\||[;|&]/g;
  separators.lastIndex = commandStart;
  for (let match = separators.exec(shell.text); match !== null; match = separators.exec(shell.text))
    if (/^[;&|]/.test(match[0])) add(match.index, match[0]);
  add(shell.text.length, "");
  const isPlain =
    run.command.form === "shell" &&
    run.heredocs.length === 0 &&
    parts.every(({ text, separator }) => (separator === "&&" || separator === "") && isSimple(text));
  return { shell, parts, isPlain };
}

/** No group, comment, substitution, redirection from a shell's own construct, or word of a compound command. */
function isSimple(text: string): boolean {
  const bare = text.replace(/'[^']*'|"(?:[^"\\]|\\.)*"/g, "");
  return (
    text !== "" &&
    !/[`(){}#"']/.test(bare) &&
    !/^(?:if|for|while|until|case|then|do|set|cd|export|exec|source|\.|!)\b/.test(text)
  );
}
