import { isBlankAt, isSpaceAt } from "./go-text.ts";

/** A word and where it stands in the text it was split from. */
export interface Span {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Splits `text[start, end)` at runs of blanks; quotes mean nothing. FROM, EXPOSE, COPY, ADD and VOLUME are split so. */
export function splitAtBlanks(text: string, start: number, end: number): Span[] {
  const words: Span[] = [];
  let from = start;
  while (from < end) {
    let to = from;
    while (to < end && !isBlankAt(text, to)) to++;
    words.push({ value: text.slice(from, to), start: from, end: to });
    from = to;
    while (from < end && isBlankAt(text, from)) from++;
  }
  return words;
}

/**
 * Splits `text[start, end)` into words as ENV, LABEL and ARG do: a quoted stretch and an escaped character belong to
 * the word, and quotes and escapes stay in it. An escape at the very end is dropped.
 */
export function splitQuoted(text: string, start: number, end: number, escape: string): Span[] {
  const words: Span[] = [];
  let index = start;
  while (index < end) {
    if (isSpaceAt(text, index)) {
      index++;
      continue;
    }
    const to = quotedWordEnd(text, index, end, escape);
    // A word is dropped with its last escape only when that was all of it.
    const value = text.slice(index, to.dropsEscape ? to.end - 1 : to.end);
    if (value !== "") words.push({ value, start: index, end: to.end });
    index = to.end;
  }
  return words;
}

function quotedWordEnd(
  text: string,
  start: number,
  end: number,
  escape: string,
): { end: number; dropsEscape: boolean } {
  let quote = "";
  for (let index = start; index < end; index++) {
    const character = text.charAt(index);
    if (quote === "" && isSpaceAt(text, index)) return { end: index, dropsEscape: false };
    if (character === escape && quote !== "'") {
      if (index + 1 === end) return { end, dropsEscape: true };
      index++;
    } else if (quote === "") {
      if (character === '"' || character === "'") quote = character;
    } else if (character === quote) quote = "";
  }
  return { end, dropsEscape: false };
}
