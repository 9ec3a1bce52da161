import assert from "node:assert/strict";
import { test } from "node:test";
import { isLighterError } from "#base";
import { parseReference } from "#oci";
import { findBaseRule, parseBaseRule, parseBaseRules } from "./base-rules.ts";

test("the first rule whose pattern fits a name holds", () => {
  const rules = parseBaseRules(
    "gcr.io/distroless/*=recipe,registry; golang:1.19=registry; busybox=store; recipe,store",
    "LIGHTER_BASE_SOURCES",
  );
  const cases: readonly (readonly [name: string, sources: readonly string[]])[] = [
    ["gcr.io/distroless/static:nonroot", ["recipe", "registry"]],
    ["gcr.io/other/static", ["recipe", "store"]],
    ["golang:1.19", ["registry"]],
    ["docker.io/library/golang:1.19", ["registry"]],
    ["golang:1.24", ["recipe", "store"]],
    ["busybox:1.35", ["store"]],
    ["example.com/busybox", ["recipe", "store"]],
  ];
  for (const [name, sources] of cases)
    assert.deepEqual(findBaseRule(rules, parseReference(name)).sources, sources, name);
});

test("with no rule it is the store, then recipes, then the registry", () => {
  const { pattern, sources } = findBaseRule([], parseReference("a.example/b"));
  assert.equal(pattern, undefined);
  assert.deepEqual(sources, ["store", "recipe", "registry"]);
});

test("what is no rule is told with what is wanted", () => {
  for (const text of ["", "shop", "store,", "a=", "=store", "a=store,b=recipe"])
    assert.throws(
      () => parseBaseRule(text, "--source"),
      (error) => isLighterError(error, "ARGUMENT_INVALID") && error.message.includes("want store, recipe"),
      text,
    );
});
