// Every built-in recipe, proved by running real programs in it, from the command line as a user does. One store for all of
// it: most packages are shared, and downloading them is what takes the time.
import { after, before, test } from "node:test";
import { testBuildRoles } from "./build-roles.ts";
import { testDistrolessRoles } from "./distroless-roles.ts";
import { testExamples } from "./examples.ts";
import { skip, Workshop } from "./workshop.ts";

let workshop: Workshop;

if (skip === false) {
  before(async () => {
    workshop = await Workshop.open();
  });
  after(() => workshop[Symbol.asyncDispose]());
  testExamples(() => workshop);
  testBuildRoles(() => workshop);
  testDistrolessRoles(() => workshop);
} else test("the recipes are proved", { skip }, () => {});
