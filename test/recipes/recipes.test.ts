// Every built-in recipe, proved by running real programs in it, from the command line as a user does. One store for all of
// it: most packages are shared, and downloading them is what takes the time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { testBuildRoles } from "./build-roles.ts";
import { testDistrolessRoles } from "./distroless-roles.ts";
import { testExamples } from "./examples.ts";
import { skip, Workshop } from "./workshop.ts";

let workshop: Workshop | undefined;

function opened(): Workshop {
  assert.ok(workshop, "the workshop could not be opened");
  return workshop;
}

if (skip === false) {
  before(async () => {
    workshop = await Workshop.open();
  });
  after(() => workshop?.[Symbol.asyncDispose]());
  testExamples(opened);
  testBuildRoles(opened);
  testDistrolessRoles(opened);
} else test("the recipes are proved", { skip }, () => {});
