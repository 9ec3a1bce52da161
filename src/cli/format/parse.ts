import { isKnownWord } from "./functions.ts";
import { lexTemplate, type Piece, type Token, templateError } from "./lex.ts";

/** A template as a tree. */
export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipe: Pipe }
  | { readonly kind: "jump"; readonly word: "break" | "continue" }
  | { readonly kind: "define"; readonly name: string; readonly body: readonly Node[] }
  | { readonly kind: "template"; readonly name: string; readonly pipe: Pipe | undefined }
  | { readonly kind: "set"; readonly name: string; readonly pipe: Pipe }
  | {
      readonly kind: "if" | "with";
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | {
      readonly kind: "range";
      /** `$index, $element`. */
      readonly names: readonly string[];
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** Commands joined by `|`: the value of each is the last argument of the next. */
export type Pipe = readonly Command[];
export type Command = readonly Operand[];
export type Operand =
  | Token
  | { readonly kind: "group"; readonly pipe: Pipe; readonly path: readonly string[] };

/** @throws TEMPLATE_INVALID */
export function parseTemplate(template: string): readonly Node[] {
  const reader = new Reader(template);
  const { nodes, end } = reader.readNodes();
  if (end !== undefined) throw templateError(template, `"${end}" has no beginning`);
  return [...reader.blocks, ...nodes];
}

interface Block {
  readonly nodes: readonly Node[];
  /** The word that ended it. */
  readonly end: string | undefined;
  /** After `else`: what follows. */
  readonly rest: readonly Token[];
}

class Reader {
  readonly #template: string;
  readonly #pieces: readonly Piece[];
  #at = 0;
  readonly #blocks: Node[] = [];

  constructor(template: string) {
    this.#template = template;
    this.#pieces = lexTemplate(template);
  }

  readNodes(): Block {
    const nodes: Node[] = [];
    for (let piece = this.#pieces[this.#at]; piece !== undefined; piece = this.#pieces[this.#at]) {
      this.#at += 1;
      if (piece.kind === "text") {
        nodes.push(piece);
        continue;
      }
      const [first, ...rest] = piece.tokens;
      const word = first?.kind === "word" ? first.text : "";
      if (word === "end" || word === "else") return { nodes, end: word, rest };
      nodes.push(this.#node(word, piece.tokens, rest));
    }
    return { nodes, end: undefined, rest: [] };
  }

  #node(word: string, tokens: readonly Token[], rest: readonly Token[]): Node {
    if (word === "break" || word === "continue") return { kind: "jump", word };
    if (word === "define" || word === "block" || word === "template") return this.#named(word, rest);
    if (word === "if" || word === "with") return { kind: word, pipe: this.#pipe(rest), ...this.#branches() };
    if (word === "range") {
      const { names, tokens: left } = this.#names(rest);
      return { kind: "range", names, pipe: this.#pipe(left), ...this.#branches() };
    }
    const { names, tokens: left } = this.#names(tokens);
    const name = names[0];
    return name === undefined
      ? { kind: "print", pipe: this.#pipe(tokens) }
      : { kind: "set", name, pipe: this.#pipe(left) };
  }

  /** A template with a name of its own, and its use; a block is both at once. */
  #named(word: "define" | "block" | "template", [first, ...rest]: readonly Token[]): Node {
    if (first?.kind !== "literal" || typeof first.value !== "string")
      throw templateError(this.#template, `"${word}" wants a name in quotation marks`);
    const name = first.value;
    const pipe = rest.length === 0 ? undefined : this.#pipe(rest);
    if (word === "template") return { kind: "template", name, pipe };
    const { nodes: body, end } = this.readNodes();
    if (end !== "end") throw templateError(this.#template, '"end" is missing');
    this.#blocks.push({ kind: "define", name, body });
    return word === "block" ? { kind: "template", name, pipe } : { kind: "text", text: "" };
  }

  /** The templates with names, wherever they stand. */
  get blocks(): readonly Node[] {
    return this.#blocks;
  }

  #branches(): { readonly body: readonly Node[]; readonly otherwise: readonly Node[] } {
    const body = this.readNodes();
    if (body.end === undefined) throw templateError(this.#template, '"end" is missing');
    if (body.end === "end") return { body: body.nodes, otherwise: [] };
    const [first, ...rest] = body.rest;
    if (first?.kind === "word" && (first.text === "if" || first.text === "with"))
      return {
        body: body.nodes,
        otherwise: [{ kind: first.text, pipe: this.#pipe(rest), ...this.#branches() }],
      };
    const otherwise = this.readNodes();
    if (otherwise.end !== "end") throw templateError(this.#template, '"end" is missing');
    return { body: body.nodes, otherwise: otherwise.nodes };
  }

  /** `$a := ` or `$i, $e := ` before a pipe. */
  #names(tokens: readonly Token[]): { readonly names: readonly string[]; readonly tokens: readonly Token[] } {
    const at = tokens.findIndex(
      (token) => token.kind === "sign" && (token.text === ":=" || token.text === "="),
    );
    if (at < 0) return { names: [], tokens };
    const names = tokens.slice(0, at).flatMap((token) => (token.kind === "variable" ? [token.name] : []));
    return { names, tokens: tokens.slice(at + 1) };
  }

  #pipe(tokens: readonly Token[]): Pipe {
    const { pipe, next } = this.#readPipe(tokens, 0);
    if (next !== tokens.length) throw templateError(this.#template, "a parenthesis is missing");
    return pipe;
  }

  #known(token: Token): Token {
    if (token.kind !== "word" || isKnownWord(token.text)) return token;
    throw templateError(this.#template, `function "${token.text}" not defined`);
  }

  #readPipe(tokens: readonly Token[], from: number): { readonly pipe: Pipe; readonly next: number } {
    const commands: Operand[][] = [[]];
    let at = from;
    for (let token = tokens[at]; token !== undefined; token = tokens[at]) {
      at += 1;
      if (token.kind === "sign" && token.text === ")") {
        at -= 1;
        break;
      }
      if (token.kind === "sign" && token.text === "|") commands.push([]);
      else if (token.kind === "sign" && token.text === "(") {
        const inner = this.#readPipe(tokens, at);
        if (tokens[inner.next]?.kind !== "sign")
          throw templateError(this.#template, "a parenthesis is missing");
        at = inner.next + 1;
        const after = tokens[at];
        const path = after?.kind === "field" ? after.path : [];
        if (path.length > 0) at += 1;
        commands.at(-1)?.push({ kind: "group", pipe: inner.pipe, path });
      } else commands.at(-1)?.push(this.#known(token));
    }
    if (commands.some((command) => command.length === 0))
      throw templateError(this.#template, "an action is empty");
    return { pipe: commands, next: at };
  }
}
