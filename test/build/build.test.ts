import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Lab, missing } from "./lab.ts";

const skip = missing();
let lab: Lab;
before(async () => {
  lab = new Lab();
  if (skip === undefined) await lab.addBusybox();
});
after(() => lab[Symbol.asyncDispose]());

test("a stage from scratch with a copied file", { skip }, async () => {
  const files = { "hello.txt": "hello\n" };
  const context = lab.directory(files);
  const cold = await lab.build("FROM scratch\nCOPY hello.txt /\n", { context });
  const warm = await lab.build("FROM scratch\nCOPY hello.txt /\n", { context });
  assert.deepEqual([...(await lab.tree(cold.image))], [["hello.txt", "644 0:0 hello"]]);
  assert.equal(warm.image.target.digest, cold.image.target.digest);
  assert.deepEqual(
    [cold.steps, warm.steps],
    [
      { ran: 1, cached: 0 },
      { ran: 0, cached: 1 },
    ],
  );
});

test("RUN in a base image", { skip }, async () => {
  const text = "FROM busybox\nRUN echo out; echo made > /made; id -u\n";
  const cold = await lab.build(text);
  assert.equal(cold.output, "out\n0\n");
  const warm = await lab.build(text);
  assert.equal(warm.steps.ran, 0);
  assert.equal(warm.image.id, cold.image.id);
  assert.equal((await lab.tree(cold.image)).get("made"), "644 0:0 made");
});
