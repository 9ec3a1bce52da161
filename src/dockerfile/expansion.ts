import { LighterError } from "#base";
import { MAX_STEPS, type Steps } from "./glob.ts";
import { isSpaceAt, quote } from "./go-text.ts";
import {
  MISSING_BRACE,
  readModifier,
  type Substitution,
  substitute,
  writtenSubstitution,
} from "./substitution.ts";

/** What an expansion is told. */
export interface ExpandOptions {
  /** The escape character of the file; `\` by default. */
  readonly escape?: "\\" | "`";
  /** Quotes are ordinary characters: for the content of heredocs. */
  readonly skipQuotes?: boolean;
  /** Variables that are not set stay as written. */
  readonly skipUnset?: boolean;
  /** Quotes still quote, but stay in the result. */
  readonly rawQuotes?: boolean;
  /** Escapes still escape, but stay in the result. */
  readonly rawEscapes?: boolean;
}

/** Answers the value of a variable, or `undefined` when it is not set. */
export type Lookup = (name: string) => string | undefined;

/** The longest result. `ENV a=$a$a` doubles a value: without a limit a short file asks for all memory there is. */
const MAX_EXPANSION_LENGTH = 16 * 1024 * 1024;

/** A stretch that ends at `stop`, or at the end of the word when that is empty. */
interface Region {
  readonly kind: "region";
  readonly stop: string;
  readonly rawEscapes: boolean;
  readonly opens?: Substitution;
  result: string;
}

interface DoubleQuote {
  readonly kind: "quote";
  readonly rawEscapes: boolean;
  result: string;
}

/** Collects words while they are expanded. */
export interface Splitter {
  readonly words: string[];
  current: string;
}

/**
 * The state of one expansion. Open substitutions and quotes are a stack of its own: nested ones may be as many as
 * a line has characters, more than the stack of calls can hold.
 */
export interface State {
  readonly word: string;
  readonly options: ExpandOptions;
  readonly escape: string;
  readonly get: Lookup;
  readonly matched: Set<string>;
  readonly unmatched: Set<string>;
  readonly stack: (Region | DoubleQuote)[];
  readonly steps: Steps;
  splitter?: Splitter;
  index: number;
}

/** The state at the start of a word. */
export function begin(word: string, lookup: Lookup, options: ExpandOptions): State {
  const matched = new Set<string>();
  const unmatched = new Set<string>();
  const get: Lookup = (name) => {
    const value = lookup(name);
    (value === undefined ? unmatched : matched).add(name);
    return value;
  };
  const escape = options.escape ?? "\\";
  const stack: State["stack"] = [
    { kind: "region", stop: "", rawEscapes: options.rawEscapes ?? false, result: "" },
  ];
  const index = word.startsWith("\ufeff") ? 1 : 0;
  return { word, options, escape, get, matched, unmatched, stack, steps: { left: MAX_STEPS }, index };
}

/** Expands what is left and returns all of it. Throws DOCKERFILE_INVALID. */
export function run(state: State): string {
  try {
    for (;;) {
      const top = state.stack.at(-1);
      if (top === undefined) throw new LighterError("INTERNAL", "an expansion lost its outermost region");
      if (state.index >= state.word.length) {
        if (top.kind === "region" && top.stop === "") return top.result;
        throw invalid(endOfStatement(top));
      }
      if (top.kind === "region") stepRegion(state, top);
      else stepQuote(state, top);
    }
  } catch (error) {
    throw error instanceof LighterError ? explain(state, error) : error;
  }
}

function endOfStatement(top: Region | DoubleQuote): string {
  const wanted = top.kind === "quote" ? "double-quote" : top.stop;
  return `unexpected end of statement while looking for matching ${wanted}`;
}

/** What ends too early is reported by the outermost substitution that is still open. */
function explain(state: State, error: LighterError): LighterError {
  const outermost = state.stack.find((frame) => frame.kind === "region" && frame.opens !== undefined);
  const atEnd = state.index >= state.word.length;
  const open = atEnd && outermost?.kind === "region" ? outermost.opens : undefined;
  const message = open === undefined ? error.message : missing(open);
  return invalid(`failed to process ${quote(state.word)}: ${message}`);
}

function missing(open: Substitution): string {
  return open.modifier === "/" && open.pattern === undefined
    ? "syntax error: missing '/' in ${}"
    : MISSING_BRACE;
}

function stepRegion(state: State, region: Region): void {
  const character = state.word.charAt(state.index);
  if (region.stop !== "" && character === region.stop) closeRegion(state, region);
  else if (character === "$") readDollar(state);
  else if (character === "<") addRaw(state, region, readHeredocMarker(state));
  else if (character === "'" && !state.options.skipQuotes) addRaw(state, region, readSingleQuote(state));
  else if (character === '"' && !state.options.skipQuotes) openQuote(state, region);
  else if (character === state.escape) readEscape(state, region);
  else {
    state.index++;
    region.result += character;
    split(state, character);
  }
}

function readEscape(state: State, region: Region): void {
  const escaped = characterAt(state.word, state.index + 1);
  addRaw(state, region, (region.rawEscapes ? state.escape : "") + escaped);
  state.index += 1 + escaped.length;
}

function openQuote(state: State, region: Region): void {
  state.index++;
  const result = state.options.rawQuotes ? '"' : "";
  state.stack.push({ kind: "quote", rawEscapes: region.rawEscapes, result });
}

function stepQuote(state: State, frame: DoubleQuote): void {
  const character = state.word.charAt(state.index);
  if (character === "$") return readDollar(state);
  state.index++;
  if (character === '"') return closeQuote(state, frame);
  if (character !== state.escape) {
    frame.result += character;
    return;
  }
  if (frame.rawEscapes) frame.result += character;
  const next = state.word.charAt(state.index);
  if (next === "") return;
  const escapes = next === '"' || next === "$" || next === state.escape;
  frame.result += escapes ? next : character;
  if (escapes) state.index++;
}

function closeQuote(state: State, frame: DoubleQuote): void {
  state.stack.pop();
  const outer = state.stack.at(-1);
  // Only a region opens a quote.
  if (outer?.kind === "region") addRaw(state, outer, frame.result + (state.options.rawQuotes ? '"' : ""));
}

function readSingleQuote(state: State): string {
  const end = state.word.indexOf("'", state.index + 1);
  if (end < 0) {
    state.index = state.word.length;
    throw invalid("unexpected end of statement while looking for matching single-quote");
  }
  const start = state.options.rawQuotes ? state.index : state.index + 1;
  state.index = end + 1;
  return state.word.slice(start, state.options.rawQuotes ? end + 1 : end);
}

/** `<<` and the blanks after it stay together, so that the word of a heredoc may stand apart. */
function readHeredocMarker(state: State): string {
  const start = state.index++;
  if (state.word[state.index] !== "<") return "<";
  state.index++;
  while (/[\t\r ]/.test(state.word.charAt(state.index))) state.index++;
  return state.word.slice(start, state.index);
}

function readDollar(state: State): void {
  const found = readModifier(state.word, state.index + 1);
  state.index = found.index;
  if (found.error !== undefined) throw invalid(found.error);
  if (found.opens === undefined) {
    addExpanded(state, found.name === "" ? "$" : plainValue(state, found));
    return;
  }
  openRegion(state, found.opens);
}

function plainValue(state: State, found: { readonly name: string; readonly text: string }): string {
  const value = state.get(found.name);
  return value ?? (state.options.skipUnset ? found.text : "");
}

function openRegion(state: State, opens: Substitution): void {
  const stop = opens.modifier === "/" && opens.pattern === undefined ? "/" : "}";
  const rawEscapes = opens.modifier === "/" || opens.modifier === "#" || opens.modifier === "%";
  state.stack.push({ kind: "region", stop, rawEscapes, opens, result: "" });
}

function closeRegion(state: State, region: Region): void {
  state.index++;
  state.stack.pop();
  const { opens } = region;
  if (opens === undefined) return;
  if (opens.modifier === "/" && opens.pattern === undefined) {
    openRegion(state, { ...opens, pattern: region.result });
    return;
  }
  const value = state.get(opens.name);
  const stays = value === undefined && state.options.skipUnset;
  const word = region.result;
  addExpanded(state, stays ? writtenSubstitution(opens, word) : substitute(opens, word, value, state.steps));
}

/** Adds the value of a variable to what is open. */
function addExpanded(state: State, value: string): void {
  const top = state.stack.at(-1);
  if (top === undefined) return;
  top.result += value;
  checkLength(top.result);
  if (top.kind === "region") for (const character of splitting(state) ? value : "") split(state, character);
}

/** Adds text that is not split at its white space. */
function addRaw(state: State, region: Region, text: string): void {
  region.result += text;
  checkLength(region.result);
  if (state.splitter !== undefined && splitting(state)) state.splitter.current += text;
}

/** Only the outermost region makes words. */
function splitting(state: State): boolean {
  return state.splitter !== undefined && state.stack.length === 1;
}

function split(state: State, character: string): void {
  const { splitter } = state;
  if (splitter === undefined || !splitting(state)) return;
  if (!isSpaceAt(character, 0)) splitter.current += character;
  else if (splitter.current !== "") {
    splitter.words.push(splitter.current);
    splitter.current = "";
  }
}

function checkLength(text: string): void {
  if (text.length <= MAX_EXPANSION_LENGTH) return;
  throw invalid(`the value is longer than ${MAX_EXPANSION_LENGTH} characters`);
}

function characterAt(text: string, index: number): string {
  const point = text.codePointAt(index);
  return point === undefined ? "" : String.fromCodePoint(point);
}

function invalid(message: string): LighterError {
  return new LighterError("DOCKERFILE_INVALID", message);
}
