import { stripVTControlCharacters } from "node:util";
import type { Output } from "../io.ts";
import { cellWidth } from "./text.ts";

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";

/** Draws frames over each other. One write a frame, no line cleared before it is drawn again: nothing flickers. */
export class Screen implements Disposable {
  readonly #output: Output;
  #lines: readonly string[] = [];
  #isHidden = false;

  constructor(output: Output) {
    this.#output = output;
  }

  draw(lines: readonly string[]): void {
    const up = this.#height();
    const begin = this.#isHidden ? "" : hideCursor;
    const move = up > 0 ? `\u001b[${up}A\r` : "\r";
    this.#isHidden = true;
    this.#lines = lines;
    void this.#output.write(`${begin}${move}${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J`);
  }

  // A terminal that became narrower has wrapped the lines of the frame before.
  #height(): number {
    const columns = Math.max(1, this.#output.columns);
    const rowsOf = (line: string) =>
      Math.max(1, Math.ceil(cellWidth(stripVTControlCharacters(line)) / columns));
    return this.#lines.reduce((sum, line) => sum + rowsOf(line), 0);
  }

  [Symbol.dispose](): void {
    if (this.#isHidden) void this.#output.write(showCursor);
    this.#isHidden = false;
    this.#lines = [];
  }
}
