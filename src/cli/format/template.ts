import type { LighterError } from "#base";
import { isTruthy, sortedEntries, templateFunctions } from "./functions.ts";
import { absentField, isJsonOnly, isStruct, jsonName } from "./go-values.ts";
import { executionError } from "./lex.ts";
import { type Command, type Node, type Operand, type Pipe, parseTemplate } from "./parse.ts";
import { showValue } from "./show-value.ts";

/**
 * A template of Go's text/template, as far as docker's `--format` goes: fields, pipes, variables, `if`, `else`, `with`,
 * `range`, named templates, docker's functions (`json`, `join`, `split`, `upper`, …) and Go's (`index`, `len`, `printf`, `eq`, …).
 * @see https://docs.docker.com/engine/cli/formatting/
 * @throws TEMPLATE_INVALID when it cannot be read; what it makes throws ARGUMENT_INVALID when it does not fit the value
 */
export function compileTemplate(template: string): (value: unknown, names?: FieldNames) => string {
  const nodes = parseTemplate(template);
  return (value, names = "both") => new Execution(template, { root: value, names }).run(nodes, value);
}

/**
 * How fields are named: as in docker's program alone (`ID`), or as in JSON (`Id`), where nothing may be missing.
 * @defaultValue either
 */
export type FieldNames = "program" | "json" | "both";

type Jump = "break" | "continue";

class Execution {
  readonly #template: string;
  readonly #variables: Map<string, unknown>;
  readonly #names: FieldNames;
  readonly #blocks = new Map<string, readonly Node[]>();
  #text = "";

  constructor(template: string, { root, names }: { readonly root: unknown; readonly names: FieldNames }) {
    this.#template = template;
    this.#names = names;
    this.#variables = new Map([["$", root]]);
  }

  run(nodes: readonly Node[], dot: unknown): string {
    this.#body(nodes, dot);
    return this.#text;
  }

  /** @returns the word that leaves the innermost range, when one was met */
  #body(nodes: readonly Node[], dot: unknown): Jump | undefined {
    for (const node of nodes) {
      const jump = this.#node(node, dot);
      if (jump !== undefined) return jump;
    }
    return undefined;
  }

  #node(node: Node, dot: unknown): Jump | undefined {
    switch (node.kind) {
      case "text":
        this.#text += node.text;
        return undefined;
      case "print":
        this.#text += showValue(this.#pipe(node.pipe, dot));
        return undefined;
      case "set":
        this.#variables.set(node.name, this.#pipe(node.pipe, dot));
        return undefined;
      case "define":
        this.#blocks.set(node.name, node.body);
        return undefined;
      case "template":
        this.#body(this.#block(node.name), node.pipe === undefined ? undefined : this.#pipe(node.pipe, dot));
        return undefined;
      case "jump":
        return node.word;
      case "if":
        return this.#body(isTruthy(this.#pipe(node.pipe, dot)) ? node.body : node.otherwise, dot);
      case "with": {
        const value = this.#pipe(node.pipe, dot);
        return isTruthy(value) ? this.#body(node.body, value) : this.#body(node.otherwise, dot);
      }
      case "range":
        return this.#range(node, dot);
    }
  }

  #block(name: string): readonly Node[] {
    const body = this.#blocks.get(name);
    if (body === undefined) throw executionError(this.#template, `template "${name}" not defined`);
    return body;
  }

  #range(node: Extract<Node, { kind: "range" }>, dot: unknown): Jump | undefined {
    const entries = entriesOf(this.#pipe(node.pipe, dot));
    if (entries.length === 0) return this.#body(node.otherwise, dot);
    const names = node.names.length === 1 ? [undefined, node.names[0]] : node.names;
    for (const [key, item] of entries) {
      if (names[0] !== undefined) this.#variables.set(names[0], key);
      if (names[1] !== undefined) this.#variables.set(names[1], item);
      if (this.#body(node.body, item) === "break") break;
    }
    return undefined;
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    let value: unknown;
    for (const [at, command] of pipe.entries()) value = this.#command(command, dot, at === 0 ? [] : [value]);
    return value;
  }

  #command([first, ...rest]: Command, dot: unknown, piped: readonly unknown[]): unknown {
    const known = first?.kind === "word" ? templateFunctions[first.text] : undefined;
    if (known !== undefined) return known(...rest.map((operand) => this.#operand(operand, dot)), ...piped);
    const own = first === undefined || first.kind === "word" ? undefined : this.#operand(first, dot);
    if (isMethod(own)) return own(...rest.map((operand) => this.#operand(operand, dot)), ...piped);
    if (rest.length > 0 || piped.length > 0 || first === undefined)
      throw executionError(
        this.#template,
        `"${first?.kind === "word" ? first.text : "a value"}" is no function`,
      );
    return first.kind === "word" ? this.#operand(first, dot) : own;
  }

  #operand(operand: Operand, dot: unknown): unknown {
    switch (operand.kind) {
      case "field":
        return this.#field(dot, operand.path);
      case "variable":
        return this.#field(this.#variables.get(operand.name), operand.path);
      case "literal":
        return operand.value;
      case "group":
        return this.#field(this.#pipe(operand.pipe, dot), operand.path);
      case "word":
        return this.#word(operand.text);
      case "sign":
        throw executionError(this.#template, `"${operand.text}" is not expected there`);
    }
  }

  #word(text: string): unknown {
    if (text === "true" || text === "false") return text === "true";
    if (text === "nil") return null;
    const known = templateFunctions[text];
    if (known !== undefined) return known();
    throw executionError(this.#template, `function "${text}" is not defined`);
  }

  /** A map without the key gives nothing; a value that has no such field is a mistake of the template. */
  #field(value: unknown, path: readonly string[]): unknown {
    let current = value;
    let isAbsent = false;
    for (const [at, name] of path.entries()) {
      if (current === undefined) return undefined;
      if (current === null)
        throw this.#fieldError(
          path,
          isAbsent
            ? `map has no entry for key "${path[at - 1] ?? name}"`
            : `nil data; no entry for key "${name}"`,
        );
      if (typeof current !== "object")
        throw executionError(this.#template, `there is no field "${name}" in ${showValue(current)}`);
      isAbsent = !Object.hasOwn(current, name) || (this.#names === "program" && isJsonOnly(current, name));
      current = isAbsent ? this.#absent(current, name, path) : Reflect.get(current, name);
    }
    return current;
  }

  #absent(value: object, name: string, path: readonly string[]): unknown {
    if (this.#names === "json") throw this.#fieldError(path, `map has no entry for key "${name}"`);
    if (!isStruct(value)) return undefined;
    if (this.#names === "program" && isJsonOnly(value, name))
      throw this.#fieldError(path, `can't evaluate field ${name}`);
    const alias = jsonName(name);
    if (alias !== undefined && Object.hasOwn(value, alias)) return Reflect.get(value, alias);
    const found = absentField(name);
    if (found === undefined) throw this.#fieldError(path, `map has no entry for key "${name}"`);
    return found;
  }

  /** In the words of docker's templates, which scripts look for. */
  #fieldError(path: readonly string[], state: string): LighterError {
    return executionError(
      this.#template,
      `template parsing error: executing "" at <.${path.join(".")}>: ${state}`,
    );
  }
}

/** What a range goes over: a list, a map by its sorted keys, the numbers below one. */
function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (typeof value === "number") return Array.from({ length: Math.max(0, value) }, (_, at) => [at, at]);
  if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item]);
  return typeof value === "object" && value !== null ? sortedEntries(value) : [];
}

/** A field that takes arguments, as `.Label "team"`. */
function isMethod(value: unknown): value is (...args: readonly unknown[]) => unknown {
  return typeof value === "function";
}
