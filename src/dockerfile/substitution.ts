import { LighterError } from "#base";
import { replacePattern, type Steps, trimPrefix, trimSuffix } from "./glob.ts";

export const MISSING_BRACE = "syntax error: missing '}'";

/** `${name` and its modifier, with the word (and for `/` the pattern) still to be read. */
export interface Substitution {
  readonly name: string;
  /** The character that decides: `-` `+` `?` `#` `%` `/`, or one that is not supported. */
  readonly modifier: string;
  /** The modifier as written, its colon included. */
  readonly text: string;
  readonly nullIsUnset: boolean;
  /** `//`. */
  readonly all: boolean;
  /** The pattern of `/`, once it is read. */
  readonly pattern?: string;
}

/** What follows a `$`: a whole variable (`name`; empty for a lone `$`), the start of a substitution, or an error. */
export interface Dollar {
  readonly index: number;
  readonly name: string;
  /** The variable as it is written back when it is not set and has to stay. */
  readonly text: string;
  readonly opens?: Substitution;
  readonly error?: string;
}

const MODIFIERS = "+-?#%";

/** Reads what follows a `$`, from `index` up to where the word of a modifier begins. */
export function readModifier(word: string, index: number): Dollar {
  if (word[index] !== "{") {
    const name = readName(word, index);
    return { index: index + name.length, name, text: `$${name}` };
  }
  const first = word.charAt(index + 1);
  if (first === "") return failure(index + 1, MISSING_BRACE);
  if ("{}:".includes(first)) return failure(index + 1, "syntax error: bad substitution");
  const name = readName(word, index + 1);
  const at = index + 1 + name.length;
  const modifier = characterAt(word, at);
  if (modifier === "}") return { index: at + 1, name, text: `\${${name}}` };
  if (modifier === "/") return openReplacement(word, at, name);
  if (modifier === ":") return openColon(word, at, name);
  if (!MODIFIERS.includes(modifier)) return failure(at + modifier.length, unsupported(modifier));
  return open(at + 1, { name, modifier, text: modifier, nullIsUnset: false, all: false });
}

function openReplacement(word: string, at: number, name: string): Dollar {
  const all = word[at + 1] === "/";
  const text = "/";
  return open(at + (all ? 2 : 1), { name, modifier: "/", text, nullIsUnset: false, all });
}

function openColon(word: string, at: number, name: string): Dollar {
  const modifier = characterAt(word, at + 1);
  const text = `:${modifier}`;
  const next = at + 1 + (at + 1 < word.length ? modifier.length : 0);
  if (modifier === "#" || modifier === "%") return failure(next, unsupported(text));
  return open(next, { name, modifier, text, nullIsUnset: true, all: false });
}

function open(index: number, opens: Substitution): Dollar {
  return { index, name: opens.name, text: "", opens };
}

function failure(index: number, error: string): Dollar {
  return { index, name: "", text: "", error };
}

function unsupported(modifier: string): string {
  return `unsupported modifier (${modifier}) in substitution`;
}

/** A name: all digits, one of the special parameters, or letters, digits and underscores. */
function readName(word: string, index: number): string {
  const first = word.charAt(index);
  if (first !== "" && "@*#?-$!".includes(first)) return first;
  const accepts = isDigit(characterAt(word, index)) ? isDigit : isNameCharacter;
  let end = index;
  while (end < word.length) {
    const character = characterAt(word, end);
    if (!accepts(character)) break;
    end += character.length;
  }
  return word.slice(index, end);
}

function isDigit(character: string): boolean {
  return /^\p{Nd}$/u.test(character);
}

function isNameCharacter(character: string): boolean {
  return /^[\p{L}\p{Nd}_]$/u.test(character);
}

/** The character at `index`; at the end of the word the replacement character, as the reference implementation prints it. */
function characterAt(word: string, index: number): string {
  const point = word.codePointAt(index);
  return point === undefined ? "\ufffd" : String.fromCodePoint(point);
}

/** The value of a substitution once its word is known. `value` is that of its variable. */
export function substitute(of: Substitution, word: string, value: string | undefined, steps: Steps): string {
  const missing = value === undefined || (of.nullIsUnset && value === "");
  switch (of.modifier) {
    case "-":
      return missing ? word : value;
    case "+":
      return missing ? "" : word;
    case "?":
      if (missing) throw invalid(`${of.name}: ${word === "" ? refusal(value) : word}`);
      return value;
    case "#":
    case "%":
      return trim(word, value ?? "", of.modifier, steps);
    case "/":
      return replacePattern(
        value ?? "",
        { pattern: of.pattern ?? "", replacement: word, all: of.all },
        steps,
      );
    default:
      throw invalid(unsupported(of.text));
  }
}

/** The substitution as it is written back when its variable is not set and has to stay. */
export function writtenSubstitution(of: Substitution, word: string): string {
  if (of.modifier === "/") return `\${${of.name}/${of.pattern ?? ""}/${word}}`;
  return `\${${of.name}${of.text}${word}}`;
}

function refusal(value: string | undefined): string {
  return value === undefined ? "is not allowed to be unset" : "is not allowed to be empty";
}

function trim(word: string, value: string, modifier: "#" | "%", steps: Steps): string {
  const greedy = word.startsWith(modifier);
  const pattern = greedy ? word.slice(1) : word;
  return (modifier === "#" ? trimPrefix : trimSuffix)(pattern, value, greedy, steps);
}

function invalid(message: string): LighterError {
  return new LighterError("DOCKERFILE_INVALID", message);
}
