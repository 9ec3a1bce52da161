import type { LighterError } from "#base";
import { isTruthy, sortedEntries, templateFunctions } from "./functions.ts";
import { absentField, isStruct } from "./go-values.ts";
import { templateError } from "./lex.ts";
import { type Command, type Node, type Operand, type Pipe, parseTemplate } from "./parse.ts";
import { showValue } from "./show-value.ts";

/**
 * A template of Go's text/template, as far as docker's `--format` goes: fields, pipes, variables, `if`, `else`, `with`,
 * `range`, docker's functions (`json`, `join`, `split`, `upper`, …) and Go's (`index`, `len`, `printf`, `eq`, …).
 * @see https://docs.docker.com/engine/cli/formatting/
 * @throws ARGUMENT_INVALID when it cannot be read
 */
export function compileTemplate(template: string): (value: unknown) => string {
  const nodes = parseTemplate(template);
  return (value) => new Execution(template, value).run(nodes, value);
}

class Execution {
  readonly #template: string;
  readonly #variables: Map<string, unknown>;

  constructor(template: string, root: unknown) {
    this.#template = template;
    this.#variables = new Map([["$", root]]);
  }

  run(nodes: readonly Node[], dot: unknown): string {
    return nodes.map((node) => this.#node(node, dot)).join("");
  }

  #node(node: Node, dot: unknown): string {
    switch (node.kind) {
      case "text":
        return node.text;
      case "print":
        return showValue(this.#pipe(node.pipe, dot));
      case "set":
        this.#variables.set(node.name, this.#pipe(node.pipe, dot));
        return "";
      case "if":
        return this.run(isTruthy(this.#pipe(node.pipe, dot)) ? node.body : node.otherwise, dot);
      case "with": {
        const value = this.#pipe(node.pipe, dot);
        return isTruthy(value) ? this.run(node.body, value) : this.run(node.otherwise, dot);
      }
      case "range":
        return this.#range(node, dot);
    }
  }

  #range(node: Extract<Node, { kind: "range" }>, dot: unknown): string {
    const value = this.#pipe(node.pipe, dot);
    if (typeof value !== "object" || value === null || !isTruthy(value)) return this.run(node.otherwise, dot);
    const entries = Array.isArray(value)
      ? value.map((item: unknown, index) => [index, item] as const)
      : sortedEntries(value);
    return entries
      .map(([key, item]) => {
        const names = node.names.length === 1 ? [undefined, node.names[0]] : node.names;
        if (names[0] !== undefined) this.#variables.set(names[0], key);
        if (names[1] !== undefined) this.#variables.set(names[1], item);
        return this.run(node.body, item);
      })
      .join("");
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
      throw templateError(
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
        throw templateError(this.#template, `"${operand.text}" is not expected there`);
    }
  }

  #word(text: string): unknown {
    if (text === "true" || text === "false") return text === "true";
    if (text === "nil") return null;
    const known = templateFunctions[text];
    if (known !== undefined) return known();
    throw templateError(this.#template, `function "${text}" is not defined`);
  }

  /** A map without the key gives nothing; a value that has no such field is a mistake of the template. */
  #field(value: unknown, path: readonly string[]): unknown {
    let current = value;
    for (const [at, name] of path.entries()) {
      if (current === undefined) return undefined;
      if (current === null)
        throw this.#fieldError(path, `nil data; no entry for key "${path[at - 1] ?? name}"`);
      if (typeof current !== "object")
        throw templateError(this.#template, `there is no field "${name}" in ${showValue(current)}`);
      current = Object.hasOwn(current, name) ? Reflect.get(current, name) : this.#absent(current, name, path);
    }
    return current;
  }

  #absent(value: object, name: string, path: readonly string[]): unknown {
    if (!isStruct(value)) return undefined;
    const found = absentField(name);
    if (found === undefined) throw this.#fieldError(path, `map has no entry for key "${name}"`);
    return found;
  }

  /** In the words of docker's templates, which scripts look for. */
  #fieldError(path: readonly string[], state: string): LighterError {
    return templateError(
      this.#template,
      `template parsing error: executing "" at <.${path.join(".")}>: ${state}`,
    );
  }
}

/** A field that takes arguments, as `.Label "team"`. */
function isMethod(value: unknown): value is (...args: readonly unknown[]) => unknown {
  return typeof value === "function";
}
