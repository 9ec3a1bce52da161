import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Environment } from "./environment.ts";
import { PersistentMap } from "./persistent-map.ts";
import { VariableList } from "./variable-list.ts";

fc.configureGlobal({ seed: Number(process.env["FUZZ_SEED"] ?? 1) });

const name = fc.constantFrom("A", "B", "C", "D", "E");
const pair = fc.tuple(name, fc.constantFrom("1", "2", ""));

describe("PersistentMap", () => {
  test("says what a Map says, and older maps stay as they were", () => {
    const keys = fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.integer()), { maxLength: 60 });
    fc.assert(
      fc.property(keys, (pairs) => {
        const model = new Map<string, number>();
        let map = PersistentMap.empty<number>();
        const kept: [PersistentMap<number>, string][] = [];
        for (const [key, value] of pairs) {
          map = map.set(key, value);
          model.set(key, value);
          kept.push([map, JSON.stringify([...model])]);
        }
        assert.equal(map.size, model.size);
        for (const [key, value] of model) assert.equal(map.get(key), value);
        for (const [older, entries] of kept) assert.equal(JSON.stringify(older.entries()), entries);
      }),
    );
  });

  test("sorted keys do not make it deep", () => {
    const keys = Array.from({ length: 50_000 }, (_, index) => String(index).padStart(6, "0"));
    const map = PersistentMap.of(keys.map((key) => [key, key]));
    assert.equal(map.get("049999"), "049999");
    assert.equal(map.has("050000"), false);
  });
});

/** The list as a Map that has the same order. */
type Step = (list: VariableList, model: Map<string, string>) => VariableList;

const moveToEnd = pair.map(
  ([key, value]): Step =>
    (list, model) => {
      model.delete(key);
      model.set(key, value);
      return list.moveToEnd(key, value);
    },
);
const replace = pair.map(
  ([key, value]): Step =>
    (list, model) => {
      if (model.has(key)) model.set(key, value);
      return list.replace(key, value);
    },
);
const remove = name.map(
  (key): Step =>
    (list, model) => {
      model.delete(key);
      return list.remove(key);
    },
);
const insertInFront = fc.tuple(pair, name).map(
  ([[key, value], other]): Step =>
    (list, model) => {
      if (model.has(key) || !model.has(other)) return list;
      const entries = [...model];
      const at = entries.findIndex(([known]) => known === other);
      model.clear();
      for (const [known, text] of entries.toSpliced(at, 0, [key, value])) model.set(known, text);
      return list.insert(key, value, other);
    },
);
const steps = fc.array(fc.oneof(moveToEnd, replace, remove, insertInFront), { maxLength: 30 });

function run(given: readonly Step[]): readonly [VariableList, string] {
  const model = new Map<string, string>();
  const list = given.reduce((before, step) => step(before, model), VariableList.empty);
  return [list, JSON.stringify([...model])];
}

describe("VariableList", () => {
  test("order and values are those of a list that is written out", () => {
    fc.assert(
      fc.property(steps, (given) => {
        const [list, model] = run(given);
        assert.equal(JSON.stringify([...list.entries()]), model);
      }),
    );
  });

  test("digests are equal when the lists are, however they came about, and only then", () => {
    fc.assert(
      fc.property(steps, steps, (some, others) => {
        const [a, textA] = run(some);
        const [b, textB] = run(others);
        const again = [...a.entries()].reduce((list, entry) => list.moveToEnd(...entry), VariableList.empty);
        assert.equal(again.digest, a.digest);
        assert.equal(a.digest === b.digest, textA === textB);
      }),
    );
  });
});

describe("Environment", () => {
  const rows: readonly (readonly [string, string, string])[] = [
    // what a stage sets | what it sees then | what a stage that is built on it starts with
    ["ENV A=1 ENV B=2", "P=0 A=1 B=2", "P=0 A=1 B=2"],
    ["ENV A=1 ENV B=2 ENV A=3", "P=0 B=2 A=3", "P=0 A=3 B=2"],
    ["ENV A=1 ENV P=x", "A=1 P=x", "P=x A=1"],
    ["ARG A=1", "P=0 A=1", "A=1 P=0"],
    ["ARG A=1 ENV B=2 ARG C=3", "P=0 A=1 B=2 C=3", "A=1 C=3 P=0 B=2"],
    ["ENV A=1 ARG A=2", "P=0 A=2", "P=0 A=1"],
    ["ARG A=1 ENV A=2", "P=0 A=2", "P=0 A=2"],
    ["ARG A=1 ARG B=2 ARG A=3", "P=0 B=2 A=3", "B=2 A=3 P=0"],
  ];
  for (const [text, sees, starts] of rows)
    test(text, () => {
      let environment = Environment.ofImage([["P", "0"]]);
      for (const [, kind, key = "", value = ""] of text.matchAll(/(ENV|ARG) (\w)=(\w)/g))
        environment = kind === "ENV" ? environment.withEnv(key, value) : environment.withArg(key, value);
      assert.equal(textOf(environment), sees);
      assert.equal(textOf(environment.inherited()), starts);
    });
});

function textOf(environment: Environment): string {
  return Array.from(environment.entries(), ([key, value]) => `${key}=${value}`).join(" ");
}
