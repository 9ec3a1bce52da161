import { LighterError } from "#base";
import { cleanPath } from "./clean-path.ts";
import { decode } from "./decode.ts";
import { trimSpace } from "./go-text.ts";
import { compilePattern, type Pattern, type Progress } from "./ignore-pattern.ts";

/** What the patterns say of one path, and the way to what lies below it. */
export interface IgnoreEntry {
  /** Whether the path itself is left out. */
  readonly ignored: boolean;
  /**
   * Whether anything below it may be kept: when false, a walk need not enter. It stays false with negations in the
   * file as long as none of them can match below this very directory.
   */
  mayContain(): boolean;
  /** The entry of a name in this directory. */
  child(name: string): IgnoreEntry;
}

/** The compiled patterns of an ignore file. The last pattern that matches a path, or one of its parents, decides. */
export interface IgnoreMatcher {
  /** The patterns as they are used: trimmed, cleaned, `!` in front of a negation. */
  readonly patterns: readonly string[];
  readonly hasNegations: boolean;
  /** The context itself: where a walk starts. It is never ignored. */
  readonly root: IgnoreEntry;
  /** Whether a path, relative to the context and with slashes, is left out. */
  matches(path: string): boolean;
  /** Whether anything below a directory may be kept. */
  mayContain(directory: string): boolean;
}

const MAX_LINE_LENGTH = 64 * 1024;

/**
 * Reads the lines of an ignore file: comments (`#` in the first column) and empty lines dropped, the rest trimmed
 * and cleaned, a slash in front removed. Throws IGNORE_FILE_INVALID when a line is longer than 64 kB.
 */
export function readIgnoreFile(file: string | Uint8Array): string[] {
  const lines = decode(file).split("\n");
  if (lines.some((line) => line.length >= MAX_LINE_LENGTH))
    throw new LighterError("IGNORE_FILE_INVALID", "cannot read the ignore file: a line is longer than 64 kB");
  return lines
    .filter((line) => !line.startsWith("#"))
    .map(trimSpace)
    .filter((line) => line !== "")
    .map(cleanLine);
}

function cleanLine(line: string): string {
  const negated = line.startsWith("!");
  const pattern = negated ? trimSpace(line.slice(1)) : line;
  const cleaned = pattern === "" ? "" : cleanPath(pattern);
  return (negated ? "!" : "") + (cleaned.length > 1 && cleaned.startsWith("/") ? cleaned.slice(1) : cleaned);
}

/**
 * Compiles an ignore file, or a list of its patterns. Throws IGNORE_FILE_INVALID for a pattern that makes no sense.
 *
 * The answers are those of the walk by which BuildKit sends a context.
 */
export function compileIgnore(source: string | Uint8Array | readonly string[]): IgnoreMatcher {
  const lines = typeof source === "string" || source instanceof Uint8Array ? readIgnoreFile(source) : source;
  const patterns = lines.flatMap(compileLine);
  const root = rootEntry(patterns);
  const find = (path: string): IgnoreEntry =>
    elements(path).reduce((entry: IgnoreEntry, name) => entry.child(name), root);
  return Object.freeze({
    patterns: Object.freeze(patterns.map(({ text, negated }) => (negated ? `!${text}` : text))),
    hasNegations: patterns.some(({ negated }) => negated),
    root,
    matches: (path: string) => find(path).ignored,
    mayContain: (directory: string) => find(directory).mayContain(),
  });
}

/** The names in a path. The root of everything, which no context has, is one name: only `**` matches it. */
function elements(path: string): string[] {
  const cleaned = cleanPath(path);
  if (cleaned === "/") return [cleaned];
  return cleaned.split("/").filter((name) => name !== "" && name !== ".");
}

function compileLine(line: string): Pattern[] {
  const trimmed = trimSpace(line);
  if (trimmed === "") return [];
  const cleaned = cleanPath(trimmed);
  if (cleaned === "!") throw new LighterError("IGNORE_FILE_INVALID", 'illegal exclusion pattern: "!"');
  const negated = cleaned.startsWith("!");
  return [compilePattern(negated ? cleaned.slice(1) : cleaned, negated)];
}

function rootEntry(patterns: readonly Pattern[]): IgnoreEntry {
  const directory = patterns.map((pattern) => ({ pattern, matched: false, progress: pattern.start }));
  return { ignored: false, mayContain: () => true, child: (name) => entryOf(directory, name) };
}

/** What a directory has to remember of a pattern, in the order of the file: those that can match no more are left out. */
interface Following {
  readonly pattern: Pattern;
  /** It matched the directory or one above. */
  readonly matched: boolean;
  readonly progress: Progress;
}

type Directory = readonly Following[];

function entryOf(directory: Directory, name: string): IgnoreEntry {
  let ignored = false;
  for (const following of directory) {
    if (isAsked(following, name, ignored)) ignored = !following.pattern.negated;
  }
  const inner = lazily(() => enter(directory, name));
  return {
    ignored,
    mayContain: () => !ignored || mayKeep(inner()),
    child: (child) => entryOf(inner(), child),
  };
}

/** A pattern that could not change the verdict is not asked, and below this path it then counts as not matched. */
function isAsked({ pattern, matched, progress }: Following, name: string, ignored: boolean): boolean {
  return matched || (pattern.negated === ignored && pattern.matches(progress, name));
}

function enter(directory: Directory, name: string): Directory {
  const inner: Following[] = [];
  let ignored = false;
  for (const following of directory) {
    const { pattern } = following;
    const matched = isAsked(following, name, ignored);
    if (matched) ignored = !pattern.negated;
    const progress = pattern.enter(following.progress, name);
    if (matched || progress.length > 0) inner.push({ pattern, matched, progress });
  }
  return inner;
}

/** Below an ignored directory only a negation that follows the deciding pattern can keep anything. */
function mayKeep(directory: Directory): boolean {
  const decisive = directory.findLastIndex(({ matched }) => matched);
  return directory.some(
    ({ pattern, progress }, index) => pattern.negated && index > decisive && progress.length > 0,
  );
}

function lazily<Value>(make: () => Value): () => Value {
  let value: Value | undefined;
  return () => {
    value ??= make();
    return value;
  };
}
